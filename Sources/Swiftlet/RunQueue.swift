/// Something that can stand in a `RunQueue`: it carries the link to its successor.
protocol Linked {
    /// Who stands behind; the queue's own, to be left alone by everybody else.
    var next: Self? { get nonmutating set }
}

/// Runnable jobs in the order in which they became runnable.
///
///     head → job → job → job ← tail        each job holds the link to the next one
///
/// Because the jobs carry the links themselves, the queue allocates nothing, ever. A job that is
/// made has no successor; one that has left the queue keeps a stale link that nobody reads.
struct RunQueue<Item: Linked> {
    private var head: Item?
    private var tail: Item?
    /// How many stand in the queue.
    private(set) var count = 0

    var isEmpty: Bool { head == nil }

    /// Puts an item at the end.
    mutating func enqueue(_ item: Item) {
        if let tail { tail.next = item } else { head = item }
        tail = item
        count += 1
    }

    /// Takes the item at the front.
    mutating func dequeue() -> Item? {
        guard let item = head else { return nil }
        count -= 1
        head = count == 0 ? nil : item.next
        if count == 0 { tail = nil }
        return item
    }

    /// Moves everything from `other` to the end of this queue, in its order.
    mutating func append(_ other: consuming RunQueue) {
        guard let otherHead = other.head else { return }
        if let tail { tail.next = otherHead } else { head = otherHead }
        tail = other.tail
        count += other.count
    }
}
