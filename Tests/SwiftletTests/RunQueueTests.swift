import Testing

@testable import Swiftlet

/// A queue's item that is no job: a name and the link.
private final class Item: Linked {
    let name: String
    var next: Item?
    init(_ name: String) { self.name = name }
}

@Suite struct RunQueueTests {
    private func drain(_ queue: inout RunQueue<Item>) -> [String] {
        var names: [String] = []
        while let item = queue.dequeue() { names.append(item.name) }
        return names
    }

    @Test func `items leave in the order in which they came`() {
        var queue = RunQueue<Item>()
        for name in ["a", "b", "c"] { queue.enqueue(Item(name)) }

        #expect(queue.count == 3)
        #expect(drain(&queue) == ["a", "b", "c"])
        #expect(queue.isEmpty)
        #expect(queue.count == 0)
    }

    @Test func `a queue that was emptied can be filled again`() {
        var queue = RunQueue<Item>()
        queue.enqueue(Item("a"))
        _ = queue.dequeue()
        queue.enqueue(Item("b"))

        #expect(drain(&queue) == ["b"])
    }

    @Test func `an appended queue stands behind`() {
        var queue = RunQueue<Item>()
        var other = RunQueue<Item>()
        queue.enqueue(Item("a"))
        other.enqueue(Item("b"))
        other.enqueue(Item("c"))
        queue.append(other)
        queue.enqueue(Item("d"))

        #expect(queue.count == 4)
        #expect(drain(&queue) == ["a", "b", "c", "d"])
    }

    @Test func `appending nothing and appending to nothing`() {
        var queue = RunQueue<Item>()
        queue.append(RunQueue())
        #expect(queue.isEmpty)

        var other = RunQueue<Item>()
        other.enqueue(Item("a"))
        queue.append(other)
        #expect(drain(&queue) == ["a"])
    }

    @Test func `an item that came back stands at the end`() {
        var queue = RunQueue<Item>()
        let first = Item("a")
        queue.enqueue(first)
        queue.enqueue(Item("b"))
        _ = queue.dequeue()
        first.next = nil  // What making a job anew does.
        queue.enqueue(first)

        #expect(drain(&queue) == ["b", "a"])
    }
}
