import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Names in a simulated world: hosts are found by what they are called, unless a fault is in the
/// way.
@Suite struct SimulatedNameTests {
    private static func ask(_ target: String, timeout: Duration? = nil) async throws -> [UInt8]? {
        try await Connection.connect(to: target, timeout: timeout) { connection in
            try await connection.write("x")
            return try await connection.read(exactly: 1)
        }
    }

    private static func addServer(to world: World) async throws -> SimulatedHost {
        let server = world.host("server") {
            try await StreamServer.serve(on: "server:80", handler: echoBack)
        }
        try await server.untilListening(port: 80)
        return server
    }

    @Test func `a host is found by its name, from every host, and listens on it`() throws {
        try simulated { world in
            _ = try await SimulatedNameTests.addServer(to: world)
            let client = world.host("client")
            for name in ["server", "SERVER", "server."] {
                try #require(try await SimulatedNameTests.ask("\(name):80") == [120])
            }
            try #require(
                try await client.run { try await SimulatedNameTests.ask("server:80") } == [120])
            let error = await ioError { try await SimulatedNameTests.ask("nobody:80") }
            try #require(error == IOError(.resolve, .name(.unknown)))
        }
    }

    @Test func `names are slow or fail on command`() throws {
        try simulated { world in
            _ = try await SimulatedNameTests.addServer(to: world)
            let slow = world.network.inject(.slowNames(.constant(.seconds(3))))
            let start = world.elapsed
            try #require(try await SimulatedNameTests.ask("server:80") == [120])
            try #require(world.elapsed - start >= .seconds(3))
            let late = await ioError {
                try await SimulatedNameTests.ask("server:80", timeout: .seconds(1))
            }
            try #require(late == IOError(.resolve, .timedOut))
            slow.heal()
            let error = await world.network.inject(.failingNames(with: .noAnswer, probability: 1)) {
                await ioError { try await SimulatedNameTests.ask("server:80") }
            }
            try #require(error == IOError(.resolve, .name(.noAnswer)))
            try #require(try await SimulatedNameTests.ask("server:80") == [120])
        }
    }

    @Test func `a name can mean other addresses, and change`() throws {
        try simulated { world in
            let server = try await SimulatedNameTests.addServer(to: world)
            let dead = try SocketAddress("10.9.9.9:0")
            world.setAddresses(of: "service", to: [dead, server.address(port: 0)])
            try #require(try await SimulatedNameTests.ask("service:80") == [120])
            world.setAddresses(of: "service", to: [dead])
            let error = await ioError { try await SimulatedNameTests.ask("service:80") }
            try #require(error?.operation == .connect)
            world.setAddresses(of: "service", to: [])
            let gone = await ioError { try await SimulatedNameTests.ask("service:80") }
            try #require(gone == IOError(.resolve, .name(.unknown)))
        }
    }
}
