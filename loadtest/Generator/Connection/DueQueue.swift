/// Connections that wait for an instant, the earliest first: a binary heap in an array.
///
///     entries   [ 3 | 5 | 4 | 9 | 6 ]      an entry is not due before the one at half its place
///
/// A connection that meanwhile went another way is not searched for: the code that takes it out
/// looks whether it still waits.
struct DueQueue {
    private var entries: [(due: Int64, index: Int32)] = []

    /// When the first one is due, in nanoseconds; never when none waits.
    @inline(__always)
    var next: Int64 { entries.isEmpty ? .max : entries[0].due }

    /// Adds a connection that waits until `due`.
    mutating func add(_ index: Int, due: Int64) {
        entries.append((due, Int32(index)))
        var child = entries.count - 1
        while child > 0, entries[(child - 1) / 2].due > entries[child].due {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the first connection out, if it is due.
    mutating func take(dueAt now: Int64) -> Int? {
        guard !entries.isEmpty, entries[0].due <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        let taken = entries.removeLast()
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { return Int(taken.index) }
            if child + 1 < entries.count, entries[child + 1].due < entries[child].due { child += 1 }
            guard entries[child].due < entries[parent].due else { return Int(taken.index) }
            entries.swapAt(parent, child)
            parent = child
        }
    }
}
