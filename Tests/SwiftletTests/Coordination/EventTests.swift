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
