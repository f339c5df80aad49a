import Glibc

/// Context switches of a server's threads between two moments (proc(5)).
///
///     var switches = ContextSwitches(of: tree)    finds the threads, which takes time
///     switches.begin()                            … the first moment
///     let count = switches.sinceBeginning         … the second one
///
/// The kernel has a file for each thread, and reading one takes microseconds: of thousands of
/// threads, every n-th stands for its neighbours.
package struct ContextSwitches: Sendable {
    /// Threads that are looked at, at most.
    private static let threadsMax = 200

    /// The files of the threads that are looked at, and what they said at the beginning.
    private var counts: [String: Int?] = [:]
    /// How many threads each of those stands for.
    private let weight: Double

    /// Finds the threads of all members.
    package init(of tree: ProcessTree) {
        let step = max(1, (tree.threads + Self.threadsMax - 1) / Self.threadsMax)
        var place = 0
        for process in tree.members {
            let folder = "/proc/\(process)/task"
            for thread in ProcessTree.numbers(in: folder) {
                if place.isMultiple(of: step) { counts["\(folder)/\(thread)/status"] = .some(nil) }
                place += 1
            }
        }
        weight = counts.isEmpty ? 0 : Double(place) / Double(counts.count)
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
        guard let text = try? contents(ofFile: path),
            let wanted = ProcessTree.number(in: text, after: "voluntary_ctxt_switches:"),
            let unwanted = ProcessTree.number(in: text, after: "nonvoluntary_ctxt_switches:")
        else { return nil }
        return wanted + unwanted
    }
}
