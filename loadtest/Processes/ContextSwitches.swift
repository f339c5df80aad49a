import Glibc
import Syscalls

/// Context switches of a server's threads between two moments (proc(5)).
///
///     var switches = ContextSwitches(of: tree)    finds the threads, which takes time
///     switches.begin()                            … the first moment
///     let count = switches.sinceBeginning         … the second one
///
/// The kernel has a file for each thread, and reading one takes microseconds: of thousands of
/// processes or threads, every n-th stands for its neighbours.
package struct ContextSwitches: Sendable {
    /// Processes, and of those threads, that are looked at; fewer than twice as many.
    private static let wanted = 100

    /// The files of the threads that are looked at, and what they said at the beginning.
    private var counts: [String: Int?] = [:]
    /// How many threads each of those stands for.
    private let weight: Double

    /// Finds the threads of all members.
    package init(of tree: ProcessTree) {
        let processes = Self.some(of: tree.members)
        let files = processes.flatMap { process in
            let folder = "/proc/\(process)/task"
            return ProcessTree.numbers(in: folder).map { "\(folder)/\($0)/status" }
        }
        let chosen = Self.some(of: files)
        for file in chosen { counts[file] = .some(nil) }
        let share = { (part: Int, whole: Int) in part == 0 ? 0 : Double(whole) / Double(part) }
        weight =
            share(processes.count, tree.members.count) * share(chosen.count, files.count)
    }

    /// Every n-th of them, where there are many.
    private static func some<Item>(of items: [Item]) -> [Item] {
        let step = max(1, items.count / wanted)
        return stride(from: 0, to: items.count, by: step).map { items[$0] }
    }

    /// Counts from now on.
    package mutating func begin() {
        for path in counts.keys { counts[path] = .some(Self.count(in: path)) }
    }

    /// Switches since the beginning, those that a thread wanted and those that it did not; nil when
    /// a thread has ended since.
    package var sinceBeginning: Double? {
        var sum = 0
        for (path, before) in counts {
            guard let before, let now = Self.count(in: path) else { return nil }
            sum += now - before
        }
        return Double(sum) * weight
    }

    private static func count(in path: String) -> Int? {
        // A thread that has ended has no file.
        guard let text = try? File.read(path, atMost: 4096),
            let wanted = ProcessTree.number(in: text, after: "voluntary_ctxt_switches:"),
            let unwanted = ProcessTree.number(in: text, after: "nonvoluntary_ctxt_switches:")
        else { return nil }
        return wanted + unwanted
    }
}
