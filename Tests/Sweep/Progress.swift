import Flags
import Syscalls

/// How far a sweep of many seeds has come, as a file keeps it: "0..<100 next 50 digest 1f".
struct Progress {
    /// The first seed that is not run yet.
    let next: UInt64
    /// The digest of the seeds before it.
    let digest: UInt64

    init(next: UInt64, digest: UInt64) {
        self.next = next
        self.digest = digest
    }

    /// What a file says of a sweep of these seeds; nil when there is no file yet.
    init?(contentsOf path: String, of seeds: Range<UInt64>) throws {
        let text: String
        do throws(Errno) {
            text = try File.read(path, atMost: 1_000)
        } catch {
            guard error == .noEntry else { throw error }
            return nil
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 5, words[0] == "\(seeds)", let next = UInt64(words[2]),
            let digest = UInt64(words[4], radix: 16),
            seeds.contains(next) || next == seeds.upperBound
        else { throw UsageError("--progress '\(path)' is not of the seeds \(seeds): name another") }
        self.init(next: next, digest: digest)
    }

    func write(to path: String, of seeds: Range<UInt64>) throws(Errno) {
        let text = "\(seeds) next \(next) digest \(String(digest, radix: 16))\n"
        try File.replace(path, with: text)
    }
}
