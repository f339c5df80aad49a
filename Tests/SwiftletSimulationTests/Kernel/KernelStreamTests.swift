import Drivers
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Connections between hosts: what travels, how long, and in which order.
@Suite struct KernelStreamTests {
    @Test func `a connection takes a round trip and is accepted half a one later`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let listener = try hosts.listen(on: hosts.b)
        let client = try hosts.connect(from: hosts.a, to: hosts.b)
        func isUp() -> Bool {
            hosts.error { try $0.kernel.remoteAddress(of: client, on: $0.a.id) } == nil
        }

        hosts.pass(.milliseconds(19))
        #expect(!isUp())
        hosts.pass(.milliseconds(1))
        #expect(isUp())
        hosts.pass(.milliseconds(9))
        #expect(hosts.error { try $0.accept(listener, on: $0.b) } == .wouldBlock)
        hosts.pass(.milliseconds(1))
        #expect(hosts.error { try $0.accept(listener, on: $0.b) } == nil)
    }

    @Test func `a refusal takes a round trip`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let client = try hosts.connect(from: hosts.a, to: hosts.b)

        hosts.pass(.milliseconds(19))
        #expect(try hosts.kernel.takeError(of: client, on: hosts.a.id) == nil)
        hosts.pass(.milliseconds(1))

        let error = try hosts.kernel.takeError(of: client, on: hosts.a.id)
        #expect(error == .connectionRefused)
    }

    @Test func `bytes arrive after the latency and not before`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        try hosts.send("hello", from: client, on: hosts.a)

        hosts.pass(.nanoseconds(9_999_999))
        #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .wouldBlock)
        hosts.pass(.nanoseconds(1))

        let text = try hosts.take(from: server, on: hosts.b)
        #expect(text == "hello")
    }

    @Test func `what was sent earlier arrives earlier however long it takes`() throws {
        var hosts = ThreeHosts()
        let (client, server) = try hosts.pair()
        hosts.inject(.latency(.uniform(.zero ... .seconds(1))))
        hosts.inject(.splitSegments(ofAtMost: 3))
        let words = (0..<20).map { "word \($0) " }

        for word in words { try hosts.send(word, from: client, on: hosts.a) }
        var text = ""
        for _ in 0..<100 {
            hosts.pass(.milliseconds(20))
            while hosts.kernel.connections[EndID(index: 0)].stream.arrived > 0 {
                text += try hosts.take(from: server, on: hosts.b)
            }
        }

        #expect(text == words.joined())
    }

    @Test func `the room that a reader makes is known after the latency`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        func fill(_ hosts: inout ThreeHosts) throws -> Int {
            let bytes = [UInt8](repeating: 7, count: 1_000_000)
            return try bytes.withUnsafeBytes {
                try hosts.kernel.send(client, on: hosts.a.id, $0)
            }
        }
        while hosts.error(fill) == nil { hosts.pass(.seconds(1)) }
        var bytes = [UInt8](repeating: 0, count: 1_000_000)

        let taken = try bytes.withUnsafeMutableBytes {
            try hosts.kernel.receive(server, on: hosts.b.id, into: $0)
        }
        #expect(taken == 65_536)
        #expect(hosts.error(fill) == .wouldBlock)
        hosts.pass(.milliseconds(9))
        #expect(hosts.error(fill) == .wouldBlock)
        hosts.pass(.milliseconds(1))

        #expect(hosts.error(fill) == nil)
    }

    @Test func `bytes for a program that has closed come back as a reset`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        try hosts.send("under way", from: client, on: hosts.a)

        // Nothing is unread yet, so this is an end in order.
        hosts.kernel.close(server, on: hosts.b.id)
        hosts.pass(.milliseconds(10))
        #expect(try hosts.take(from: client, on: hosts.a) == "")
        hosts.pass(.milliseconds(10))

        #expect(hosts.error { try $0.send("x", from: client, on: $0.a) } == .brokenPipe)
    }

    @Test func `all connections between two hosts are reset and no others`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let first = try hosts.pair(port: 1)
        let second = try hosts.pair(port: 2)
        let listener = try hosts.listen(on: hosts.c)
        let other = try hosts.connect(from: hosts.a, to: hosts.c)
        let asking = try hosts.connect(from: hosts.b, to: hosts.a)
        hosts.pass(.milliseconds(5))

        let count = hosts.kernel.resetConnections(between: hosts.b.id, and: hosts.a.id)

        #expect(count == 3)
        for (client, server) in [first, second] {
            #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .connectionReset)
            #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .connectionReset)
        }
        #expect(try hosts.kernel.takeError(of: asking, on: hosts.b.id) == .connectionRefused)
        hosts.pass(.seconds(1))
        let peer = try hosts.accept(listener, on: hosts.c)
        try hosts.send("well", from: other, on: hosts.a)
        hosts.pass(.seconds(1))
        #expect(try hosts.take(from: peer, on: hosts.c) == "well")
    }

    @Test func `a host is reached at its addresses and loopback is the host itself`() throws {
        var hosts = ThreeHosts()
        let (a, b) = (hosts.a.id, hosts.b.id)
        #expect(a.address(port: 80).description == "10.0.0.1:80")
        #expect(HostID(index: 299).address(port: 1).description == "10.0.1.44:1")
        let listener = try hosts.kernel.open(.ipv6, on: b)
        try hosts.kernel.bind(listener, on: b, to: SocketAddress("[::]:80"))
        try hosts.kernel.listen(listener, on: b, backlog: 9)
        func error(of address: String, from host: HostID) throws -> Errno? {
            let address = try SocketAddress(address)
            let socket = try hosts.kernel.open(AddressFamily(of: address), on: host)
            _ = try hosts.kernel.connect(socket, on: host, to: address)
            hosts.pass(.seconds(1))
            return try hosts.kernel.takeError(of: socket, on: host)
        }

        for address in ["10.0.0.2:80", "[fd00::2]:80"] {
            #expect(try error(of: address, from: a) == nil)
            #expect(try error(of: address, from: b) == nil)
        }
        for address in ["127.0.0.1:80", "[::1]:80"] {
            #expect(try error(of: address, from: a) == .connectionRefused)
            #expect(try error(of: address, from: b) == nil)
        }
        let stray = try hosts.kernel.open(.ipv4, on: a)
        for address in ["10.0.0.4:80", "10.0.0.0:80", "192.0.2.1:80"] {
            #expect(throws: (any Error).self) { try error(of: address, from: a) }
        }
        #expect(
            hosts.error { try $0.kernel.bind(stray, on: a, to: b.address(port: 0)) }
                == .addressNotAvailable)
    }
}
