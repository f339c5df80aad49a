import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// What a server does, by the second, while its machine is short of descriptors and afterwards.
@Suite struct AcceptBackOffTests {
    /// How long anything takes between two hosts here.
    private static let latency = Duration.milliseconds(1)

    /// Serves echoes on the body's host, with clients on another one.
    private static func withEchoes(
        in world: World, _ body: (StreamServer, SimulatedHost) async throws -> Void
    ) async throws {
        world.network.inject(.latency(.constant(latency)))
        let listener = try await Listener.bind(to: world.home.address(port: 7788))
        let server = StreamServer(listener: listener)
        let serving = try spawn { try await server.serve(handler: echoBack) }
        try await settle()
        try await body(server, world.host("clients"))
        server.stop()
        try await serving.value
    }

    /// Starts a client that wants one echo, and waits until the server has seen it come: half a
    /// millisecond longer than the three ways that a connection takes to come up.
    private static func startClient(
        of server: StreamServer, on host: SimulatedHost
    ) async throws -> Task<[UInt8], any Error> {
        let client = try host.spawn {
            try await Connection.connect(to: server.address) { connection in
                try await connection.write("x")
                return try await connection.read(exactly: 1) ?? []
            }
        }
        try await sleep(for: latency * 3 + .microseconds(500))
        return client
    }

    /// Requires that the server's attempts fail after each of these pauses, in milliseconds, and
    /// not before.
    private static func expect(pauses: [Int], of server: StreamServer) async throws {
        for pause in pauses {
            let before = server.statistics.acceptErrors
            try await sleep(for: .milliseconds(pause - 1))
            try #require(server.statistics.acceptErrors == before)
            try await sleep(for: .milliseconds(1))
            try #require(server.statistics.acceptErrors == before + 1)
        }
    }

    @Test func `the pauses double from 10 ms to 1 s, and begin anew after a success`() throws {
        try simulated { world in
            try await Self.withEchoes(in: world) { server, clients in
                world.home.descriptorLimit = 1
                let first = try await Self.startClient(of: server, on: clients)
                try #require(server.statistics.acceptErrors == 1)
                try await Self.expect(
                    pauses: [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000], of: server)

                world.home.descriptorLimit = 100
                try #require(try await first.value == [UInt8(ascii: "x")])
                let second = try await Self.startClient(of: server, on: clients)
                try #require(try await second.value == [UInt8(ascii: "x")])

                world.home.descriptorLimit = 1
                let third = try await Self.startClient(of: server, on: clients)
                try await Self.expect(pauses: [10, 20, 40], of: server)
                world.home.descriptorLimit = 100
                try #require(try await third.value == [UInt8(ascii: "x")])
            }
        }
    }

    @Test func `whoever came in the bad times is served within a second of their end`() throws {
        try simulated { world in
            try await Self.withEchoes(in: world) { server, clients in
                world.home.descriptorLimit = 1
                var waiting: [Task<[UInt8], any Error>] = []
                for _ in 0..<20 {
                    waiting.append(try await Self.startClient(of: server, on: clients))
                    try await sleep(for: .seconds(3))
                }
                try #require(server.statistics.accepted == 0)

                world.home.descriptorLimit = 100
                let healed = world.elapsed
                for client in waiting { try #require(try await client.value.count == 1) }
                try #require(world.elapsed - healed <= .seconds(1) + Self.latency * 2)
                try #require(server.statistics.accepted == 20)
            }
        }
    }

    @Test func `those who are served do not notice that others cannot be`() throws {
        try simulated { world in
            try await Self.withEchoes(in: world) { server, clients in
                let served = try await clients.run {
                    try await Connection.connect(to: server.address)
                }
                try await sleep(for: .seconds(1))
                world.home.descriptorLimit = 2
                _ = try await Self.startClient(of: server, on: clients)
                try await clients.run {
                    for _ in 0..<100 {
                        let start = world.elapsed
                        try await served.write("x")
                        _ = try await served.read(exactly: 1)
                        try #require(world.elapsed - start == Self.latency * 2)
                    }
                    served.close()
                }
            }
        }
    }
}
