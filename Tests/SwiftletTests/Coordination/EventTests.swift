import Swiftlet
import Testing

@testable import SwiftletSimulation

/// Something that happens, and something that comes once.
@Suite struct EventTests {
    @Test(arguments: Ground.ofCoordination)
    func `all that wait go on when it happens, and later ones do not wait`(ground: Ground)
        async throws
    {
        try await ground.run {
            let event = Event()
            let tasks = try (0..<3).map { _ in try spawn { try await event.wait() } }
            try await settle()
            try #require(!event.isSet)
            event.set()
            for task in tasks { try await task.value }
            try await event.wait(timeout: .zero)
            event.clear()
            let error = await ioError { try await event.wait(timeout: .zero) }
            try #require(error == failure(.wait, .timedOut))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task for which it has happened goes on although it is cleared`(ground: Ground)
        async throws
    {
        try await ground.run {
            let event = Event()
            let task = try spawn { try await event.wait() }
            try await settle()
            event.set()
            event.clear()
            task.cancel()
            try await task.value
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a cancelled task waits no longer`(ground: Ground) async throws {
        try await ground.run {
            let event = Event()
            let task = try spawn { try await event.wait() }
            try await settle()
            task.cancel()
            let error = await ioError { try await task.value }
            try #require(error == failure(.wait, .cancelled))
            event.set()
        }
    }

    @Test func `tasks of all kinds wait for it`() async throws {
        let (start, count) = (Event(), Sum())
        try await onEveryKindOfTask(15) { _ in
            if count.add() == 15 { start.set() }
            try await start.wait()
        }
        #expect(start.isSet)
    }

    @Test func `a report names it, or says where it was made`() throws {
        let line: UInt32 = #line + 2
        let lines = try Simulation(seed: 1).run { world in
            let (one, two, three) = (Event(), Event(name: "ready"), Promise<Int>(name: "answer"))
            try spawn { try await one.wait() }
            try spawn { try await two.wait() }
            try spawn { _ = try await three.value() }
            try await settle()
            return world.waitingLines.joined(separator: "\n")
        }
        #expect(
            lines.contains("waits for the event made at SwiftletTests/EventTests.swift:\(line):"),
            "\(lines)")
        #expect(lines.contains("waits for event 'ready':"), "\(lines)")
        #expect(lines.contains("waits for promise 'answer':"), "\(lines)")
    }

    @Test func `all go on that waited at the moment, in a thousand worlds`() throws {
        try simulated(seeds: 0..<1000) { world in
            let event = Event()
            let sets = Sum()
            let setter = try spawn {
                for _ in 0..<4 {
                    try await world.pause()
                    sets.add()
                    event.set()
                    if world.draws(0.7) { event.clear() }
                }
                event.set()
            }
            try await world.crowd(6) { _ in
                let timeout: Duration? = world.draws(0.3) ? .milliseconds(2) : nil
                let (wasSet, before) = (event.isSet, sets[""])
                let error = await ioError { try await event.wait(timeout: timeout) }
                if let error { return try #require(error.isExpected) }
                try #require(wasSet || event.isSet || sets[""] > before)
            }
            try await setter.value
        }
    }
}

/// A value or an error that comes once.
@Suite struct PromiseTests {
    @Test(arguments: Ground.ofCoordination)
    func `all get the value, before and after it came`(ground: Ground) async throws {
        try await ground.run {
            let promise = Promise<String>()
            let tasks = try (0..<3).map { _ in try spawn { try await promise.value() } }
            try await settle()
            try #require(promise.result == nil)
            try #require(promise.fulfill("one"))
            // Once.
            try #require(!promise.fulfill("two"))
            try #require(!promise.fail(IOError(.read, .closed)))
            for task in tasks { try #require(try await task.value == "one") }
            try #require(try await promise.value(timeout: .zero) == "one")
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `all get the error`(ground: Ground) async throws {
        struct Broken: Error {}
        try await ground.run {
            let promise = Promise<String>()
            async let waiting = promise.value()
            try await settle()
            promise.fail(Broken())
            do {
                _ = try await waiting
                try #require(Bool(false))
            } catch is Broken {}
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that gives up leaves the promise to the others`(ground: Ground) async throws {
        try await ground.run {
            let promise = Promise<Int>()
            let error = await ioError { try await promise.value(timeout: .zero) }
            try #require(error == failure(.wait, .timedOut))
            let task = try spawn { try await promise.value() }
            try await settle()
            task.cancel()
            try #require(await ioError { try await task.value } == failure(.wait, .cancelled))
            promise.fulfill(7)
            try #require(try await promise.value() == 7)
        }
    }

    @Test func `tasks of all kinds get the value of one of them`() async throws {
        let (promise, count) = (Promise<Int>(), Sum())
        try await onEveryKindOfTask(15) { number in
            if promise.fulfill(number) { count.add() }
            let value = try await promise.value()
            #expect(value < 15)
        }
        #expect(count[""] == 1)
    }
}
