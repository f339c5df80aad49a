import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// What a server with an idle timeout does with a client that takes its bytes slowly, or not at
/// all, and what such a client is told at the end.
@Suite struct SlowReaderTests {
    /// Serves a client that reads on a host of its own; the handler's ends are noted.
    private static func serve(
        in world: World, idleTimeout: Duration?,
        _ handler: @escaping StreamServer.ConnectionHandler,
        _ body: @escaping @Sendable (StreamServer, Connection) async throws -> Void
    ) async throws -> [IOError?] {
        var options = StreamServer.Options()
        options.idleTimeout = idleTimeout
        // They are what the tests ask for.
        options.onError = { _, _ in }
        let ends = Notes<IOError?>()
        let noted: StreamServer.ConnectionHandler = { connection in
            do {
                try await handler(connection)
                ends.add(nil)
            } catch {
                ends.add(error as? IOError)
                throw error
            }
        }
        let peer = world.host("peer")
        try await withServer(
            on: world.home.address(port: 7788), options: options, handler: noted
        ) { server in
            try await peer.run {
                try await Connection.connect(to: server.address) {
                    try await body(server, $0)
                }
            }
        }
        return ends.all
    }

    /// Reads so many bytes, at most `count` each `pause`.
    private static func readSlowly(
        _ connection: Connection, _ total: Int, _ count: Int, each pause: Duration
    ) async throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < total {
            try await sleep(for: pause)
            all += try #require(try await connection.readPiece(ofAtMost: count))
        }
        return all
    }

    private static let message = pattern(2_000_000)

    // MARK: In a simulated world

    @Test func `a steady slow reader is not idle`() throws {
        try simulated(seeds: 0..<5) { world in
            let ends = try await Self.serve(in: world, idleTimeout: .seconds(2)) {
                try await $0.write(Self.message)
            } _: { _, client in
                let all = try await Self.readSlowly(
                    client, Self.message.count, 10_000, each: .milliseconds(50))
                try #require(all == Self.message)
                try #require(try await client.readLine() == nil)
            }
            try #require(ends == [nil])
            try #require(world.elapsed >= .seconds(10))
        }
    }

    /// The kernel has all of it and sends it for longer than the timeout, while the handler waits
    /// for the next question.
    @Test func `a client that still receives is not idle, though no call moves bytes`() throws {
        try simulated(seeds: 0..<5) { world in
            world.network.inject(.bandwidth(bytesPerSecond: 4_000))
            let ends = try await Self.serve(in: world, idleTimeout: .seconds(2)) {
                try await $0.setOption(.sendBuffer, to: 100_000)
                try await $0.write(pattern(40_000))
                try #require(try await $0.readLine() == "thanks")
                try await $0.write("thanks\n")
            } _: { _, client in
                _ = try #require(try await client.read(exactly: 40_000))
                try await client.write("thanks\n")
                try #require(try await client.readLine() == "thanks")
            }
            try #require(ends == [nil])
            try #require(world.elapsed >= .seconds(10))
        }
    }

    @Test func `a reader that has stopped is cut after the timeout, and told so`() throws {
        try simulated(seeds: 0..<5) { world in
            let lasted = Notes<Duration>()
            let ends = try await Self.serve(in: world, idleTimeout: .seconds(2)) { connection in
                defer { lasted.add(world.elapsed) }
                try await connection.write(Self.message)
            } _: { _, client in
                let some = try await Self.readSlowly(
                    client, 500_000, 10_000, each: .milliseconds(50))
                try #require(some.count == 500_000)
                let stopped = world.elapsed
                try await sleep(for: .seconds(60))
                let cut = try #require(lasted.all.first) - stopped
                // At the first look that finds no change.
                try #require((.milliseconds(1900) ... .seconds(4)).contains(cut))
                try #require(
                    await ioError { try await readAll(client) }
                        == IOError(.read, .system(.connectionReset)))
            }
            try #require(ends == [IOError(.write, .timedOut)])
        }
    }

    /// Here the handler only reads: what the kernel could not send is known at the second look.
    @Test func `a reader that takes nothing is cut while the handler reads, and told so`() throws {
        try simulated(seeds: 0..<5) { world in
            let ends = try await Self.serve(in: world, idleTimeout: .seconds(2)) {
                try await $0.setOption(.sendBuffer, to: 200_000)
                try await $0.write(pattern(150_000))
                _ = try await $0.read()
            } _: { server, client in
                try await sleep(for: .milliseconds(4500))
                try #require(server.statistics.open == 0)
                try #require(
                    await ioError { try await readAll(client) }
                        == IOError(.read, .system(.connectionReset)))
            }
            try #require(ends == [IOError(.read, .timedOut)])
        }
    }

    // MARK: Forced ends

    @Test func `the end of the grace cuts a write, and the client is told so`() throws {
        try simulated(seeds: 0..<5) { world in
            let ends = try await Self.serve(in: world, idleTimeout: nil) {
                try await $0.write(Self.message)
            } _: { server, client in
                try await sleep(for: .seconds(1))
                server.stop(grace: .seconds(3))
                try await sleep(for: .seconds(4))
                try #require(
                    await ioError { try await readAll(client) }
                        == IOError(.read, .system(.connectionReset)))
            }
            try #require(ends == [IOError(.write, .cancelled)])
        }
    }

    /// What was written to the end is in the kernel, which sends it after the close.
    @Test func `a handler that is cancelled after its answer ends in order`() throws {
        try simulated(seeds: 0..<5) { world in
            world.network.inject(.latency(.constant(.milliseconds(300))))
            let ends = try await Self.serve(in: world, idleTimeout: nil) {
                _ = try await $0.readLine()
                try await $0.write(pattern(40_000))
                _ = try await $0.read()
            } _: { server, client in
                try await client.write("a question\n")
                try await sleep(for: .milliseconds(350))
                server.stop()
                try #require(try await readAll(client) == pattern(40_000))
            }
            try #require(ends == [IOError(.read, .cancelled)])
        }
    }

    @Test(arguments: Ground.all)
    func `a writer that counts and writes the rest later ends in order`(
        ground: Ground
    ) async throws {
        try await ground.run(seeds: 0..<2) {
            let (near, far) = try await makeConnectionPair()
            let before = loopStatistics().bytesWritten
            // More than the kernel's buffers hold.
            try await near.setOption(.sendBuffer, to: 16_384)
            let message = pattern(8 << 20)
            try #require(
                await ioError { try await near.write(message, timeout: .milliseconds(1)) }
                    == IOError(.write, .timedOut))
            let taken = loopStatistics().bytesWritten - before
            let reader = try spawn { try await readAll(far) }
            try await near.write(message[taken...])
            near.close()
            try #require(try await reader.value == message)
        }
    }

    // MARK: With the kernel's sockets

    /// The clock is moved on by hand, whenever the kernel has sent something. The receive buffer is
    /// set, since it would grow as fast as the reader reads, until all of the rest fits.
    @Test(arguments: DriverKind.usable)
    func `over the kernel's sockets it is the same`(driver: DriverKind) async throws {
        let delay = Delay()
        try await onLoop(over: { try HeldUpDriver(driver, by: delay) }) {
            var options = StreamServer.Options()
            options.idleTimeout = .seconds(100)
            options.onError = { _, _ in }
            let (message, writers, ends) = (pattern(2 << 20), Notes<Socket>(), Notes<IOError?>())
            try await withServer(options: options) { connection in
                writers.add(connection.socket)
                try await connection.setOption(.sendBuffer, to: 16_384)
                let error = await ioError { try await connection.write(message) }
                ends.add(error)
                if let error { throw error }
            } _: { server in
                let client = try await Connection.connect(to: server.address)
                try await client.setOption(.receiveBuffer, to: 65_536)
                var all = try #require(try await client.readPiece(ofAtMost: 1))
                let writer = try #require(writers.all.first)
                try await read(message.count / 2, into: &all, of: client, from: writer, delay)
                #expect(all[...] == message[..<all.count])
                #expect(ends.all == [] && server.statistics.open == 1)
                // What is under way still moves for a moment.
                for _ in 0..<100_000 where ends.all.isEmpty {
                    delay.add(.seconds(101))
                    try await settle()
                }
                #expect(ends.all == [IOError(.write, .timedOut)])
                #expect(
                    await ioError { try await readAll(client) }?.reason == .system(.connectionReset)
                )
            }
        }
    }

    /// Reads so many bytes, and moves the clock on whenever the kernel has sent something.
    private func read(
        _ count: Int, into all: inout [UInt8], of client: Connection, from writer: Socket,
        _ delay: Delay
    ) async throws {
        while all.count < count {
            let before = writer.loop.waiting(at: writer.descriptor)
            // On a busy machine it may be as much again each time that one looks.
            while writer.loop.waiting(at: writer.descriptor) == before, all.count < count {
                all += try #require(try await client.readPiece(ofAtMost: 4_096))
            }
            delay.add(.seconds(60))
            try await settle()
        }
    }
}
