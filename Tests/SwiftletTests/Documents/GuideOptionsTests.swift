import Glibc
import Swiftlet
import Testing

// The samples of docs/guide.md about options: `TidyTests` finds each of them here, line by line.
// They use nothing but what a user of the library has, so there is no `@testable` above.

@Suite struct GuideOptionsTests {
    @Test func `options are set before and after`() async throws {
        let cpu = try await onLoop {
            let listener = try await Listener.bind(
                to: "127.0.0.1:0",
                options: [.keepAlive: 1, .keepAliveIdle: 60, .keepAliveInterval: 10])
            let connection = try await Connection.connect(
                to: listener.address, from: SocketAddress("127.0.0.2:0"),
                options: [.userTimeout: 30_000])
            try await connection.setOption(.priority, to: 4)
            let cpu = try await connection.option(
                SocketOption(level: SOL_SOCKET, number: SO_INCOMING_CPU))
            return cpu
        }
        #expect(cpu >= -1)
    }

    @Test func `a server looks ahead`() async throws {
        try await onLoop {
            let (client, connection) = try await Connection.pair()
            try await client.write("GET / HTTP/1.1\r\n")
            let isHTTP = try await connection.peek(4) == Array("GET ".utf8)
            #expect(isHTTP)
        }
    }
}
