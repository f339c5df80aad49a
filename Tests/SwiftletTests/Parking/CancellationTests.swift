import Syscalls
import Testing

@testable import Swiftlet

/// A listener that nobody connects to, a connection whose peer is silent, one whose peer does not
/// read: in each a task is parked, and something ends the park.
@Suite struct CancellationTests {
    /// Starts `body`, lets it park, cancels it, and returns the error that came out.
    private func errorOfCancelled(
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> IOError? {
        let task = try spawn { await ioError(body) }
        for _ in 0..<10 { await Task.yield() }
        task.cancel()
        return try await task.value
    }

    @Test(arguments: Ground.all)
    func `a cancelled task leaves every kind of park`(ground: Ground) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            let (left, right) = try await makeConnectionPair()
            try #require(
                try await errorOfCancelled { _ = try await listener.accept() }
                    == IOError(.accept, .cancelled))
            try #require(
                try await errorOfCancelled { _ = try await left.read() }
                    == IOError(.read, .cancelled))
            let much = [UInt8](repeating: 1, count: 64 << 20)
            try #require(
                try await errorOfCancelled { try await left.write(much) }
                    == IOError(.write, .cancelled))
            try #require(
                try await errorOfCancelled { try await sleep(for: .seconds(1_000_000)) }
                    == IOError(.sleep, .cancelled))
            // The connection is as good as before, apart from the half-sent message.
            try await right.write("still here\n")
            try #require(try await left.readLine() == "still here")
        }
    }

    @Test func `a task that is cancelled before it parks does not park`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            let task = try spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                return await ioError { try await left.read() }
            }
            try #require(try await task.value == IOError(.read, .cancelled))
            right.close()
        }
    }

    @Test func `a task inside its handler's job is cancelled alone`() async throws {
        try await onLoop {
            let outcome = Guarded<IOError?>(nil)
            let handler: StreamServer.ConnectionHandler = { connection in
                // It begins at once, in the job of the handler, which owns the connection.
                let inner = Task.immediate { await ioError { try await connection.read() } }
                await untilParked(2)
                inner.cancel()
                let error = await inner.value
                outcome.withLock { $0 = error }
                try await echoBack(connection)
            }
            try await withServer(handler: handler) { server in
                let client = try await Connection.connect(to: server.address)
                while outcome.withLock({ $0 }) == nil { await Task.yield() }
                try await client.write("still here\n")
                #expect(try await client.readLine() == "still here")
            }
            #expect(outcome.withLock { $0 } == IOError(.read, .cancelled))
        }
    }

    @Test(arguments: [false, true])
    func `a task inside another one's job does what it does elsewhere`(isOfLoop: Bool) async throws
    {
        try await onLoop {
            let loop = try #require(EventLoop.current)
            let (left, right) = try await makeConnectionPair()
            let much = pattern(4 << 20)
            // It begins at once, on the loop's thread, whether or not it belongs there.
            let task = Task.immediate(executorPreference: isOfLoop ? loop.taskExecutor : nil) {
                try await sleep(for: .nanoseconds(1))
                try await left.write(much)
                return try await left.readLine()
            }
            #expect(try await right.read(exactly: much.count) == much)
            try await right.write("done\n")
            #expect(try await task.value == "done")
        }
    }

    @Test func `cancelling from another thread reaches the parked task`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn { await ioError { try await left.read() } }
            for _ in 0..<10 { await Task.yield() }
            await Task.detached { reader.cancel() }.value
            #expect(try await reader.value == IOError(.read, .cancelled))
            try await right.write("x")
            #expect(try await left.read(exactly: 1) == [UInt8(ascii: "x")])
        }
    }

    @Test func `a cancelled group ends the parks of its children and of nobody else`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            let (other, otherPeer) = try await makeConnectionPair()
            let bystander = try spawn { try await other.read(exactly: 1) }
            let errors = try await withThrowingTaskGroup(of: IOError?.self) { group in
                group.addTask { await ioError { try await left.read() } }
                group.addTask { await ioError { try await right.read() } }
                try await settle()
                group.cancelAll()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try #require(errors == [IOError(.read, .cancelled), IOError(.read, .cancelled)])
            try await otherPeer.write("y")
            try #require(try await bystander.value == [UInt8(ascii: "y")])
        }
    }

    @Test func `the half of a message that a cancelled read took is the next read's`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try await right.write("abc")
            let reader = try spawn { await ioError { _ = try await left.read(exactly: 5) } }
            try await settle()
            reader.cancel()
            try #require(try await reader.value == IOError(.read, .cancelled))
            try await right.write("de")
            try #require(try await left.read(exactly: 5) == Array("abcde".utf8))
        }
    }

    @Test func `a handler that owns its connection is cancelled in its park, and in the next one`()
        throws
    {
        try simulated { _ in
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let errors = Notes<IOError?>()
            let serving = try spawn {
                try await server.serve { connection in
                    errors.add(await ioError { try await connection.read() })
                    errors.add(await ioError { try await connection.read() })
                }
            }
            let client = try await Connection.connect(to: listener.address)
            try await settle()
            serving.cancel()
            _ = await serving.result
            try #require(errors.all == [IOError(.read, .cancelled), IOError(.read, .cancelled)])
            try #require(try await client.read() == nil)
        }
    }

    @Test func `a child task of a handler can be cancelled alone`() throws {
        try simulated { _ in
            let error = Notes<IOError?>()
            try await withServer { connection in
                let reader = Task(executorPreference: EventLoop.current?.taskExecutor) {
                    await ioError { try await connection.read() }
                }
                try await settle()
                reader.cancel()
                error.add(await reader.value)
                // The handler itself goes on.
                try await connection.write(try await connection.read(exactly: 2) ?? [])
            } _: { server in
                let client = try await Connection.connect(to: server.address)
                try await sleep(for: .seconds(1))
                try await client.write("ok")
                try #require(try await client.read(exactly: 2) == Array("ok".utf8))
            }
            try #require(error.all == [IOError(.read, .cancelled)])
        }
    }

    /// Readiness, cancellation and closing meet in every order, some of them from other threads;
    /// nobody is resumed twice or never.
    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func `readiness, cancellation and closing may race`(seed: UInt64) async throws {
        let outcomes = try await onLoop {
            var random = SplitMix(seed: seed)
            var outcomes = 0
            for _ in 0..<100 {
                let (left, right) = try await makeConnectionPair()
                let reader = try spawn { await ioError { try await left.read() } }
                for _ in 0..<(random.next() % 4) { await Task.yield() }
                let steps: [@Sendable () async throws -> Void] = [
                    { try await right.write("x") },
                    { reader.cancel() },
                    { left.close() },
                    { right.close() },
                    { await Task.detached { reader.cancel() }.value },
                    { await Task.detached { left.close() }.value },
                ]
                for step in steps.shuffled(using: &random).prefix(3) {
                    // The peer may be closed already; what counts is that the reader ends.
                    do { try await step() } catch is IOError {}
                }
                left.close()
                _ = try await reader.value
                outcomes += 1
            }
            return outcomes
        }
        #expect(outcomes == 100, "seed \(seed)")
    }
}
