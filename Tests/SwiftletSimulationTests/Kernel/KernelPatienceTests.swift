import Drivers
import Glibc
import Syscalls
import Testing

@testable import SwiftletSimulation

/// What happens when nothing arrives: partitions, full queues, and machines without power.
@Suite struct KernelPatienceTests {
    // MARK: Partitions

    @Test func `what a partition held arrives in order when it heals`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        let partition = hosts.inject(.partition, .from(hosts.a, to: hosts.b))
        for word in ["one ", "two ", "three"] {
            try hosts.send(word, from: client, on: hosts.a)
            hosts.pass(.seconds(60))
        }
        try hosts.send("the other way", from: server, on: hosts.b)
        hosts.pass(.seconds(1))
        #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .wouldBlock)
        #expect(try hosts.take(from: client, on: hosts.a) == "the other way")

        hosts.kernel.heal(partition)
        hosts.pass(.milliseconds(10))

        #expect(try hosts.take(from: server, on: hosts.b) == "one two three")
    }

    @Test func `what is held too long fails its sender and not its reader`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        hosts.inject(.partition, .between(hosts.a, and: hosts.b))
        hosts.pass(.seconds(3600))
        try hosts.send("hello?", from: client, on: hosts.a)

        hosts.pass(.milliseconds(924_599))
        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .wouldBlock)
        hosts.pass(.milliseconds(1))

        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .timedOut)
        #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .wouldBlock)
        // The end that still believes in the connection learns better when the network is back.
        hosts.kernel.healAll()
        hosts.pass(.seconds(1))
        try hosts.send("still there?", from: server, on: hosts.b)
        hosts.pass(.seconds(1))
        #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .connectionReset)
    }

    @Test func `no attempt to connect waits longer than 127 seconds`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        hosts.inject(.partition, .between(hosts.a, and: hosts.b))
        hosts.kernel.crash(hosts.c.id)
        let cut = try hosts.connect(from: hosts.a, to: hosts.b)
        let dead = try hosts.connect(from: hosts.a, to: hosts.c)

        hosts.pass(.nanoseconds(126_999_999_999))
        for client in [cut, dead] {
            #expect(try hosts.kernel.takeError(of: client, on: hosts.a.id) == nil)
        }
        hosts.pass(.nanoseconds(1))

        for client in [cut, dead] {
            #expect(try hosts.kernel.takeError(of: client, on: hosts.a.id) == .timedOut)
            hosts.kernel.close(client, on: hosts.a.id)
        }
        hosts.pass(.seconds(100))
        #expect(hosts.leftOvers == nil)
    }

    @Test func `a client that found the queue full asks again after 1, 3 and 7 seconds`() throws {
        var hosts = ThreeHosts(latency: .zero)
        let listener = try hosts.listen(on: hosts.b, backlog: 0)
        _ = try hosts.connect(from: hosts.a, to: hosts.b)
        hosts.pass(.zero)
        let late = try hosts.connect(from: hosts.a, to: hosts.b)
        hosts.pass(.seconds(5))

        _ = try hosts.accept(listener, on: hosts.b)
        hosts.pass(.nanoseconds(1_999_999_999))
        #expect(
            hosts.error { try $0.kernel.remoteAddress(of: late, on: $0.a.id) } == .notConnected)
        hosts.pass(.nanoseconds(1))

        #expect(hosts.error { try $0.kernel.remoteAddress(of: late, on: $0.a.id) } == nil)
        #expect(hosts.error { try $0.accept(listener, on: $0.b) } == nil)
    }

    @Test func `a connection whose last word of the handshake is held leaves the queue after 63 s`()
        throws
    {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let listener = try hosts.listen(on: hosts.b, backlog: 0)
        let lost = try hosts.connect(from: hosts.a, to: hosts.b)
        // The answer is under way, and the word that it was heard is not.
        hosts.pass(.milliseconds(15))
        let partition = hosts.inject(.partition, .from(hosts.a, to: hosts.b))
        hosts.pass(.milliseconds(5))
        let next = try hosts.connect(from: hosts.c, to: hosts.b)

        hosts.pass(.seconds(62))
        #expect(
            hosts.error { try $0.kernel.remoteAddress(of: next, on: $0.c.id) } == .notConnected)
        hosts.pass(.seconds(2))

        #expect(hosts.error { try $0.kernel.remoteAddress(of: next, on: $0.c.id) } == nil)
        _ = try hosts.accept(listener, on: hosts.b)
        // The one that believes in the connection learns better when it is heard.
        hosts.kernel.heal(partition)
        hosts.pass(.milliseconds(20))
        #expect(hosts.error { try $0.take(from: lost, on: $0.a) } == .connectionReset)
    }

    // MARK: Power

    @Test func `a crash is silent and what was sent before it arrives`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, server) = try hosts.pair()
        try hosts.send("last words", from: server, on: hosts.b)

        hosts.kernel.crash(hosts.b.id)
        hosts.pass(.seconds(3600))

        #expect(try hosts.take(from: client, on: hosts.a) == "last words")
        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .wouldBlock)
        #expect(hosts.kernel.hosts[hosts.b.id].openCount == 0)
    }

    @Test(arguments: [true, false])
    func `a host that is back knows of no connection and says so`(sendsWhileDown: Bool) throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, _) = try hosts.pair()
        hosts.kernel.crash(hosts.b.id)
        if sendsWhileDown { try hosts.send("hello?", from: client, on: hosts.a) }
        hosts.pass(.seconds(30))
        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .wouldBlock)

        hosts.kernel.restart(hosts.b.id)
        if !sendsWhileDown { try hosts.send("hello?", from: client, on: hosts.a) }
        hosts.pass(.milliseconds(20))

        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .connectionReset)
    }

    @Test func `a client that ends its writing towards a host that is back is reset`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, _) = try hosts.pair()
        hosts.kernel.crash(hosts.b.id)
        hosts.kernel.restart(hosts.b.id)

        try hosts.kernel.closeWrite(client, on: hosts.a.id)
        hosts.pass(.milliseconds(20))

        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .connectionReset)
    }

    @Test func `a client that writes to a machine without power gives up in the end`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, _) = try hosts.pair()
        hosts.kernel.crash(hosts.b.id)
        try hosts.send("hello?", from: client, on: hosts.a)

        hosts.pass(.seconds(925))

        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .timedOut)
        hosts.kernel.close(client, on: hosts.a.id)
        #expect(hosts.leftOvers == nil)
    }

    @Test(arguments: [true, false])
    func `a client that waits for room at a machine without power learns of it in the end`(
        comesBack: Bool
    ) throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        let (client, _) = try hosts.pair()
        let bytes = [UInt8](repeating: 7, count: 100_000)
        for _ in 0..<3 {
            _ = hosts.error { hosts in
                try bytes.withUnsafeBytes {
                    try hosts.kernel.send(client, on: hosts.a.id, $0)
                }
            }
            hosts.pass(.seconds(1))
        }
        #expect(hosts.error { try $0.send("x", from: client, on: $0.a) } == .wouldBlock)

        hosts.kernel.crash(hosts.b.id)
        hosts.pass(.seconds(60))
        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .wouldBlock)
        if comesBack { hosts.kernel.restart(hosts.b.id) }
        hosts.pass(.seconds(925))

        let error = hosts.error { try $0.take(from: client, on: $0.a) }
        #expect(error == (comesBack ? .connectionReset : .timedOut))
    }

    @Test func `sockets of before a crash are closed, and stay so when their numbers are back`()
        throws
    {
        var kernel = Kernel(random: SeededRandom(seed: 1))
        let host = kernel.addHost(named: "a")
        let shared = SharedKernel(kernel)
        let before = SimulatedSockets(of: host, in: shared)
        let driver = SimulatedDriver(of: host, in: shared)
        let address = try SocketAddress("127.0.0.1:80")
        let old = try before.open(for: address)

        shared.use { $0.crash(host) }
        #expect(throws: Errno.self) { try before.open(for: address) }
        #expect(throws: Errno.self) {
            try SimulatedSockets(of: host, in: shared).open(for: address)
        }
        shared.use { $0.restart(host) }
        let after = SimulatedSockets(of: host, in: shared)
        let new = try after.open(for: address)
        try #require(new == old)

        before.close(old)
        #expect(throws: Errno.badDescriptor) { try before.localAddress(old) }
        #expect(throws: Errno.badDescriptor) { try driver.setInterest(.both, in: old) }
        try driver.setInterest([], in: old)
        #expect(try after.localAddress(new).port == 0)
    }
}
