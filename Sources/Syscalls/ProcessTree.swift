import Glibc

/// A process and those that came from it, as /proc has them at one moment (proc(5)).
///
/// A server may be one process, a parent with a child for each client, or a script that starts
/// another: what it costs is what all of them cost. Who belongs to it is told by the process group
/// of its first process and by who is whose parent, since a member may leave the group. What has
/// ended and was not forgotten yet (a zombie) costs nothing and is left out.
package struct ProcessTree: Sendable, Equatable {
    /// The numbers of the members, in ascending order; empty when all have ended.
    package let members: [CInt]
    /// Threads of all members.
    package let threads: Int

    /// Looks at every process of this machine once.
    package init(of root: CInt) {
        let all = ProcessTree.numbers(in: "/proc").compactMap(ProcessStatus.init(reading:))
        self.init(of: root, among: all)
    }

    init(of root: CInt, among all: [ProcessStatus]) {
        var belongs = Set(all.filter { $0.group == root || $0.id == root }.map(\.id))
        var count = 0
        // A child may stand before its parent in the list, so it is read until nothing is added.
        while belongs.count > count {
            count = belongs.count
            for status in all where belongs.contains(status.parent) { belongs.insert(status.id) }
        }
        let living = all.filter { belongs.contains($0.id) && !$0.hasEnded }
        members = living.map(\.id).sorted()
        threads = living.reduce(0) { $0 + $1.threads }
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

/// What /proc/PID/stat says of a process.
struct ProcessStatus: Equatable {
    var id: CInt
    var parent: CInt
    var group: CInt
    var threads: Int
    var hasEnded: Bool

    init(id: CInt, parent: CInt, group: CInt, threads: Int = 1, hasEnded: Bool = false) {
        self.id = id
        self.parent = parent
        self.group = group
        self.threads = threads
        self.hasEnded = hasEnded
    }

    /// Nil when there is no such process any more.
    init?(reading process: CInt) {
        // It may have ended since its number was read.
        guard let text = try? contents(ofFile: "/proc/\(process)/stat") else { return nil }
        self.init(text)
    }

    /// `id (name) state parent group …`; a name may hold blanks and brackets itself.
    init?(_ text: String) {
        guard let end = text.lastIndex(of: ")"),
            let id = text.split(separator: " ").first.flatMap({ CInt($0) })
        else { return nil }
        let fields = text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 17, let parent = CInt(fields[1]), let group = CInt(fields[2]),
            let threads = Int(fields[17])
        else { return nil }
        self.init(
            id: id, parent: parent, group: group, threads: threads,
            hasEnded: fields[0] == "Z" || fields[0] == "X")
    }
}
