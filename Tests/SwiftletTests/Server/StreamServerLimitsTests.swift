import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// What a server does when it cannot accept and when clients say nothing. How long it waits in bad
/// times stands in AcceptBackOffTests.
@Suite struct StreamServerLimitsTests {
    @Test func `what passes puts accepting off`() throws {
        let errors: [Errno] = [
            .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .outOfMemory,
        ]
        try simulated { world in
            for error in errors {
                let server = try await withServer(handler: echoBack) { server in
                    let start = world.elapsed
                    // The first attempt, and those after 10, 30, 70 and 150 ms.
                    world.network.inject(
                        .failing(.accept, with: error, probability: 1), for: .milliseconds(100))
                    let client = try await Connection.connect(to: server.address)
                    try await client.write("hello\n")
                    try #require(try await client.readLine() == "hello")
                    try #require(world.elapsed - start == .milliseconds(150))
                }
                try #require(server.statistics.acceptErrors == 4)
                try #require(server.statistics.accepted == 1)
            }
        }
    }

    @Test func `descriptors that ran out come back with the clients that leave`() throws {
        try simulated { world in
            // The listener and five clients.
            world.home.descriptorLimit = 6
            let peer = world.host("peer")
            let handler: StreamServer.ConnectionHandler = { connection in
                try await sleep(for: .seconds(3))
                try await connection.write("bye\n")
            }
            let server = try await withServer(
                on: world.home.address(port: 7788), handler: handler
            ) { server in
                try await peer.run {
                    try await withThrowingTaskGroup(of: String?.self) { group in
                        for _ in 0..<20 { group.addTask { try await hear(server.address) } }
                        for try await line in group { try #require(line == "bye") }
                    }
                }
            }
            try #require(server.statistics.accepted == 20)
            try #require(server.statistics.openMax == 5)
            // Four times five; whoever waits notices within a second that there is room.
            try #require((.seconds(12) ... .seconds(16)).contains(world.elapsed))
        }
    }

    @Test func `an error that will not go away ends serving`() throws {
        try simulated { world in
            world.network.inject(.failing(.accept, with: .invalidArgument, probability: 1))
            let listener = try await Listener.bind(to: anyPort())
            let error = await ioError {
                try await StreamServer(listener: listener).serve(handler: echoBack)
            }
            try #require(error == IOError(.accept, .system(.invalidArgument)))
            try #require(world.home.openSockets == 0)
        }
    }

    @Test func `stopping does not wait for the pause of a server that cannot accept`() throws {
        try simulated { world in
            world.network.inject(.failing(.accept, with: .tooManyOpenFiles, probability: 1))
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            // In the middle of a pause of a second.
            try await sleep(for: .milliseconds(60_500))
            server.stop()
            try await serving.value
            try #require(world.elapsed == .milliseconds(60_500))
        }
    }

    // MARK: Silence

    /// What ends a connection that is served with an idle timeout of a minute.
    private static func serve(
        in world: World, _ handler: @escaping StreamServer.ConnectionHandler,
        _ body: (StreamServer) async throws -> Void
    ) async throws {
        var options = StreamServer.Options()
        options.idleTimeout = .seconds(60)
        try await withServer(
            on: world.home.address(port: 7788), options: options, handler: handler, body)
    }

    @Test func `a silent client is closed after the idle timeout`() throws {
        try simulated { world in
            let reasons = Notes<IOError?>()
            let handler: StreamServer.ConnectionHandler = { connection in
                reasons.add(await ioError { try await echoBack(connection) })
            }
            try await Self.serve(in: world, handler) { server in
                let client = try await Connection.connect(to: server.address)
                try #require(try await client.readLine() == nil)
                try #require(world.elapsed == .seconds(60))
            }
            try #require(reasons.all == [IOError(.read, .timedOut)])
        }
    }

    @Test func `a client that never reads is closed after the idle timeout`() throws {
        try simulated { world in
            let reasons = Notes<IOError?>()
            let handler: StreamServer.ConnectionHandler = { connection in
                try await connection.setOption(.sendBuffer, to: 65_536)
                reasons.add(await ioError { try await connection.write(pattern(1 << 20)) })
            }
            try await Self.serve(in: world, handler) { server in
                let client = try await Connection.connect(to: server.address)
                try await settle()
                try #require(server.statistics.open == 1)
                try await sleep(for: .seconds(60))
                try #require(server.statistics.open == 0)
                client.close()
            }
            try #require(reasons.all == [IOError(.write, .timedOut)])
        }
    }

    @Test func `a client that only listens is not idle while it is told something`() throws {
        try simulated { world in
            let handler: StreamServer.ConnectionHandler = { connection in
                async let reading = ioError { try await connection.read() }
                for _ in 0..<5 {
                    try await sleep(for: .seconds(50))
                    try await connection.write("news\n")
                }
                try #require(await reading == IOError(.read, .timedOut))
                // A minute after the last byte, and not at some later look.
                try #require(world.elapsed == .seconds(5 * 50 + 60))
            }
            try await Self.serve(in: world, handler) { server in
                let client = try await Connection.connect(to: server.address)
                for _ in 0..<5 { try #require(try await client.readLine() == "news") }
                try #require(try await client.readLine() == nil)
                try #require(server.statistics.handlerErrors == 0)
            }
        }
    }

    @Test func `a client that only speaks is not idle while it is heard`() throws {
        try simulated { world in
            let ends = Notes<Duration>()
            let handler: StreamServer.ConnectionHandler = { connection in
                // Nobody reads it: the write waits, and only what comes in keeps it alive.
                async let writing = ioError { try await connection.write(pattern(1 << 20)) }
                for _ in 0..<5 { _ = try await connection.readLine() }
                let last = world.elapsed
                try #require(await writing == IOError(.write, .timedOut))
                ends.add(world.elapsed - last)
            }
            let peer = world.host("peer")
            try await Self.serve(in: world, handler) { server in
                let client = try await peer.run {
                    try await Connection.connect(to: server.address)
                }
                for _ in 0..<5 {
                    try await sleep(for: .seconds(50))
                    try await client.write("news\n")
                }
                try await sleep(for: .seconds(100))
                try #require(server.statistics.handlerErrors == 0)
                client.close()
            }
            try #require(ends.all == [.seconds(60)])
        }
    }

    private enum End: Hashable { case heard, idle }

    /// At the very instant at which the server loses its patience something comes.
    @Test func `bytes that come just when a connection has been idle for too long`() throws {
        try simulated(yielding: [.heard, .idle]) { world -> End in
            world.network.inject(.latency(.constant(.milliseconds(20))))
            let peer = world.host("peer")
            let ends = Notes<End>()
            let handler: StreamServer.ConnectionHandler = { connection in
                switch await ioError({ try await connection.read(exactly: 1) }) {
                case nil: ends.add(.heard)
                case let error:
                    try #require(error == IOError(.read, .timedOut))
                    ends.add(.idle)
                }
            }
            try await Self.serve(in: world, handler) { server in
                let client = try await peer.run {
                    try await Connection.connect(to: server.address)
                }
                // It is served since its confirmation arrived, a latency from now.
                try await sleep(for: .seconds(60))
                try await client.write("x")
                try await sleep(for: .seconds(1))
                try #require(server.statistics.handlerErrors == 0)
            }
            return try #require(ends.all.first)
        }
    }
}

/// What a server says to who says nothing.
private func hear(_ address: SocketAddress) async throws -> String? {
    try await Connection.connect(to: address) { try await $0.readLine() }
}
