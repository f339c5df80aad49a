import Swiftlet
import SwiftletSimulation
import Testing

// The samples of docs/guide.md about names: `TidyTests` finds each of them here, line by line. They
// use nothing but what a user of the library has, so there is no `@testable` above.

struct Fixed: Resolver {
    let address: SocketAddress
    func addresses(of host: String) async throws(IOError) -> [SocketAddress] {
        guard host == "server.example" else { throw IOError(.resolve, .name(.unknown)) }
        return [address]
    }
}

@Suite struct GuideNamesTests {
    @Test func `a client connects by name`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.host("server.example") {
                try await StreamServer.serve(on: "server.example:80") { connection in
                    try await connection.write("welcome\n")
                }
            }
            try await server.untilListening(port: 80)
            let name = "server.example:80"
            let connection = try await Connection.connect(to: name, timeout: .seconds(5))
            try #require(try await connection.readLine() == "welcome")
        }
    }

    @Test func `a resolver of one's own answers`() async throws {
        let line = try await onLoop {
            let listener = try await Listener.bind(to: "localhost:0")
            let address = listener.address
            async let accepted = listener.accept()
            try await withResolver(Fixed(address: address)) {
                try await Connection.connect(to: "server.example:\(address.port)") { connection in
                    try await connection.write("hello\n")
                }
            }
            return try await accepted.readLine()
        }
        #expect(line == "hello")
    }
}
