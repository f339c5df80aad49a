import Testing

@testable import Swiftlet

/// What waits for a thread, and how many threads there are, decided without any.
@Suite struct WorkQueueTests {
    private func queue(threads: Int = 2, queue: Int = 100) -> WorkQueue<String> {
        var limits = ThreadPool.Limits()
        (limits.threads, limits.queue) = (threads, queue)
        return WorkQueue(limits: limits)
    }

    @Test func `work is taken in the order in which it came, without what was withdrawn`() {
        var queue = queue()
        let numbers = ["a", "b", "c", "d"].map { queue.add($0) ?? 0 }
        queue.addThread()

        let withdrawn = (0..<2).map { _ in queue.withdraw(numbers[1]) }
        let taken = (0..<4).map { _ in queue.takeNext() }
        let isLate = !queue.withdraw(numbers[0])
        _ = queue.add("e")
        queue.addThread()
        let last = queue.takeNext()

        #expect(withdrawn == [true, false])
        #expect(taken == ["a", "c", "d", nil])
        #expect(isLate)
        #expect(last == "e")
    }

    @Test func `there are as many threads as there is work for, up to the limit`() {
        var queue = queue(threads: 2)
        #expect(!queue.needsThread)
        let needs = (0..<3).map { _ in
            _ = queue.add("work")
            let needs = queue.needsThread
            if needs { queue.addThread() }
            return needs
        }
        #expect(needs == [true, true, false])

        // A thread that is idle takes the next work.
        _ = queue.takeNext()
        queue.finish()
        #expect(!queue.needsThread)
    }

    @Test func `a limit of no threads is one of one`() {
        var queue = queue(threads: 0, queue: 0)
        let numbers = ["a", "b"].map { queue.add($0) }
        #expect(queue.needsThread)
        #expect(numbers.map { $0 != nil } == [true, false])
    }

    @Test func `so much may wait beside what threads may do, and no more`() {
        var queue = queue(threads: 2, queue: 1)
        var isTaken = (0..<4).map { _ in queue.add("work") != nil }
        queue.addThread()
        _ = queue.takeNext()
        isTaken.append(queue.add("work") != nil)
        queue.finish()
        isTaken.append(queue.add("work") != nil)

        #expect(isTaken == [true, true, true, false, false, true])
    }

    @Test func `the counters say what became of all work`() {
        var queue = queue(threads: 1, queue: 1)
        _ = queue.add("a")
        let second = queue.add("b") ?? 0
        _ = queue.add("c")
        queue.addThread()
        _ = queue.takeNext()
        _ = queue.withdraw(second)
        queue.finish()
        _ = queue.takeNext()

        var expected = ThreadPool.Statistics()
        (expected.threadsMax, expected.done, expected.withdrawn, expected.refused) = (1, 1, 1, 1)
        #expect(queue.statisticsSoFar == expected)
    }
}
