import Swiftlet
import Testing

// The samples of docs/guide.md about connecting: `TidyTests` finds each of them here, line by line.
// They use nothing but what a user of the library has, so there is no `@testable` above.

@Suite struct GuideConnectingTests {
    @Test func `a client says hello and reads a line`() async throws {
        let line = try await onLoop {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let address = server.address
            try spawn { try await server.serve(handler: echo) }
            let line = try await Connection.connect(to: address, timeout: .seconds(5)) {
                connection in
                try await connection.write("hello\n")
                return try await connection.readLine(timeout: .seconds(5))
            }
            server.stop()
            return line
        }
        #expect(line == "hello")
    }

    @Test func `many connections at a time`() async throws {
        let lines = try await onLoop {
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
            let server = StreamServer(listener: listener)
            async let serving: Void = server.serve(handler: echo)
            let lines = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 1...100 {
                    group.addTask {
                        try await Connection.connect(to: server.address) { connection in
                            try await connection.write("\(number)\n")
                            return try await connection.readLine()
                        }
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1 ?? "") }
            }
            server.stop()
            try await serving
            return lines
        }
        #expect(lines == Set((1...100).map(String.init)))
    }

    @Test func `a client connects in steps`() async throws {
        let line = try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let address = listener.address
            async let accepted = listener.accept()
            let connector = try await Connector.open(for: address)
            try await connector.bind(to: SocketAddress("127.0.0.1:0"))
            switch try await connector.connect(to: address, timeout: .seconds(1)) {
            case .success(let connection): try await connection.write("hello\n")
            case .failure(.connectionRefused): print("nothing listens on \(address)")
            case .failure(let errno): throw errno
            }
            return try await accepted.readLine()
        }
        #expect(line == "hello")
    }
}

/// The handler of the server in the samples.
@Sendable private func echo(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        try await connection.write(bytes)
    }
}
