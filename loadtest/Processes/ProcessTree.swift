import Glibc
import Syscalls

/// A process and those that came from it, as /proc has them at one moment (proc(5)).
///
/// A server may be one process, a parent with a child for each client, or a script that starts
/// another: what it costs is what all of them cost. Its members are the process group of its first
/// process, which is quick to tell, and their children, since a member may leave the group.
package struct ProcessTree: Sendable, Equatable {
    /// The numbers of the members in ascending order, of those too that have ended and whose parent
    /// has not asked yet (zombies); empty when all are gone.
    package let members: [CInt]

    /// Looks at every process of this machine once.
    package init(of root: CInt) {
        let all = ProcessTree.numbers(in: "/proc")
        let group = Set(all.filter { getpgid($0) == root })
        let others = all.filter { !group.contains($0) }.compactMap(ProcessStatus.init(reading:))
        self.init(of: root, group: group, others: others)
    }

    init(of root: CInt, group: Set<CInt>, others: [ProcessStatus]) {
        var belongs = group
        if others.contains(where: { $0.id == root }) { belongs.insert(root) }
        var count = 0
        // A child may stand before its parent in the list, so it is read until nothing is added.
        while belongs.count > count {
            count = belongs.count
            for status in others where belongs.contains(status.parent) {
                belongs.insert(status.id)
            }
        }
        members = belongs.sorted()
    }

    /// How many processes and threads it has now.
    package struct Size: Sendable, Equatable {
        package var processes = 0
        package var threads = 0
        package init() {}
    }

    /// Counts the members that have not ended, and their threads.
    package var size: Size {
        members.compactMap(ProcessStatus.init(reading:)).filter { !$0.hasEnded }
            .reduce(into: Size()) { size, status in
                size.processes += 1
                size.threads += status.threads
            }
    }

    /// CPU time that the members have used so far, in nanoseconds; one that has ended counts as 0.
    package var cpuNanoseconds: Int64 { ProcessUsage.cpuNanoseconds(of: members) }

    /// The members' memory that is in RAM; all zero when none has any.
    package var memory: ProcessMemory {
        members.reduce(into: ProcessMemory()) { $0.add(ProcessMemory(of: $1)) }
    }

    /// The number behind a word in a file of lines like "Pss:      120 kB".
    static func number(in text: String, after word: String) -> Int? {
        for line in text.split(separator: "\n") where line.hasPrefix(word) {
            let fields = line.dropFirst(word.count).split(whereSeparator: \.isWhitespace)
            return fields.first.flatMap { Int($0) }
        }
        return nil
    }

    /// The entries of a folder that are numbers (opendir(3), readdir(3)); none where it is gone.
    static func numbers(in folder: String) -> [CInt] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var numbers: [CInt] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = CInt(name) { numbers.append(number) }
        }
        return numbers
    }
}

extension ProcessTree {
    /// A process, told apart from a later one that has its number.
    package struct Member: Sendable, Equatable {
        package let id: CInt
        let started: Int

        /// Nil when there is no such process.
        package init?(_ id: CInt) {
            guard let status = ProcessStatus(reading: id) else { return nil }
            (self.id, started) = (id, status.started)
        }

        /// Sends a signal (kill(2)), if it still is that process.
        package func send(signal: CInt) {
            if Member(id) == self { _ = kill(id, signal) }
        }
    }

    /// The members that are in no group of the first process's number: they left it (setsid(2)).
    package func strays(fromGroup group: CInt) -> [Member] {
        members.filter { getpgid($0) != group }.compactMap(Member.init)
    }

    /// The numbers of the children of a process.
    static func children(of parent: CInt) -> [CInt] {
        numbers(in: "/proc").compactMap(ProcessStatus.init(reading:))
            .filter { $0.parent == parent }.map(\.id)
    }
}

/// What /proc/PID/stat says of a process.
struct ProcessStatus: Equatable {
    var id: CInt
    var parent: CInt
    var threads: Int
    /// When it started, in ticks since the machine did.
    var started: Int
    var hasEnded: Bool

    init(id: CInt, parent: CInt, threads: Int = 1, started: Int = 0, hasEnded: Bool = false) {
        self.id = id
        self.started = started
        self.parent = parent
        self.threads = threads
        self.hasEnded = hasEnded
    }

    /// Nil when there is no such process any more.
    init?(reading process: CInt) {
        // It may have ended since its number was read.
        guard let text = try? File.read("/proc/\(process)/stat", atMost: 4096) else { return nil }
        self.init(text)
    }

    /// `id (name) state parent …`; a name may hold blanks and brackets itself.
    init?(_ text: String) {
        // By bytes, and no more of them than it needs: each process of the machine is looked at.
        let bytes = text.utf8
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")),
            let blank = bytes.firstIndex(of: UInt8(ascii: " ")), let id = CInt(text[..<blank])
        else { return nil }
        let fields = bytes[end...].dropFirst().split(separator: UInt8(ascii: " "), maxSplits: 20)
            .map { Substring($0) }
        guard fields.count > 19, let parent = CInt(fields[1]), let threads = Int(fields[17]),
            let started = Int(fields[19])
        else { return nil }
        self.init(
            id: id, parent: parent, threads: threads, started: started,
            hasEnded: fields[0] == "Z" || fields[0] == "X")
    }
}

/// Memory of processes that is in RAM, in bytes (proc(5)).
///
/// What the kernel holds for them is in no figure: socket buffers, page tables, kernel stacks.
package struct ProcessMemory: Sendable, Equatable {
    /// What they have written to or share among themselves: heaps, stacks, changed data.
    ///
    /// The kernel divides a page that n processes map by n (`Pss_Anon`, `Pss_Shmem`), so that the
    /// pages that children still share with their parent count once.
    package var anonymous = 0
    /// Programs and libraries: those of the member that maps most of them, since the others map the
    /// same. Whether a stranger maps them too does not matter, as it would in a share.
    package var files = 0
    /// Whether what they share was divided. Where the kernel does not let us read the shares, each
    /// process counts all that it maps.
    package var isDivided = true

    package init() {}

    package var total: Int { anonymous + files }

    /// Reads the memory of one process; one that has ended has none.
    init(of process: CInt) {
        // It may have ended, and a process of another user may not be looked into.
        let status = (try? File.read("/proc/\(process)/status", atMost: 4096)) ?? ""
        let shares = (try? File.read("/proc/\(process)/smaps_rollup", atMost: 4096)) ?? ""
        let bytes = { (text: String, word: String) in
            ProcessTree.number(in: text, after: word).map { $0 * 1024 }
        }
        files = bytes(status, "RssFile:") ?? 0
        if let own = bytes(shares, "Pss_Anon:"), let shared = bytes(shares, "Pss_Shmem:") {
            anonymous = own + shared
        } else {
            anonymous = (bytes(status, "RssAnon:") ?? 0) + (bytes(status, "RssShmem:") ?? 0)
            isDivided = status.isEmpty
        }
    }

    mutating func add(_ other: ProcessMemory) {
        anonymous += other.anonymous
        files = max(files, other.files)
        isDivided = isDivided && other.isDivided
    }
}
