import Syscalls
import Testing

@testable import Swiftlet

// Every time here is of a clock that jumps: hours pass in no time.
@Suite struct TimeoutTests {
    @Test func `sleeps end in the order of their deadlines`() async throws {
        let order = try await onJumpingLoop {
            let order = Notes<Int>()
            await withTaskGroup(of: Void.self) { group in
                for hours in [3, 1, 2, 1] {
                    group.addTask {
                        guard await ioError({ try await sleep(for: .seconds(3600 * hours)) }) == nil
                        else { return }
                        order.add(hours)
                    }
                }
            }
            return order.all
        }
        #expect(order == [1, 1, 2, 3])
    }

    @Test func `a sleep of no time, of negative time and of nearly for ever`() async throws {
        try await onJumpingLoop {
            try await sleep(for: .zero)
            try await sleep(for: .seconds(-5))
            let longest = try spawn { await ioError { try await sleep(for: .seconds(Int64.max)) } }
            await Task.yield()
            longest.cancel()
            #expect(try await longest.value == IOError(.sleep, .cancelled))
        }
    }

    @Test func `a read that takes too long fails, and the connection is as good as before`()
        async throws
    {
        try await onJumpingLoop {
            let (left, right) = try await makeConnectionPair()
            #expect(
                await ioError { try await left.read(timeout: .seconds(60)) }
                    == IOError(.read, .timedOut))
            try await right.write("late")
            #expect(try await left.read(exactly: 4, timeout: .seconds(60)) == Array("late".utf8))
        }
    }

    @Test func `a write that takes too long fails`() async throws {
        try await onJumpingLoop {
            let (left, right) = try await makeConnectionPair()
            let much = [UInt8](repeating: 0, count: 64 << 20)
            #expect(
                await ioError { try await left.write(much, timeout: .seconds(60)) }
                    == IOError(.write, .timedOut))
            right.close()
        }
    }

    @Test func `what ends in time has no timer left behind`() async throws {
        let left = try await onJumpingLoop {
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            let (left, right) = try await makeConnectionPair()
            for _ in 0..<100 {
                async let byte = left.read(exactly: 1, timeout: .seconds(60))
                await Task.yield()
                try await right.write("x")
                _ = try await byte
                _ = try await withTimeout(.seconds(60)) { 1 }
            }
            return loop.executor.state.deadlines.count
        }
        #expect(left == 0)
    }

    @Test func `work that is done in time gives its value`() async throws {
        let value = try await onJumpingLoop { try await withTimeout(.seconds(1)) { 42 } }
        #expect(value == 42)
    }

    @Test func `work that takes too long is cancelled`() async throws {
        try await onJumpingLoop {
            _ = await #expect(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) { try await sleep(for: .seconds(2)) }
            }
        }
    }

    @Test func `an error of the work comes out as it is`() async throws {
        try await onJumpingLoop {
            _ = await #expect(throws: IOError(.read, .tooLong)) {
                try await withTimeout(.seconds(1)) { throw IOError(.read, .tooLong) }
            }
        }
    }

    @Test func `an inner scope does not swallow the expiry of the outer one`() async throws {
        try await onJumpingLoop {
            _ = await #expect(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) {
                    try await withTimeout(.seconds(10)) { try await sleep(for: .seconds(100)) }
                }
            }
        }
    }

    @Test func `an outer scope does not claim the expiry of the inner one`() async throws {
        try await onJumpingLoop {
            _ = await #expect(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(10)) {
                    try await withTimeout(.seconds(1)) { try await sleep(for: .seconds(100)) }
                }
            }
        }
    }

    @Test func `a body that swallows its cancellation is still over`() async throws {
        try await onJumpingLoop {
            _ = await #expect(throws: TimeoutError(timeout: .seconds(1))) {
                try await withTimeout(.seconds(1)) {
                    _ = await ioError { try await sleep(for: .seconds(100)) }
                    try await sleep(for: .seconds(100))
                }
            }
        }
    }

    @Test func `a scope whose task is cancelled says so and not that time is over`() async throws {
        try await onJumpingLoop {
            let task = try spawn {
                await ioError {
                    try await withTimeout(.seconds(1_000)) {
                        try await sleep(for: .seconds(10_000))
                    }
                }
            }
            for _ in 0..<5 { await Task.yield() }
            task.cancel()
            #expect(try await task.value == IOError(.sleep, .cancelled))
        }
    }

    @Test func `a connect that nobody answers times out`() async throws {
        try await onJumpingLoop {
            // A queue of one that is full: the kernel leaves further connects unanswered.
            let listener = try await TCPListener.bind(to: anyPort(), backlog: 0)
            var connections: [TCPConnection] = []
            while connections.count < 10 {
                do throws(IOError) {
                    connections.append(
                        try await TCPConnection.connect(
                            to: listener.address, timeout: .seconds(1)))
                } catch {
                    #expect(error == IOError(.connect, .timedOut))
                    return
                }
            }
            Issue.record("all of \(connections.count) connects were answered")
        }
    }
}
