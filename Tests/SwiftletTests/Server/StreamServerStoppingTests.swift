import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// The ways in which a server ends. What `stop` does with handlers stands in
/// StreamServerGraceTests.
@Suite(.serialized) struct StreamServerStoppingTests {
    /// A server that echoes, its task, and a client that it serves.
    private static func withClient(
        _ body: (StreamServer, Task<Void, any Error>, Connection) async throws -> Void
    ) async throws {
        // An address of its own: a port that is given back may be the next one of another test.
        let listener = try await Listener.bind(to: SocketAddress("127.0.47.1:0"))
        let server = StreamServer(listener: listener)
        let serving = try spawn { try await server.serve(handler: echoBack) }
        let client = try await Connection.connect(to: server.address)
        while server.statistics.open == 0 { await Task.yield() }
        try await body(server, serving, client)
    }

    @Test(arguments: Ground.all)
    func `a handler may stop the server that it serves, and finish`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn {
                try await server.serve { connection in
                    server.stop(grace: .seconds(1000))
                    try await sleep(for: .milliseconds(1))
                    try await connection.write("finished\n")
                }
            }
            let client = try await Connection.connect(to: server.address)
            try #require(try await client.readLine() == "finished")
            try await serving.value
            try #require(server.statistics.open == 0)
            try #require(server.statistics.handlerErrors == 0)
            try #require(openSockets() == 1)
        }
    }

    @Test(arguments: Ground.all)
    func `who comes after the stop is not served`(ground: Ground) async throws {
        try await ground.run {
            try await Self.withClient { server, serving, client in
                server.stop(grace: .seconds(100), endingIdle: false)
                // A process that another test is starting holds the listener until it has become
                // its program; so the kernel may take some more and reset them; no server does.
                var error: IOError?
                for _ in 0..<10_000 where error?.reason != .system(.connectionRefused) {
                    error = await ioError { try await Connection.connect(to: server.address) }
                }
                try #require(
                    error?.reason == .system(.connectionRefused), "\(String(describing: error))")
                try #require(server.statistics.accepted == 1)
                // The one who was there before can still speak.
                try await client.write("still here\n")
                try #require(try await client.readLine() == "still here")
                client.close()
                try await serving.value
            }
        }
    }

    private enum Welcome: Hashable { case served, reset, refused }

    /// A client asks to connect so many microseconds before the stop. Whoever is taken in has the
    /// grace; whoever is in the queue still is reset; whoever is late is refused.
    @Test func `who comes at the very instant of the stop is served, reset or refused`() throws {
        try simulated(yielding: [.served, .reset, .refused], seeds: 0..<100) { world -> Welcome in
            world.network.inject(.latency(.constant(.milliseconds(20))))
            let peer = world.host("peer")
            let server = StreamServer(
                listener: try await Listener.bind(to: world.home.address(port: 7788)))
            let serving = try spawn { try await server.serve(handler: echoBack) }
            // The request arrives after 20 ms, and the confirmation after 60 ms.
            let stop: Duration =
                Bool.random(using: &world.random)
                ? .milliseconds(20)
                : .milliseconds(60)
            try spawn {
                try await sleep(for: stop)
                server.stop(grace: .seconds(100), endingIdle: false)
            }
            let error = await ioError {
                try await peer.run {
                    try await Connection.connect(to: server.address) { client in
                        try await client.write("hello\n")
                        try #require(try await client.readLine() == "hello")
                    }
                }
            }
            try await serving.value
            try #require(world.home.openSockets == 0)
            switch error?.reason {
            case nil:
                try #require(server.statistics.accepted == 1)
                return .served
            case .system(.connectionRefused): return .refused
            case let reason:
                try #require(reason == .system(.connectionReset))
                try #require(server.statistics.accepted == 0)
                return .reset
            }
        }
    }

    @Test func `a stop that comes before serving is remembered`() throws {
        try simulated { world in
            let listener = try await Listener.bind(to: anyPort())
            let client = try await Connection.connect(to: listener.address)
            let server = StreamServer(listener: listener)
            server.stop(grace: .seconds(10))
            try await server.serve(handler: echoBack)
            try #require(world.elapsed == .zero)
            try #require(server.statistics.accepted == 0)
            client.close()
            try #require(world.home.openSockets == 0)
        }
    }

    // MARK: Without a stop

    @Test(arguments: Ground.all)
    func `cancelling the serving task cancels its handlers`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let reasons = Notes<IOError?>()
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn {
                try await server.serve { connection in
                    reasons.add(await ioError { try await echoBack(connection) })
                }
            }
            var clients: [Connection] = []
            for _ in 0..<3 {
                clients.append(try await Connection.connect(to: server.address))
            }
            await untilParked(4)
            serving.cancel()
            try #require(await ioError { try await serving.value } == IOError(.accept, .cancelled))
            try #require(openSockets() == clients.count)
            try #require(reasons.all == Array(repeating: IOError(.read, .cancelled), count: 3))
        }
    }

    @Test(arguments: Ground.all)
    func `a listener that somebody else closes ends serving with an error`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn { await ioError { try await server.serve(handler: echoBack) } }
            await untilParked(1)
            listener.close()
            try #require(try await serving.value == IOError(.accept, .closed))
        }
    }

    @Test(arguments: Ground.all)
    func `the end of the loop ends a server that nobody awaits`(ground: Ground) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            try spawn { try await StreamServer(listener: listener).serve(handler: echoBack) }
            let client = try await Connection.connect(to: listener.address)
            try await client.write("hello\n")
            _ = try await client.readLine()
        }
    }

    // MARK: From other threads

    @Test(arguments: DriverKind.usable)
    func `another thread may stop a server`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await Connection.connect(to: listener.address)
            try await client.write("hello\n")
            _ = try await client.readLine()
            Task.detached { server.stop() }
            try await serving.value
            #expect(try await client.readLine() == nil)
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a server that is served from outside the loop has its grace, too`() async throws {
        let words = try await onLoop {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            // A detached task knows of no loop but the one of the listener.
            let serving = Task.detached {
                try await server.serve { connection in
                    try await connection.write(try await connection.read(exactly: 5) ?? [])
                }
            }
            let client = try await Connection.connect(to: server.address)
            while server.statistics.open == 0 { await Task.yield() }
            server.stop(grace: .seconds(1_000_000), endingIdle: false)
            try await client.write("words")
            let words = try await client.read(exactly: 5)
            try await serving.value
            return words
        }
        #expect(words == Array("words".utf8))
    }
}
