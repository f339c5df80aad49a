import Swiftlet
import Testing

@testable import SwiftletSimulation

/// What tasks wait for that hold a lock.
@Suite struct ConditionTests {
    @Test(arguments: Ground.ofCoordination)
    func `a wait gives the lock away and has it again`(ground: Ground) async throws {
        try await ground.run {
            let lock = Lock()
            let condition = Condition(of: lock)
            let order = Notes<Int>()
            for number in 0..<3 {
                try spawn {
                    let permit = try await condition.wait(releasing: lock.acquire())
                    order.add(number)
                    try await settle()
                    permit.release()
                }
                try await settle()
            }
            try #require(!lock.isTaken)
            condition.notify()
            try #require(lock.isTaken)
            while lock.isTaken { try await settle() }
            try #require(order.all == [0])
            try await lock.withLock { condition.notifyAll() }
            while order.all.count < 3 { try await settle() }
            try #require(order.all == [0, 1, 2])
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a wait that gives up has no lock, and takes no notification`(ground: Ground)
        async throws
    {
        try await ground.run {
            let lock = Lock()
            let condition = Condition(of: lock)
            let error = await ioError { () async throws -> Void in
                let permit = try await condition.wait(releasing: lock.acquire(), timeout: .zero)
                permit.release()
            }
            try #require(error == failure(.wait, .timedOut) && !lock.isTaken)
            let first = try spawn {
                let permit = try await condition.wait(releasing: lock.acquire())
                permit.release()
            }
            try await settle()
            let second = try spawn {
                let permit = try await condition.wait(releasing: lock.acquire())
                permit.release()
            }
            try await settle()
            first.cancel()
            condition.notify()
            try #require(await ioError { try await first.value } == failure(.wait, .cancelled))
            try await second.value
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a task that was notified has the lock, even if it is cancelled while it waits for it`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let lock = Lock()
            let condition = Condition(of: lock)
            let task = try spawn {
                let permit = try await condition.wait(releasing: lock.acquire())
                permit.release()
                return "notified"
            }
            try await settle()
            try await lock.withLock {
                condition.notify()
                task.cancel()
                try await settle()
            }
            try #require(try await task.value == "notified")
            try #require(!lock.isTaken)
        }
    }

    @Test func `a report says whether a task waits to be notified or for the lock`() throws {
        try simulated { world in
            let lock = Lock(name: "stock")
            let condition = Condition(of: lock, name: "change")
            let task = try spawn(name: "waiting") {
                let permit = try await condition.wait(releasing: lock.acquire())
                permit.release()
            }
            try await settle()
            func line() -> String { world.waitingLines.first { $0.contains("'waiting'") } ?? "" }
            try #require(line().contains("waits for condition 'change'"))
            let permit = try await lock.acquire()
            condition.notify()
            try #require(line().contains("waits for lock 'stock' (taken by"))
            permit.release()
            try await task.value
        }
    }

    @Test func `no notification is lost, in a thousand worlds`() throws {
        try simulated(seeds: 0..<1000) { world in
            let lock = Lock()
            let hasMore = Condition(of: lock)
            // What the lock guards. There is one for each task, and a notification for each; so
            // those that wait for ever get one, whatever becomes of the others.
            let tokens = Sum()
            let (patient, hasty) = (world.number(in: 1...3), world.number(in: 1...3))
            let waiting = try (0..<patient).map { _ in
                try spawn {
                    try await world.pause()
                    try await Self.take(tokens, lock, hasMore)
                }
            }
            let maker = try spawn {
                for _ in 0..<patient + hasty {
                    try await world.pause()
                    try await lock.withLock {
                        tokens.add()
                        hasMore.notify()
                        // Meanwhile the one that was notified waits for the lock.
                        try await world.pause()
                    }
                }
            }
            try await world.crowd(hasty, cancelling: 0.6) { _ in
                let timeout: Duration? = world.draws(0.5) ? .milliseconds(2) : nil
                let error = await ioError {
                    try await Self.take(tokens, lock, hasMore, timeout: timeout)
                }
                if let error { try #require(error.isExpected) }
            }
            try await maker.value
            for task in waiting { try await task.value }
            try #require(!lock.isTaken)
        }
    }

    /// Takes a token, and waits until there is one.
    @Sendable private static func take(
        _ tokens: Sum, _ lock: Lock, _ hasMore: Condition, timeout: Duration? = nil
    ) async throws {
        var permit = try await lock.acquire()
        while tokens[""] == 0 {
            permit = try await hasMore.wait(releasing: permit, timeout: timeout)
        }
        tokens.add(-1)
        permit.release()
    }
}
