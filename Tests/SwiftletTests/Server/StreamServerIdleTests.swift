import Syscalls
import Testing

@testable import Swiftlet

/// What a handler that reads is told when its server stops with a grace.
@Suite struct StreamServerIdleTests {
    /// Serves `handler` and lets `body` talk to it over a connection. The grace is longer than any
    /// test: the handler must end before.
    private static func withClient(
        _ handler: @escaping @Sendable (StreamServer, Connection) async throws -> Void,
        _ body: (StreamServer, Connection) async throws -> Void
    ) async throws {
        let server = StreamServer(listener: try await Listener.bind(to: "127.0.0.1:0"))
        let serving = try spawn { try await server.serve { try await handler(server, $0) } }
        let client = try await Connection.connect(to: server.address)
        while server.statistics.open == 0 { await Task.yield() }
        try #require(!server.isStopping)
        try await body(server, client)
        try await serving.value
        try #require(server.isStopping)
        try #require(server.statistics.handlerErrors == 0)
    }

    private static func stop(_ server: StreamServer) { server.stop(grace: .seconds(1_000_000)) }

    @Test(arguments: Ground.all)
    func `an idle client does not hold the stop up`(ground: Ground) async throws {
        try await ground.run {
            try await Self.withClient({ _, connection in try await echoBack(connection) }) {
                server, client in
                try await client.write("hello\n")
                try #require(try await client.readLine() == "hello")
                Self.stop(server)
                try #require(try await client.readLine() == nil)
            }
        }
    }

    @Test(arguments: Ground.all)
    func `a handler that is at work answers what has come`(ground: Ground) async throws {
        try await ground.run {
            let handler: @Sendable (StreamServer, Connection) async throws -> Void = {
                server, connection in
                while let line = try await connection.readLine() {
                    try await connection.write("at work\n")
                    while !server.isStopping { try await settle() }
                    try await connection.write(line + "\n")
                }
            }
            try await Self.withClient(handler) { server, client in
                try await client.write("one\ntwo\n")
                try #require(try await client.readLine() == "at work")
                Self.stop(server)
                for line in ["one", "at work", "two", nil] {
                    try #require(try await client.readLine() == line)
                }
            }
        }
    }

    @Test(arguments: Ground.all)
    func `the rest of a line may still come`(ground: Ground) async throws {
        try await ground.run {
            let handler: @Sendable (StreamServer, Connection) async throws -> Void = {
                while let line = try await $1.readLine() { try await $1.write(line + "\n") }
            }
            try await Self.withClient(handler) { server, client in
                try await client.write("hal")
                while loopStatistics().bytesRead < 3 { try await settle() }
                Self.stop(server)
                try await settle()
                try await client.write("f\n")
                try #require(try await client.readLine() == "half")
                try #require(try await client.readLine() == nil)
            }
        }
    }
}
