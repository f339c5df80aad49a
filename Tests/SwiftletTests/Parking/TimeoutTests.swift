import Syscalls
import Testing

@testable import Swiftlet

// Every time here is of a simulated clock: hours pass in no time, and nothing is late.
@Suite struct TimeoutTests {
    @Test(arguments: DriverKind.usable)
    func `bytes that came in time are read, however late the loop looks`(
        kind: DriverKind
    ) async throws {
        let delay = Delay()
        let reasons = try await onLoop(over: { try HeldUpDriver(kind, by: delay) }) {
            try await self.reasonsOfReaders(300) { delay.add(.seconds(1_000)) }
        }
        #expect(reasons.isEmpty, "\(reasons.count) of 300: \(reasons.prefix(1))")
    }

    /// Why reads with a timeout fail whose bytes came in time, while the loop was held up.
    private func reasonsOfReaders(
        _ count: Int, holdingUp: () -> Void
    ) async throws -> [IOError.Reason] {
        try await withThrowingTaskGroup(of: IOError?.self) { group in
            var writers: [Connection] = []
            for _ in 0..<count {
                let (left, right) = try await makeConnectionPair()
                writers.append(left)
                group.addTask { await ioError { try await right.read(timeout: .seconds(600)) } }
            }
            await untilParked(count)
            // By hand, because writing would let the loop look in between.
            for writer in writers {
                let socket = writer.socket
                _ = try [UInt8(7)].withUnsafeBytes {
                    try socket.loop.sockets.send(socket.descriptor, $0)
                }
            }
            holdingUp()
            return try await group.reduce(into: []) { reasons, error in
                if let error { reasons.append(error.reason) }
            }
        }
    }

    @Test func `sleeps end in the order of their deadlines, and at them`() throws {
        try simulated { world in
            let ends = Notes<Duration>()
            await withTaskGroup(of: Void.self) { group in
                for hours in [3, 1, 2, 1] {
                    group.addTask {
                        guard await ioError({ try await sleep(for: .seconds(3600 * hours)) }) == nil
                        else { return }
                        ends.add(world.elapsed)
                    }
                }
            }
            try #require(ends.all == [1, 1, 2, 3].map { .seconds(3600 * $0) })
        }
    }

    @Test func `of many sleeps each ends at its instant, and a cancelled one at once`() throws {
        try simulated { world in
            let halfway = Duration.milliseconds(500)
            let sleeps = try (0..<200).map { _ in
                let time = Duration.nanoseconds(
                    Int64.random(in: 0...1_000_000_000, using: &world.random))
                let task = try spawn {
                    (await ioError { try await sleep(for: time) }, world.elapsed)
                }
                return (task, time)
            }
            try await sleep(for: halfway)
            for (task, _) in sleeps.prefix(100) { task.cancel() }
            for (number, (task, time)) in sleeps.enumerated() {
                let (error, end) = try await task.value
                let isCut = number < 100 && time > halfway
                try #require(error == (isCut ? IOError(.sleep, .cancelled) : nil))
                try #require(end == (isCut ? halfway : time))
            }
        }
    }

    @Test func `a sleep of no time, of negative time and of nearly for ever`() throws {
        try simulated { world in
            try await sleep(for: .zero)
            try await sleep(for: .seconds(-5))
            try #require(world.elapsed == .zero)
            let longest = try spawn { await ioError { try await sleep(for: .seconds(Int64.max)) } }
            try await settle()
            longest.cancel()
            try #require(try await longest.value == IOError(.sleep, .cancelled))
        }
    }

    @Test(arguments: Ground.all)
    func `a read that takes too long fails, and the connection is as good as before`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            let start = loopNow()
            try #require(
                await ioError { try await left.read(timeout: .milliseconds(1)) }
                    == IOError(.read, .timedOut))
            try #require(start.duration(to: loopNow()) >= .milliseconds(1))
            try await right.write("late")
            try #require(
                try await left.read(exactly: 4, timeout: .seconds(600)) == Array("late".utf8))
        }
    }

    @Test func `a write that takes too long fails`() throws {
        try simulated { world in
            let (left, right) = try await makeConnectionPair()
            let much = [UInt8](repeating: 0, count: 16 << 20)
            try #require(
                await ioError { try await left.write(much, timeout: .seconds(60)) }
                    == IOError(.write, .timedOut))
            try #require(world.elapsed == .seconds(60))
            right.close()
        }
    }

    @Test func `what ends in time has no timer left behind`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            for _ in 0..<100 {
                async let byte = left.read(exactly: 1, timeout: .seconds(60))
                await untilParked(1)
                try await right.write("x")
                _ = try await byte
                _ = try await withTimeout(.seconds(60)) { 1 }
            }
            try #require(EventLoop.current?.executor.state.deadlines.isEmpty == true)
        }
    }

    @Test func `work that is done in time gives its value`() throws {
        try simulated { _ in try #require(try await withTimeout(.seconds(1)) { 42 } == 42) }
    }

    @Test func `work that takes too long is cancelled`() throws {
        try simulated { world in
            try await #require(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) { try await sleep(for: .seconds(2)) }
            }
            try #require(world.elapsed == .seconds(1))
        }
    }

    @Test func `an error of the work comes out as it is`() throws {
        try simulated { _ in
            try await #require(throws: IOError(.read, .tooLong)) {
                try await withTimeout(.seconds(1)) { throw IOError(.read, .tooLong) }
            }
        }
    }

    @Test func `an inner scope does not swallow the expiry of the outer one`() throws {
        try simulated { _ in
            try await #require(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) {
                    try await withTimeout(.seconds(10)) { try await sleep(for: .seconds(100)) }
                }
            }
        }
    }

    @Test func `an outer scope does not claim the expiry of the inner one`() throws {
        try simulated { _ in
            try await #require(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(10)) {
                    try await withTimeout(.seconds(1)) { try await sleep(for: .seconds(100)) }
                }
            }
        }
    }

    @Test func `a body that swallows its cancellation is still over`() throws {
        try simulated { _ in
            try await #require(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) {
                    _ = await ioError { try await sleep(for: .seconds(100)) }
                    try await sleep(for: .seconds(100))
                }
            }
        }
    }

    @Test func `a scope whose task is cancelled says so and not that time is over`() throws {
        try simulated { _ in
            let task = try spawn {
                await ioError {
                    try await withTimeout(.seconds(1_000)) {
                        try await sleep(for: .seconds(10_000))
                    }
                }
            }
            try await settle()
            task.cancel()
            try #require(try await task.value == IOError(.sleep, .cancelled))
        }
    }
}
