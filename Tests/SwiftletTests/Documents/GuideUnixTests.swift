import Glibc
import Swiftlet
import Testing

// The samples of docs/guide.md about addresses and Unix sockets: `TidyTests` finds each of them
// here, line by line. They use nothing but what a user of the library has.

@Suite struct GuideUnixTests {
    @Test func `addresses are values that print as they read`() throws {
        let tcp = try SocketAddress("127.0.0.1:7788")
        let unix = try SocketAddress.unix(path: "/run/app.sock")
        #expect("\(tcp), \(unix)" == "127.0.0.1:7788, unix:/run/app.sock")
        #expect(tcp.with(port: 80).port == 80)
    }

    @Test func `a server tells each client its process`() async throws {
        let address = try SocketAddress.unix(path: "/tmp/swiftlet-guide-\(getpid()).sock")
        let line = try await onLoop {
            var options = StreamServer.Options()
            options.access = SocketFileAccess(mode: 0o660)
            let listener = try await Listener.bind(to: address, access: options.access)
            let server = StreamServer(listener: listener, options: options)
            async let serving: Void = server.serve { connection in
                let peer = try await connection.peerCredentials
                try await connection.write("you are process \(peer.processID)\n")
            }
            let line = try await Connection.connect(to: address) { try await $0.readLine() }
            server.stop()
            try await serving
            return line
        }
        #expect(line == "you are process \(getpid())")
    }

    @Test func `a worker serves a connection that was accepted elsewhere`() async throws {
        let line = try await onLoop {
            let (dispatcher, worker) = try await Connection.pair()
            let working = try spawn { try await work(for: worker) }
            let listener = try await Listener.bind(to: "127.0.0.1:0")
            async let line = Connection.connect(to: listener.address) { try await $0.readLine() }
            let client = try await listener.accept()
            try await dispatcher.write([1], passing: [client])
            client.close()
            try await working.value
            return try await line
        }
        #expect(line == "served by the worker")
    }

    @Test func `messages stay apart`() async throws {
        try await onLoop {
            let (left, right) = try await Connection.pair(as: .sequencedPackets)
            try await left.write("one")
            try await left.write("two")
            let first = try await right.readMessage()
            #expect(first?.bytes == Array("one".utf8))
        }
    }

    @Test func `a pair needs no address`() async throws {
        try await onLoop {
            let (parent, child) = try await Connection.pair()
            try await parent.write("hello\n")
            #expect(try await child.readLine() == "hello")
        }
    }
}

/// The process that a connection is given to.
@Sendable private func work(for worker: Connection) async throws {
    guard let message = try await worker.readMessage(),
        let passed = message.descriptors.first
    else { return }
    let client = try await Connection.adopt(passed)
    try await client.write("served by the worker\n")
}
