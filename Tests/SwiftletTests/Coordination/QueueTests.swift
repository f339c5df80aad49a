import Swiftlet
import Testing

@testable import SwiftletSimulation

/// Elements in an order of the user's choice, and an account of what has been done.
@Suite struct QueueTests {
    @Test(arguments: Ground.ofCoordination)
    func `elements come out in the order of the queue`(ground: Ground) async throws {
        try await ground.run {
            let numbers = [3, 1, 4, 1, 5, 9, 2, 6]
            let orders: [(Queue<Int>.Order, [Int])] = [
                (.fifo, numbers), (.lifo, numbers.reversed()),
                (.priority(by: <), numbers.sorted()), (.priority(by: >), numbers.sorted(by: >)),
            ]
            for (order, expected) in orders {
                let queue = Queue<Int>(order)
                for number in numbers { try await queue.put(number) }
                try #require(queue.count == 8)
                queue.close()
                var taken: [Int] = []
                for try await number in queue { taken.append(number) }
                try #require(taken == expected)
            }
        }
    }

    @Test func `of equals the one that was put in first comes out first`() async throws {
        try await onLoop {
            let queue = Queue<(Int, Int)>(.priority { $0.0 < $1.0 })
            for number in 0..<40 { try await queue.put((number % 4, number)) }
            var taken: [Int] = []
            while let (_, number) = queue.tryGet() { taken.append(number) }
            #expect(taken == (0..<4).flatMap { rank in stride(from: rank, to: 40, by: 4) })
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a full queue lets those wait that put in, in their order`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>(capacity: 2)
            try await queue.put(0)
            try #require(queue.tryPut(1) && !queue.tryPut(9))
            try #require(
                await ioError { try await queue.put(9, timeout: .zero) } == failure(.put, .timedOut)
            )
            for number in 2..<4 {
                try spawn { try await queue.put(number) }
                try await settle()
            }
            let cancelled = try spawn { try await queue.put(9) }
            try await settle()
            cancelled.cancel()
            try #require(await ioError { try await cancelled.value } == failure(.put, .cancelled))
            for number in 0..<4 { try #require(try await queue.get() == number) }
            try #require(queue.tryGet() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `those that get wait in their order, and peeking takes nothing`(ground: Ground)
        async throws
    {
        try await ground.run {
            let queue = Queue<Int>()
            try #require(queue.tryPeek() == nil)
            try #require(
                await ioError { try await queue.get(timeout: .zero) } == failure(.get, .timedOut))
            let first = try spawn { try await queue.get() }
            try await settle()
            let peeking = try spawn { try await queue.peek() }
            try await settle()
            let second = try spawn { try await queue.get() }
            try await settle()
            try await queue.put(1)
            try #require(try await first.value == 1)
            try await queue.put(2)
            try #require(try await peeking.value == 2)
            try #require(try await second.value == 2)
            try await queue.put(3)
            try #require(try await queue.peek() == 3)
            try #require(queue.tryPeek() == 3 && queue.count == 1)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `an element that was given before the cancellation is had`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>()
            let task = try spawn { try await queue.get() }
            try await settle()
            try #require(queue.tryPut(1))
            task.cancel()
            try #require(try await task.value == 1)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `join waits until all has been done`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>()
            try await queue.join()
            for number in 0..<3 { try await queue.put(number) }
            let joiner = try spawn { try await queue.join() }
            for number in 0..<3 {
                try await settle()
                try #require(queue.unfinished == 3 - number)
                _ = try await queue.get()
                try queue.taskDone()
            }
            try await joiner.value
            // Putting in more begins anew.
            try await queue.put(3)
            try #require(
                await ioError { try await queue.join(timeout: .zero) } == failure(.join, .timedOut))
            try queue.taskDone()
            try #require(throws: failure(.join, .outOfRange(-1))) { try queue.taskDone() }
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `closing ends the waits, and what is in comes out`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>(capacity: 1)
            let getter = try spawn { try await queue.get() }
            try await settle()
            queue.close()
            try #require(try await getter.value == nil)

            let full = Queue<Int>(capacity: 1)
            try await full.put(1)
            let putter = try spawn { await ioError { try await full.put(2) } }
            try await settle()
            full.close()
            try #require(try await putter.value == failure(.put, .closed))
            try #require(await ioError { try await full.put(3) } == failure(.put, .closed))
            try #require(!full.tryPut(3) && full.isClosed)
            try #require(try await full.get() == 1)
            try #require(try await full.get() == nil)
            try #require(try await full.peek() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `what is removed counts as done`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>()
            for number in 0..<3 { try await queue.put(number) }
            let joiner = try spawn { try await queue.join() }
            try await settle()
            queue.close()
            queue.removeAll()
            try await joiner.value
            try #require(try await queue.get() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `what comes in when all is removed stays`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>(capacity: 2)
            for number in 0..<2 { try await queue.put(number) }
            for number in 2..<5 {
                try spawn { try await queue.put(number) }
                try await settle()
            }
            let joiner = try spawn { try await queue.join() }
            try await settle()
            queue.removeAll()
            try #require(queue.count == 2 && queue.unfinished == 2)
            for number in 2..<5 {
                try #require(try await queue.get() == number)
                try queue.taskDone()
            }
            try await joiner.value
        }
    }

    @Test func `a report names the queue, and what is waited for`() throws {
        let lines = try Simulation(seed: 1).run { world in
            let jobs = Queue<Int>(capacity: 1, name: "jobs")
            let empty = Queue<Int>(name: "empty")
            try await jobs.put(1)
            try spawn { try await jobs.put(2) }
            try spawn { try await jobs.join() }
            try spawn { _ = try await empty.peek() }
            try await settle()
            return world.waitingLines.joined(separator: "\n")
        }
        for words in [
            "waits to put into queue 'jobs', of 1 elements, which is full: 1 wait",
            "waits for queue 'jobs': 1 elements are not done",
            "waits to peek from queue 'empty', which is empty",
        ] {
            #expect(lines.contains(words), "\(lines)")
        }
    }

    @Test func `tasks of all kinds put in and get`() async throws {
        let queue = Queue<Int>(.priority(by: <), capacity: 5)
        let (put, got, done) = (Sum(), Sum(), Sum())
        try await onEveryKindOfTask(20) { number in
            if number < 10 {
                for element in 0..<200 {
                    try await queue.put(element)
                    put.add(element)
                }
                if done.add() == 10 {
                    try await queue.join()
                    queue.close()
                }
            } else {
                while let element = try await queue.get() {
                    got.add(element)
                    try queue.taskDone()
                }
            }
        }
        #expect(put[""] == got[""] && put[""] == 10 * 199 * 100)
    }
}

/// Chance has tasks put in, take out, look, give up and be cancelled.
@Suite struct QueueSeedTests {
    static let orders: [Queue<Int>.Order] = [.fifo, .lifo, .priority(by: >)]

    @Test func `no element is lost or doubled, and all is accounted for, in a thousand worlds`()
        throws
    {
        try simulated(seeds: 0..<1000) { world in
            world.failsOnUnhandledErrors = false
            let capacity = world.draws(0.7) ? world.number(in: 1...3) : nil
            let queue = Queue<Int>(Self.orders[world.number(in: 0...2)], capacity: capacity)
            let (put, got) = (Notes<Int>(), Notes<Int>())
            let getters = try (0..<world.number(in: 1...3)).map { _ in
                try spawn { try await Self.get(from: queue, in: world, got) }
            }
            try await world.crowd(world.number(in: 1...3)) { number in
                for round in 0..<world.number(in: 1...6) where !Task.isCancelled {
                    let element = number * 100 + round
                    let timeout = world.draws(0.3) ? world.number(in: 0...2) : nil
                    let error = await ioError {
                        try await queue.put(element, timeout: timeout.map { .milliseconds($0) })
                    }
                    if let error { try #require(error.isExpected) } else { put.add(element) }
                    if world.draws(0.3) { try await world.pause(upTo: 2) }
                    try #require(queue.count <= capacity ?? .max)
                }
            }
            try await queue.join()
            // What was put in has been done, by those that work on it for a while, too.
            try #require(put.all.sorted() == got.all.sorted() && queue.unfinished == 0)
            queue.close()
            for getter in getters { try await getter.value }
        }
    }

    @Sendable private static func get(
        from queue: Queue<Int>, in world: World, _ got: Notes<Int>
    ) async throws {
        while true {
            let timeout = world.draws(0.3) ? world.number(in: 0...2) : nil
            let looks = world.draws(0.2)
            let attempt = try spawn {
                let timeout = timeout.map { Duration.milliseconds($0) }
                if looks { _ = try await queue.peek(timeout: timeout) }
                guard let element = try await queue.get(timeout: timeout) else { return true }
                // One that is cancelled meanwhile does its work all the same.
                if world.draws(0.3) { try? await world.pause() }
                got.add(element)
                try queue.taskDone()
                return false
            }
            if world.draws(0.3) {
                try await world.pause(upTo: 2)
                attempt.cancel()
            }
            do {
                if try await attempt.value { return }
            } catch let error as IOError {
                try #require(error.isExpected)
            }
        }
    }
}
