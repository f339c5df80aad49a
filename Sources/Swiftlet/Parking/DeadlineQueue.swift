import Drivers
import Syscalls

/// What is due when, the earliest first.
///
///     heap    [ 3 | 0 | 4 | 1 ]           slots in heap order by (deadline, sequence)
///     slots   [ entry | entry | – | entry | entry ]   each knows its place in the heap
///
/// A pure value: it reads no clock and resumes no task. Equal deadlines are due in the order in
/// which they were entered. A cancelled entry leaves at once, in O(log n), so that timeouts which
/// hardly ever pass cost no memory; its token then finds nothing, however often it is used.
package struct DeadlineQueue<Payload> {
    /// The identity of one entry.
    package struct Token: Hashable, Sendable {
        fileprivate let slot: UInt32
        fileprivate let sequence: UInt32

        /// That of no entry.
        static var none: Token { Token(slot: .max, sequence: 0) }
    }

    private struct Entry {
        var deadline: Instant
        var sequence: UInt32
        var place: Int
        var payload: Payload?
    }

    /// Nothing is due.
    package init() {}

    private var slots: [Entry] = []
    private var free: [UInt32] = []
    private var heap: [UInt32] = []
    private var sequence: UInt32 = 0

    package var isEmpty: Bool { heap.isEmpty }
    package var count: Int { heap.count }

    /// When the first entry is due; `.never` when there is none.
    package var next: Instant { heap.isEmpty ? .never : slots[Int(heap[0])].deadline }

    /// Enters a deadline.
    package mutating func insert(_ payload: Payload, at deadline: Instant) -> Token {
        sequence &+= 1
        let entry = Entry(
            deadline: deadline, sequence: sequence, place: heap.count, payload: payload)
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
            slots[Int(slot)] = entry
        } else {
            slot = UInt32(slots.count)
            slots.append(entry)
        }
        heap.append(slot)
        siftUp(from: heap.count - 1)
        return Token(slot: slot, sequence: sequence)
    }

    /// Replaces what is due; false when the entry has left.
    mutating func replace(_ token: Token, with payload: Payload) -> Bool {
        guard holds(token) else { return false }
        slots[Int(token.slot)].payload = payload
        return true
    }

    /// When an entry is due; `.past` when it has left already.
    func deadline(of token: Token) -> Instant {
        holds(token) ? slots[Int(token.slot)].deadline : .past
    }

    /// Takes an entry out before it is due; nil when it has left already.
    package mutating func remove(_ token: Token) -> Payload? {
        guard holds(token) else { return nil }
        return removeEntry(at: slots[Int(token.slot)].place)
    }

    /// Takes out the first entry if it is due at `now`.
    package mutating func popDue(at now: Instant) -> Payload? {
        guard let first = heap.first, slots[Int(first)].deadline <= now else { return nil }
        return removeEntry(at: 0)
    }

    /// Every entry, in the order in which they are due.
    var all: [(deadline: Instant, payload: Payload)] {
        heap.sorted(by: isBefore).compactMap { slot in
            slots[Int(slot)].payload.map { (slots[Int(slot)].deadline, $0) }
        }
    }

    private func holds(_ token: Token) -> Bool {
        let slot = Int(token.slot)
        return slot < slots.count && slots[slot].sequence == token.sequence
            && slots[slot].payload != nil
    }

    private mutating func removeEntry(at place: Int) -> Payload? {
        let slot = heap[place]
        let last = heap.removeLast()
        if place < heap.count {
            put(last, at: place)
            siftDown(from: place)
            siftUp(from: place)
        }
        free.append(slot)
        return slots[Int(slot)].payload.take()
    }

    private func isBefore(_ left: UInt32, _ right: UInt32) -> Bool {
        let left = slots[Int(left)]
        let right = slots[Int(right)]
        if left.deadline != right.deadline { return left.deadline < right.deadline }
        // The sequence wraps after four thousand million entries; the earlier one is nearer behind.
        return Int32(bitPattern: left.sequence &- right.sequence) < 0
    }

    private mutating func put(_ slot: UInt32, at place: Int) {
        heap[place] = slot
        slots[Int(slot)].place = place
    }

    private mutating func siftUp(from start: Int) {
        let slot = heap[start]
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard isBefore(slot, heap[parent]) else { break }
            put(heap[parent], at: place)
            place = parent
        }
        put(slot, at: place)
    }

    private mutating func siftDown(from start: Int) {
        let slot = heap[start]
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, isBefore(heap[child + 1], heap[child]) { child += 1 }
            guard isBefore(heap[child], slot) else { break }
            put(heap[child], at: place)
            place = child
        }
        put(slot, at: place)
    }
}
