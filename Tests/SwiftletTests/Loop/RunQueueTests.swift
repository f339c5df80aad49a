import Testing

@testable import Swiftlet

@Suite struct RunQueueTests {
    @Test func `items are taken in the order in which they came`() {
        var queue = RunQueue<Int>()
        var batch: [Int] = []
        for item in 1...3 { queue.enqueue(item) }
        #expect(queue.count == 3)

        queue.takeAll(into: &batch)

        #expect(batch == [1, 2, 3])
        #expect(queue.isEmpty)
    }

    @Test func `what comes while a batch runs waits for the next one`() {
        var queue = RunQueue<Int>()
        var batch: [Int] = []
        queue.enqueue(1)
        queue.takeAll(into: &batch)
        queue.enqueue(2)
        #expect(batch == [1])

        queue.takeAll(into: &batch)

        #expect(batch == [2])
    }

    @Test func `an empty queue gives an empty batch`() {
        var queue = RunQueue<Int>()
        var batch = [7]

        queue.takeAll(into: &batch)

        #expect(batch.isEmpty)
    }

    @Test func `batches use the same memory again`() {
        var queue = RunQueue<Int>()
        var batch: [Int] = []
        func fill() -> UnsafePointer<Int>? {
            for item in 0..<100 { queue.enqueue(item) }
            queue.takeAll(into: &batch)
            return batch.withUnsafeBufferPointer { $0.baseAddress }
        }
        let first = [fill(), fill()]

        let second = [fill(), fill()]

        #expect(first == second)
    }
}
