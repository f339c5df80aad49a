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

    @Test func `a pair needs no address`() async throws {
        try await onLoop {
            let (parent, child) = try await Connection.pair()
            try await parent.write("hello\n")
            #expect(try await child.readLine() == "hello")
        }
    }
}
