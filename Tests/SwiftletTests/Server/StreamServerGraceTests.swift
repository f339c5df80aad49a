import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// What becomes of handlers when their server stops, to the nanosecond.
@Suite struct StreamServerGraceTests {
    /// Serves `handler` on the body's host, with one client for each of its lines.
    private static func serve(
        _ lines: [String], in world: World, _ handler: @escaping StreamServer.ConnectionHandler,
        _ body: (StreamServer, Task<Void, any Error>, [Connection]) async throws -> Void
    ) async throws {
        let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
        let serving = try spawn { try await server.serve(handler: handler) }
        var clients: [Connection] = []
        for line in lines {
            let client = try await Connection.connect(to: server.address)
            try await client.write(line + "\n")
            clients.append(client)
        }
        try await settle()
        try #require(server.statistics.open == lines.count)
        try await body(server, serving, clients)
        for client in clients { client.close() }
        try #require(server.statistics.open == 0)
    }

    /// Reads a number of seconds, and ends after that many.
    private static func endLater(_ connection: Connection) async throws {
        let line = try #require(try await connection.readLine())
        try await sleep(for: .seconds(try #require(Int(line))))
        try await connection.write("done\n")
    }

    @Test func `serving ends with the last handler when all end in time`() throws {
        try simulated { world in
            try await Self.serve(["10", "7", "3"], in: world, Self.endLater) {
                server, serving, clients in
                let start = world.elapsed
                server.stop(grace: .seconds(30))
                try await serving.value
                // They have slept a nanosecond of their time already.
                try #require(world.elapsed - start == .seconds(10) - .nanoseconds(1))
                for client in clients { try #require(try await client.readLine() == "done") }
                try #require(server.statistics.handlerErrors == 0)
            }
        }
    }

    @Test func `handlers that end before the grace is over, after it, and never`() throws {
        try simulated { world in
            let reasons = Notes<IOError?>()
            let handler: StreamServer.ConnectionHandler = { connection in
                reasons.add(await ioError { try await Self.endLater(connection) })
            }
            try await Self.serve(["10", "40", "1000000000"], in: world, handler) {
                server, serving, clients in
                let start = world.elapsed
                server.stop(grace: .seconds(30))
                try await serving.value
                try #require(world.elapsed - start == .seconds(30))
                for (client, line) in zip(clients, ["done", nil, nil]) {
                    try #require(try await client.readLine() == line)
                }
                let cancelled = IOError(.sleep, .cancelled)
                try #require(reasons.all == [nil, cancelled, cancelled])
            }
        }
    }

    /// Cancelling asks; a handler that goes on is waited for.
    @Test func `a handler that does not care for its cancellation is waited for`() throws {
        try simulated { world in
            let handler: StreamServer.ConnectionHandler = { connection in
                let end = world.elapsed + .seconds(40)
                while world.elapsed < end {
                    try await spawn { try await sleep(for: .seconds(1)) }.value
                }
                try await connection.write("done\n")
            }
            try await Self.serve(["x"], in: world, handler) { server, serving, clients in
                server.stop(grace: .seconds(30))
                try await serving.value
                try #require(world.elapsed == .seconds(40))
                try #require(try await clients[0].readLine() == "done")
            }
        }
    }

    @Test func `handlers that read are cancelled when the grace is over`() throws {
        try simulated { world in
            let reasons = Notes<IOError?>()
            let handler: StreamServer.ConnectionHandler = { connection in
                reasons.add(await ioError { try await echoBack(connection) })
            }
            try await Self.serve(["x"], in: world, handler) { server, serving, clients in
                let start = world.elapsed
                server.stop(grace: .seconds(30), endingIdle: false)
                try await serving.value
                try #require(world.elapsed - start == .seconds(30))
                try #require(try await readAll(clients[0]) == Array("x\n".utf8))
            }
            try #require(reasons.all == [IOError(.read, .cancelled)])
        }
    }

    private enum End: Hashable { case done, cancelled }

    @Test func `a handler that would go on just when the grace is over`() throws {
        try simulated(yielding: [.done, .cancelled]) { world -> End in
            world.network.inject(.latency(.constant(.milliseconds(20))))
            let peer = world.host("peer")
            let ends = Notes<End>()
            let server = StreamServer(
                listener: try await Listener.bind(to: world.home.address(port: 7788)))
            let serving = try spawn {
                try await server.serve { connection in
                    switch await ioError({ try await connection.read(exactly: 1) }) {
                    case nil: ends.add(.done)
                    case let error:
                        try #require(error == IOError(.read, .cancelled))
                        ends.add(.cancelled)
                    }
                }
            }
            let client = try await peer.run {
                try await Connection.connect(to: server.address)
            }
            try await sleep(for: .seconds(1))
            server.stop(grace: .milliseconds(20), endingIdle: false)
            try await client.write("x")
            try await serving.value
            try #require(server.statistics.handlerErrors == 0)
            return try #require(ends.all.first)
        }
    }

    /// Each stop at a second with a grace, and the second at which serving ends.
    private static let stops: [([(Int, Int)], Int)] = [
        ([(0, 1000), (1, 2000), (2, 3)], 5),
        ([(0, 1000), (7, 0)], 7),
        ([(0, 100), (30, 60)], 90),
        ([(0, 100), (50, 60)], 100),
        ([(0, 10), (0, 20)], 10),
        ([(0, 20), (0, 10)], 10),
    ]

    @Test func `a further stop may shorten the wait, and never makes it longer`() throws {
        try simulated { world in
            for (calls, end) in Self.stops {
                try await Self.serve(["x"], in: world, echoBack) { server, serving, _ in
                    let start = world.elapsed
                    for (second, grace) in calls {
                        try spawn {
                            try await sleep(for: .seconds(second))
                            server.stop(grace: .seconds(grace), endingIdle: false)
                        }
                    }
                    try await serving.value
                    try #require(world.elapsed - start == .seconds(end))
                }
            }
        }
    }

    @Test func `a server that is cancelled while it drains waits no longer`() throws {
        try simulated { world in
            try await Self.serve(["x"], in: world, echoBack) { server, serving, _ in
                let start = world.elapsed
                server.stop(grace: .seconds(1000), endingIdle: false)
                try await sleep(for: .seconds(1))
                serving.cancel()
                _ = await serving.result
                try #require(world.elapsed - start == .seconds(1))
            }
        }
    }

    @Test func `what a client sent before the stop is answered in the grace over a slow link`()
        throws
    {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            world.network.inject(
                .bandwidth(bytesPerSecond: 10_000), .between(world.home, and: peer))
            let server = StreamServer(
                listener: try await Listener.bind(to: world.home.address(port: 7788)))
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let question = pattern(200_000)
            let client = try await peer.run {
                try await Connection.connect(to: server.address)
            }
            let reader = try peer.spawn { try await readAll(client) }
            try await client.write(pattern(1))
            try await sleep(for: .seconds(1))
            server.stop(grace: .seconds(60), endingIdle: false)
            try await client.write(question)
            try await client.closeWrite()
            try await serving.value
            // 20 seconds there; the way back is as wide, and begins with the first segment.
            try #require((.seconds(20) ... .seconds(23)).contains(world.elapsed))
            try #require(try await reader.value == pattern(1) + question)
        }
    }
}
