import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Permits: bounded, in order, and never lost.
@Suite struct SemaphoreTests {
    @Test(arguments: Ground.ofCoordination)
    func `as many tasks have a permit as there are permits`(ground: Ground) async throws {
        try await ground.run {
            let semaphore = Semaphore(capacity: 2)
            let count = Sum()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await semaphore.withPermit {
                            try #require(count.add(1) <= 2)
                            try await settle()
                            count.add(-1)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try #require(semaphore.taken == 0 && semaphore.waiting == 0)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `permits go to those that wait in the order in which they came`(ground: Ground)
        async throws
    {
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            let order = Notes<Int>()
            let permit = try await semaphore.acquire()
            for number in 0..<4 {
                try spawn {
                    try await semaphore.withPermit { order.add(number) }
                }
                try await settle()
            }
            // One that comes now does not overtake them, not even without waiting.
            permit.release()
            try #require(!semaphore.canTake)
            try await semaphore.withPermit {}
            try #require(order.all == [0, 1, 2, 3])
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a permit goes back once, however its scope ends`(ground: Ground) async throws {
        struct Broken: Error {}
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            await #expect(throws: Broken.self) {
                try await semaphore.withPermit { throw Broken() }
            }
            try #require(semaphore.taken == 0)
            do {
                let permit = try await semaphore.acquire()
                try #require(semaphore.taken == 1)
                // Released by the end of the scope.
                _ = consume permit
            }
            try #require(semaphore.taken == 0)
            if let permit = semaphore.tryAcquire() { permit.release() }
            try #require(semaphore.taken == 0)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task whose time is over leaves the line`(ground: Ground) async throws {
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            let permit = try await semaphore.acquire()
            let error = await ioError { try await semaphore.withPermit(timeout: .zero) {} }
            try #require(error == failure(.acquire, .timedOut))
            try #require(semaphore.waiting == 0)
            permit.release()
            try await semaphore.withPermit(timeout: .zero) {}
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a cancelled task leaves the line, and its turn goes to the next`(ground: Ground)
        async throws
    {
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            let permit = try await semaphore.acquire()
            let first = try spawn { try await semaphore.withPermit {} }
            try await settle()
            let second = try spawn { try await semaphore.withPermit {} }
            try await settle()
            first.cancel()
            let error = await ioError { try await first.value }
            try #require(error == failure(.acquire, .cancelled))
            permit.release()
            try await second.value
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a permit that was given before the cancellation is had, and comes back`(ground: Ground)
        async throws
    {
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            let permit = try await semaphore.acquire()
            let task = try spawn { try await semaphore.withPermit { "had" } }
            try await settle()
            // In the same job, so that the task has not run between the two.
            permit.release()
            task.cancel()
            try #require(try await task.value == "had")
            try #require(semaphore.taken == 0)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that is cancelled already does not wait, but takes what is there`(ground: Ground)
        async throws
    {
        try await ground.run {
            let semaphore = Semaphore(capacity: 1)
            let task = try spawn {
                while !Task.isCancelled { await Task.yield() }
                try await semaphore.withPermit {
                    let error = await ioError { try await semaphore.withPermit {} }
                    try #require(error == failure(.acquire, .cancelled))
                }
            }
            task.cancel()
            try await task.value
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `the number of permits changes at run time`(ground: Ground) async throws {
        try await ground.run {
            let semaphore = Semaphore(capacity: 0)
            let tasks = try (0..<3).map { _ in try spawn { try await semaphore.acquire().release() }
            }
            try await settle()
            try #require(semaphore.waiting == 3)
            semaphore.capacity = 3
            for task in tasks { try await task.value }

            let one = try await semaphore.acquire()
            let two = try await semaphore.acquire()
            semaphore.capacity = 1
            try #require(semaphore.taken == 2 && !semaphore.canTake)
            one.release()
            try #require(!semaphore.canTake)
            two.release()
            try #require(semaphore.canTake)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `the end of the loop ends the wait`(ground: Ground) async throws {
        let seen = Notes<IOError?>()
        try await ground.run {
            let semaphore = Semaphore(capacity: 0)
            try spawn { seen.add(await ioError { try await semaphore.acquire().release() }) }
            try await settle()
        }
        #expect(!seen.all.isEmpty)
        // It may see that it was cancelled first.
        let reasons = Set(seen.all.map { $0?.reason })
        #expect(reasons.isSubset(of: [.cancelled, .loopEnded]), "\(reasons)")
    }

    @Test func `what cannot be copied comes out of the scope`() async throws {
        try await onLoop {
            let semaphore = Semaphore(capacity: 1)
            let inner = Semaphore(capacity: 1)
            let permit = try await semaphore.withPermit { try await inner.acquire() }
            #expect(inner.taken == 1 && semaphore.taken == 0)
            permit.release()
        }
    }

    @Test func `a report names the semaphore, those that hold it, and the others that wait`() throws
    {
        let line: UInt32 = #line
        let lines = try Simulation(seed: 1).run { world in
            let semaphore = Semaphore(capacity: 2, name: "db")
            for name in ["one", "two"] {
                try spawn(name: name) {
                    try await semaphore.withPermit { try await sleep(for: .seconds(9)) }
                }
                try await settle()
            }
            try spawn(name: "three") { try await semaphore.withPermit(timeout: .seconds(5)) {} }
            try await sleep(for: .seconds(3))
            return world.waitingLines.filter { $0.contains("three") }
        }
        let file = "SwiftletTests/SemaphoreTests.swift"
        #expect(lines.count == 1)
        #expect(
            lines.first?.hasPrefix(
                """
                test: 'three' at \(file):\(line + 9) waits for semaphore 'db' (2 of 2 taken: by \
                'one' at \(file):\(line + 5), 'two' at \(file):\(line + 5)): 3.0 seconds so far, 2.0
                """) == true, "\(lines)")
    }

    @Test func `a report names three of many holders`() throws {
        let lines = try Simulation(seed: 1).run { world in
            let semaphore = Semaphore(capacity: 5, name: "db")
            for number in 0..<5 {
                try spawn(name: "\(number)") {
                    try await semaphore.withPermit { try await sleep(for: .seconds(9)) }
                }
                try await settle()
            }
            try spawn(name: "waiting") { try await semaphore.withPermit {} }
            try await settle()
            return world.waitingLines.filter { $0.contains("'waiting'") }
        }
        let line = lines.first ?? ""
        #expect(line.contains("(5 of 5 taken: by '0' at ") && line.contains("'2' at "), "\(line)")
        #expect(line.contains(" and 2 more)") && !line.contains("'3' at "), "\(line)")
    }

    @Test func `a permit that outlives its task is held by no other`() throws {
        try simulated { world in
            let semaphore = Semaphore(capacity: 1, name: "db")
            let kept = Channel<Semaphore.Permit>(capacity: 1)
            try await spawn(name: "gone") { try await kept.send(semaphore.acquire()) }.value
            // One of them is where the other one was.
            for _ in 0..<50 { try spawn(name: "other") { try await sleep(for: .seconds(1)) } }
            try spawn(name: "waiting") { try await semaphore.withPermit {} }
            try await settle()
            let line = world.waitingLines.first { $0.contains("'waiting'") } ?? ""
            try #require(line.contains("(1 of 1 taken: by a task at"), "\(line)")
        }
    }

    @Test func `a deadlock says which task holds what the other wants`() throws {
        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation(seed: 1).run { _ in
                let (left, right) = (Lock(name: "left"), Lock(name: "right"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, first, second) in [("A", left, right), ("B", right, left)] {
                        group.addTask(name: name) {
                            try await first.withLock {
                                try await settle()
                                try await second.withLock {}
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        let text = try #require(failure?.description)
        guard case .deadlock = failure?.reason else { return #expect(Bool(false), "\(text)") }
        #expect(text.contains("'A' at SwiftletTests/SemaphoreTests.swift"), "\(text)")
        #expect(text.contains("waits for lock 'right' (taken by 'B' at"), "\(text)")
        #expect(text.contains("waits for lock 'left' (taken by 'A' at"), "\(text)")
    }

    @Test func `what is too small a number is the smallest`() async throws {
        let semaphore = Semaphore(capacity: -1)
        #expect(semaphore.capacity == 0)
        semaphore.capacity = 1
        semaphore.capacity = -1
        #expect(semaphore.capacity == 0)
        let pool = Pool(size: 0)
        #expect(pool.size == 1)
        pool.size = -1
        #expect(pool.size == 1)
        #expect(Channel<Int>(capacity: -1).capacity == 0)
        #expect(Queue<Int>(capacity: 0).tryPut(1))
        let news = Broadcast<Int>(capacity: 0)
        let subscription = news.subscribe()
        news.send(1)
        #expect(subscription.tryReceive() != nil)
    }

    @Test func `a task of no loop may wait longer than a clock goes`() async throws {
        let semaphore = Semaphore(capacity: 0)
        let waiting = Task {
            try await semaphore.acquire(timeout: .seconds(Int64.max)).release()
        }
        while semaphore.waiting == 0 { await Task.yield() }
        // So that its timer has begun.
        for _ in 0..<1000 { await Task.yield() }
        semaphore.capacity = 1
        try await waiting.value
    }

    @Test func `tasks of all kinds share permits`() async throws {
        let semaphore = Semaphore(capacity: 2)
        let count = Sum()
        try await onEveryKindOfTask(10) { _ in
            for _ in 0..<200 {
                try await semaphore.withPermit {
                    #expect(count.add(1) <= 2)
                    await Task.yield()
                    count.add(-1)
                }
            }
        }
        #expect(semaphore.taken == 0 && semaphore.waiting == 0)
    }

    @Test func `tasks of all kinds are cancelled while they wait, and nothing is lost`()
        async throws
    {
        let semaphore = Semaphore(capacity: 1)
        try await onEveryKindOfTask(10) { number in
            for round in 0..<100 {
                let task = Task { try await semaphore.withPermit { await Task.yield() } }
                if (round + number).isMultiple(of: 3) { task.cancel() }
                if let error = await ioError({ try await task.value }) {
                    #expect(error == failure(.acquire, .cancelled))
                }
            }
        }
        #expect(semaphore.taken == 0 && semaphore.waiting == 0)
    }
}

/// Chance has tasks take permits, give up and be cancelled.
@Suite struct SemaphoreSeedTests {
    @Test func `no permit is lost or given twice, and the line is kept, in a thousand worlds`()
        throws
    {
        try simulated(seeds: 0..<1000) { world in
            let most = world.number(in: 1...3)
            let semaphore = Semaphore(capacity: most)
            let (count, line) = (Sum(), Line())
            try await world.crowd(world.number(in: 2...7)) { _ in
                for _ in 0..<world.number(in: 1...4) {
                    let ticket = line.enter()
                    let timeout = world.draws(0.3) ? world.number(in: 0...3) : nil
                    let error = await ioError {
                        try await semaphore.withPermit(timeout: timeout.map { .milliseconds($0) }) {
                            () async throws -> Void in
                            line.serve(ticket, at: world.elapsed)
                            try #require(count.add(1) <= most)
                            defer { count.add(-1) }
                            try await world.pause()
                        }
                    }
                    if let error { try #require(error.operation != .acquire || error.isExpected) }
                    // A cancelled task is done.
                    if Task.isCancelled { return }
                    try await world.pause(upTo: 1)
                }
            }
            try #require(line.isKept)
            try #require(semaphore.taken == 0 && semaphore.waiting == 0)
        }
    }

    @Test func `the number of permits is kept while it changes, in a thousand worlds`() throws {
        try simulated(seeds: 0..<1000) { world in
            let semaphore = Semaphore(capacity: 1)
            let changer = try spawn {
                for _ in 0..<5 {
                    try await world.pause()
                    semaphore.capacity = world.number(in: 0...3)
                }
                semaphore.capacity = 1
            }
            try await world.crowd(5) { _ in
                for _ in 0..<3 where !Task.isCancelled {
                    let before = semaphore.capacity
                    if let permit = semaphore.tryAcquire() {
                        try #require(semaphore.taken <= max(before, semaphore.capacity))
                        permit.release()
                    }
                    _ = await ioError { try await semaphore.withPermit { try await world.pause() } }
                }
            }
            try await changer.value
            try #require(semaphore.taken == 0 && semaphore.waiting == 0)
            try #require(semaphore.canTake)
        }
    }
}

extension IOError {
    /// Whether a task that was cancelled, or whose time was over, may see it.
    var isExpected: Bool { reason == .cancelled || reason == .timedOut }
}
