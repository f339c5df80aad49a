import Swiftlet
import Testing

@testable import SwiftletSimulation

/// Hosts: they talk to each other, crash and come back.
@Suite struct HostTests {
    @Test func `two hosts talk over the network`() throws {
        let reply = try Simulation(seed: 3).run { world in
            let server = world.host("server"), client = world.host("client")
            try server.spawn(name: "echo") {
                try await StreamServer.serve(on: server.address(port: 7788), handler: echo)
            }
            return try await client.run {
                let connection = try await connect(to: server.address(port: 7788))
                try await connection.write("hello\n")
                return try await connection.readLine()
            }
        }

        #expect(reply == "hello")
    }

    @Test func `hosts have addresses in the order in which they were added`() throws {
        try Simulation(seed: 3).run { world in
            let first = world.host("first"), second = world.host("second")
            #expect(first.address(port: 1).description == "10.0.0.2:1")
            #expect(second.address(port: 1).description == "10.0.0.3:1")
            #expect(second.ipv6Address(port: 1).description == "[fd00::3]:1")
            #expect(world.hosts.map(\.name) == ["test", "first", "second"])
        }
    }

    @Test func `a test that needs one machine names no host`() throws {
        let reply = try Simulation(seed: 3).run { _ in
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
            async let accepted = listener.accept()
            let connection = try await Connection.connect(to: listener.address)
            try await accepted.write("hi\n")
            return try await connection.readLine()
        }

        #expect(reply == "hi")
    }

    @Test func `a host runs its program again after each restart`() throws {
        let starts = Notes<Duration>()

        try Simulation(seed: 3).run { world in
            let server = world.host("server") {
                starts.add(world.elapsed)
                try await sleep(for: .seconds(1000))
            }
            try await sleep(for: .seconds(1))
            server.crash()
            #expect(!server.isUp)
            try await sleep(for: .seconds(1))
            server.restart()
            #expect(server.isUp)
            try await sleep(for: .seconds(1))
            server.restart()
            try await sleep(for: .seconds(1))
        }

        #expect(starts.all == [.zero, .seconds(2), .seconds(3)])
    }

    @Test func `nothing runs on a host that is down, and the error says so`() throws {
        try Simulation(seed: 3).run { world in
            let server = world.host("server")
            server.crash()
            await #expect(throws: HostIsDown(host: "server")) { try await server.run {} }
            #expect(throws: HostIsDown(host: "server")) { try server.spawn {} }
            server.restart()
            let five = try await server.run { 5 }
            #expect(five == 5)
        }
    }

    @Test func `a crash ends what runs on the host`() throws {
        try Simulation(seed: 3).run { world in
            let server = world.host("server")
            try spawn {
                try await sleep(for: .seconds(1))
                server.crash()
            }
            await #expect(throws: HostIsDown(host: "server")) {
                try await server.run { try await sleep(for: .seconds(10)) }
            }
            #expect(world.elapsed == .seconds(1))
        }
    }

    @Test func `a host may crash itself`() throws {
        try Simulation(seed: 3).run { world in
            let server = world.host("server")
            await #expect(throws: HostIsDown(host: "server")) {
                try await server.run {
                    server.crash()
                    try await sleep(for: .seconds(10))
                }
            }
        }
    }

    @Test func `a host that comes back at once keeps nothing of what it was`() throws {
        let ends = Notes<String>()

        try Simulation(seed: 3).run { world in
            let server = world.host("server")
            let address = server.address(port: 7788)
            try server.spawn { try await StreamServer.serve(on: address, handler: echo) }
            let connection = try await connect(to: address)
            try await connection.write("one\n")
            #expect(try await connection.readLine() == "one")
            server.restart()
            let listener = try await server.run { try await Listener.bind(to: address) }
            let error = await #expect(throws: IOError.self) {
                try await connection.write("two\n")
                _ = try await connection.readLine()
            }
            ends.add("\(error?.description ?? "no error")")
            try await server.run { listener.close() }
        }

        #expect(ends.all == ["read: Connection reset by peer"])
    }

    @Test func `a cancelled caller cancels what it runs on a host`() throws {
        let elapsed = try Simulation(seed: 3).run { world in
            let server = world.host("server")
            await #expect(throws: TimeoutError.self) {
                try await withTimeout(.seconds(1)) {
                    try await server.run { try await sleep(for: .seconds(10)) }
                }
            }
            return world.elapsed
        }

        #expect(elapsed == .seconds(1))
    }
}

/// Waiting until a program is ready.
@Suite struct ListeningTests {
    @Test func `a test goes on as soon as a program listens`() throws {
        try Simulation.explore(seeds: 0..<50) { world in
            let server = world.host("server") {
                try await sleep(for: .seconds(3))
                try await StreamServer.serve(on: .any(port: 7), handler: echo)
            }

            try await server.untilListening(port: 7)
            try #require(world.elapsed == .seconds(3))
            try await server.untilListening(port: 7)
            try #require(world.elapsed == .seconds(3))
            try await Connection.connect(to: server.address(port: 7)) { _ in }
            server.restart()
            try await server.untilListening(port: 7)
            try #require(world.elapsed > .seconds(6))
        }
    }

    @Test func `a port on which no program ever listens is a deadlock that names it`() {
        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation(seed: 1).run { world in
                try await world.host("server").untilListening(port: 7)
            }
        }

        let text = failure?.description ?? ""
        #expect(text.contains("deadlock"))
        #expect(text.contains("a task waits until 'server' listens on port 7"))
    }

    @Test func `a task that waits for a port can be cancelled`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.host("server")
            await #expect(throws: TimeoutError.self) {
                try await withTimeout(.seconds(1)) { try await server.untilListening(port: 7) }
            }
        }
    }
}

/// Sends back what comes.
func echo(_ connection: Connection) async throws {
    while let bytes = try await connection.read() { try await connection.write(bytes) }
}

/// Connects as soon as a program listens.
func connect(to address: SocketAddress) async throws -> Connection {
    while true {
        do throws(IOError) {
            return try await Connection.connect(to: address)
        } catch {
            guard error.reason == .system(.connectionRefused) else { throw error }
        }
        try await sleep(for: .milliseconds(1))
    }
}
