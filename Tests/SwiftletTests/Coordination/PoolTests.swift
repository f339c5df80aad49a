import Swiftlet
import Testing

@testable import SwiftletSimulation

/// At most so many tasks at the same time.
@Suite struct PoolTests {
    struct Broken: Error {}

    @Test(arguments: Ground.ofCoordination)
    func `at most as many tasks run as the pool has places`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 3)
            let (running, done) = (Sum(), Sum())
            for _ in 0..<10 {
                try await pool.spawn {
                    try #require(running.add() <= 3)
                    try await settle()
                    running.add(-1)
                    done.add()
                }
                try #require(pool.count <= 3)
            }
            try await pool.join()
            try #require(done[""] == 10 && pool.count == 0)
            // An empty pool has ended already.
            try await pool.join(timeout: .zero)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that cannot be started takes no place`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 1)
            let stop = Event()
            try await pool.spawn { try await stop.wait() }
            try #require(try pool.trySpawn {} == nil)
            let error = await ioError { try await pool.spawn(timeout: .zero) {} }
            try #require(error == failure(.acquire, .timedOut))
            let waiting = try spawn { try await pool.spawn { 1 }.value }
            try await settle()
            waiting.cancel()
            try #require(await ioError { try await waiting.value } == failure(.acquire, .cancelled))
            try #require(
                await ioError { try await pool.join(timeout: .zero) } == failure(.join, .timedOut))
            stop.set()
            try await pool.join()
            try #require(try await pool.spawn { 2 }.value == 2)
            try await pool.join()
        }
    }

    @Test func `outside of a loop nothing is started, nor waited for`() async throws {
        try await onLoop {
            let pool = Pool(size: 1)
            let stop = Event()
            try await pool.spawn { try await stop.wait() }
            let outside = Task.detached {
                await ioError { try await pool.spawn(timeout: .seconds(600)) {} }
            }
            #expect(await outside.value == failure(.spawn, .noLoop))
            stop.set()
            try await pool.join()
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that waits for a place is waited for`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 1)
            let (stop, done) = (Event(), Sum())
            try await pool.spawn { try await stop.wait() }
            try spawn { try await pool.spawn { done.add() } }
            try await settle()
            let joiner = try spawn {
                try await pool.join()
                return done[""]
            }
            try await settle()
            stop.set()
            try #require(try await joiner.value == 1)
            try #require(pool.count == 0)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a pool is cancelled as a whole, and can be used again`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 2)
            for _ in 0..<2 { try await pool.spawn { try await sleep(for: .seconds(3600)) } }
            pool.cancel()
            try await pool.join()
            try #require(try await pool.spawn { 1 }.value == 1)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `map gives the outputs in the order of the inputs`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 3)
            let squares = try await pool.map(0..<10) { number in
                try await sleep(for: .nanoseconds(10 - number))
                return number * number
            }
            try #require(squares == (0..<10).map { $0 * $0 })
            try #require(pool.count == 0 && squares.count == 10)
            try #require(try await pool.map([Int]()) { $0 } == [])
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `an error of one ends the others`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 2)
            let cancelled = Sum()
            do {
                _ = try await pool.map(0..<5) { number in
                    if number == 0 { throw Broken() }
                    do { try await sleep(for: .milliseconds(1)) } catch { cancelled.add() }
                }
                try #require(Bool(false), "map has not thrown")
            } catch is Broken {}
            try #require(pool.count == 0)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `map starts no more after an error`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 2)
            let started = Sum()
            await #expect(throws: Broken.self) {
                _ = try await pool.map(0..<1000) { number in
                    started.add()
                    if number == 3 { throw Broken() }
                }
            }
            try #require(started[""] < 20)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `imap looks ahead, and no further`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 4)
            let started = Sum()
            var outputs: [Int] = []
            let all = pool.imap(0..<8, lookAhead: 2) { number in
                started.add()
                return number
            }
            for try await output in all {
                outputs.append(output)
                try await settle()
                try #require(started[""] <= output + 2)
            }
            try #require(outputs == Array(0..<8))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `imapUnordered gives each output as soon as it is there`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 3)
            let gates = (0..<3).map { _ in Event() }
            gates[2].set()
            var outputs: [Int] = []
            let all = pool.imapUnordered(0..<3) { number in
                try await gates[number].wait()
                return number
            }
            for try await output in all {
                outputs.append(output)
                if output > 0 { gates[output - 1].set() }
            }
            try #require(outputs == [2, 1, 0])
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `what is under way is cancelled when the outputs are left`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 3)
            for try await output in pool.imap(
                0..<3,
                { number in
                    if number > 0 { try await sleep(for: .seconds(3600)) }
                    return number
                })
            {
                try #require(output == 0)
                break
            }
            try await pool.join()
        }
    }

    @Test(arguments: Ground.ofCoordination, [true, false])
    func `a task whose output is waited for is cancelled with its consumer`(
        ground: Ground, isOrdered: Bool
    ) async throws {
        try await ground.run {
            let pool = Pool(size: 2)
            let transform: @concurrent @Sendable (Int) async throws -> Int = { number in
                try await sleep(for: .seconds(3600))
                return number
            }
            let consumer = try spawn {
                let outputs =
                    isOrdered
                    ? pool.imap(0..<3, transform) : pool.imapUnordered(0..<3, transform)
                for try await _ in outputs {}
            }
            try await settle()
            consumer.cancel()
            let error = await ioError { try await consumer.value }
            try #require(error?.reason == .cancelled)
            // Long before they would have ended by themselves.
            try await pool.join(timeout: .seconds(600))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `an error ends the outputs`(ground: Ground) async throws {
        try await ground.run {
            let pool = Pool(size: 2)
            let outputs = pool.imap(0..<5) { number in
                if number == 1 { throw Broken() }
                return number
            }.makeAsyncIterator()
            try #require(try await outputs.next() == 0)
            do {
                _ = try await outputs.next()
                try #require(Bool(false), "imap has not thrown")
            } catch is Broken {}
            try #require(try await outputs.next() == nil)
            try await pool.join()
        }
    }

    @Test func `a report says which tasks have the places, and what is waited for`() throws {
        let lines = try Simulation(seed: 1).run { world in
            let pool = Pool(size: 1, name: "fetchers")
            try await pool.spawn(name: "one") { try await sleep(for: .seconds(9)) }
            try spawn { try await pool.join() }
            try spawn { try await pool.spawn {} }
            try await settle()
            return world.waitingLines.joined(separator: "\n")
        }
        #expect(
            lines.contains("waits for a place in pool 'fetchers' (1 of 1 taken: by 'one' at"),
            "\(lines)")
        #expect(lines.contains("waits for pool 'fetchers' to end, which has 1 tasks"), "\(lines)")
    }

    @Test func `a task that has its place and is not started yet is cancelled, too`() async throws {
        let pool = Pool(size: 1)
        let rounds = Channel<Int>()
        try await onLoops(2) {
            let canceller = try EventLoop.all[1].spawn {
                for try await _ in rounds {
                    // Once, at any moment of a start.
                    while pool.count == 0 { await Task.yield() }
                    pool.cancel()
                }
            }
            for round in 0..<500 {
                try await rounds.send(round)
                let task = try await pool.spawn { try await sleep(for: .seconds(600)) }
                #expect(await ioError { try await task.value } == failure(.sleep, .cancelled))
                try await pool.join()
            }
            rounds.close()
            try await canceller.value
        }
    }

    @Test func `tasks of all loops share a pool`() async throws {
        let pool = Pool(size: 3)
        let (running, done) = (Sum(), Sum())
        try await onLoops(3) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for loop in EventLoop.all {
                    let task = try loop.spawn {
                        for _ in 0..<50 {
                            try await pool.spawn {
                                #expect(running.add() <= 3)
                                await Task.yield()
                                running.add(-1)
                                done.add()
                            }
                        }
                    }
                    group.addTask { try await task.value }
                }
                try await group.waitForAll()
            }
            try await pool.join()
        }
        #expect(done[""] == 150 && pool.count == 0)
    }
}

/// Chance has tasks of a pool sleep, fail, and be cancelled.
@Suite struct PoolSeedTests {
    @Test func `every task runs once or not at all, and the places are kept, in a thousand worlds`()
        throws
    {
        try simulated(seeds: 0..<1000) { world in
            world.failsOnUnhandledErrors = false
            let size = world.number(in: 1...3)
            let pool = Pool(size: size)
            let (running, started, run) = (Sum(), Sum(), Sum())
            try await world.crowd(world.number(in: 1...4)) { _ in
                for _ in 0..<world.number(in: 1...4) {
                    let timeout: Duration? = world.draws(0.3) ? .milliseconds(1) : nil
                    let error = await ioError { () async throws -> Void in
                        let task = try await pool.spawn(timeout: timeout) {
                            run.add()
                            try #require(running.add() <= size)
                            defer { running.add(-1) }
                            try await world.pause()
                            if world.draws(0.2) { throw PoolTests.Broken() }
                        }
                        started.add()
                        if world.draws(0.2) { task.cancel() }
                        if world.draws(0.1) { pool.cancel() }
                    }
                    if let error { try #require(error.isExpected) }
                }
            }
            try await pool.join()
            try #require(pool.count == 0 && running[""] == 0 && run[""] == started[""])
            // All places are there.
            for _ in 0..<size { try #require(try pool.trySpawn { try await settle() } != nil) }
            try await pool.join()
        }
    }
}
