import Drivers
import Syscalls
import Testing

@testable import SwiftletSimulation

/// What belongs to one machine: numbers, ports, the clock, and what its driver says.
@Suite struct KernelHostTests {
    // MARK: Descriptors

    @Test func `a number is the lowest that is free, from 3 on, on each host`() throws {
        var hosts = ThreeHosts()
        func open(on host: FaultScope.Party) throws -> CInt {
            try hosts.kernel.open(.ipv4, on: host.id).number
        }

        #expect(try (0..<4).map { _ in try open(on: hosts.a) } == [3, 4, 5, 6])
        #expect(try open(on: hosts.b) == 3)
        for number: CInt in [5, 3] {
            hosts.kernel.close(RawDescriptor(number), on: hosts.a.id)
        }
        #expect(try (0..<3).map { _ in try open(on: hosts.a) } == [3, 5, 7])
    }

    @Test func `a host out of descriptors opens and accepts nothing until one is closed`() throws {
        var hosts = ThreeHosts(latency: .zero)
        let listener = try hosts.listen(on: hosts.b)
        let spare = try hosts.kernel.open(.ipv4, on: hosts.b.id)
        hosts.kernel.hosts[1].descriptorLimit = 2
        let client = try hosts.connect(from: hosts.a, to: hosts.b)
        hosts.pass(.zero)

        #expect(
            hosts.error { try $0.kernel.open(.ipv4, on: $0.b.id) } == .tooManyOpenFiles)
        #expect(hosts.error { try $0.accept(listener, on: $0.b) } == .tooManyOpenFiles)
        hosts.kernel.close(spare, on: hosts.b.id)

        let server = try hosts.accept(listener, on: hosts.b)
        #expect(server == spare)
        try hosts.send("here", from: client, on: hosts.a)
        hosts.pass(.zero)
        #expect(try hosts.take(from: server, on: hosts.b) == "here")
    }

    // MARK: Ports

    @Test func `ports are given out from 32768 up and can be used up towards one address`() throws {
        var hosts = ThreeHosts()
        hosts.kernel.hosts[0].descriptorLimit = 40_000
        func port(to target: FaultScope.Party) throws -> UInt16 {
            let client = try hosts.connect(from: hosts.a, to: target)
            return try hosts.kernel.localAddress(of: client, on: hosts.a.id).port
        }

        let ports = try (0..<28_232).map { _ in try port(to: hosts.b) }

        #expect(ports == Array(32_768...60_999))
        #expect(throws: Errno.addressNotAvailable) { try port(to: hosts.b) }
        #expect(try port(to: hosts.c) == 32_768)
    }

    // MARK: The driver

    @Test func `what a short read left is reported again`() throws {
        var hosts = ThreeHosts(latency: .zero)
        let (client, server) = try hosts.pair()
        hosts.inject(.shortReads(probability: 1))
        try hosts.kernel.setInterest(.readable, in: server, on: hosts.b.id)
        try hosts.send("0123456789", from: client, on: hosts.a)
        hosts.pass(.zero)

        var text = ""
        while hosts.kernel.findReadiness(on: hosts.b.id) {
            var ready: [Readiness] = []
            hosts.kernel.look(on: hosts.b.id, into: &ready)
            #expect(ready == [Readiness(server, .readable)])
            text += try hosts.take(from: server, on: hosts.b)
        }

        #expect(text == "0123456789")
    }

    @Test func `the seed decides in which order descriptors are reported`() throws {
        func order(seed: UInt64) throws -> [Readiness] {
            var kernel = Kernel(random: SeededRandom(seed: seed))
            let host = kernel.addHost(named: "a")
            for _ in 0..<10 {
                let socket = try kernel.open(.ipv4, on: host)
                try kernel.setInterest(.writable, in: socket, on: host)
            }
            var ready: [Readiness] = []
            kernel.look(on: host, into: &ready)
            return ready
        }

        let orders = try (0..<20).map { try order(seed: $0) }

        #expect(Set(orders.map { Set($0) }).count == 1)
        #expect(Set(orders).count > 15)
        #expect(try (0..<20).map { try order(seed: $0) } == orders)
    }

    @Test func `spurious readiness is about a socket that is watched`() throws {
        var hosts = ThreeHosts(latency: .zero)
        let (client, server) = try hosts.pair()
        hosts.inject(.spuriousReadiness(probability: 0.9))
        _ = try hosts.kernel.open(.ipv4, on: hosts.a.id)
        var ready: [Readiness] = []
        for _ in 0..<20 { hosts.kernel.look(on: hosts.a.id, into: &ready) }
        #expect(ready.isEmpty)

        try hosts.kernel.setInterest(.readable, in: client, on: hosts.a.id)
        for _ in 0..<20 { hosts.kernel.look(on: hosts.a.id, into: &ready) }

        #expect(Set(ready) == [Readiness(client, .readable)])
        #expect(hosts.error { try $0.take(from: client, on: $0.a) } == .wouldBlock)
        #expect(hosts.error { try $0.take(from: server, on: $0.b) } == .wouldBlock)
    }

    // MARK: The clock

    @Test(arguments: [0, 1, -1, 500, -500, 999_999, -999_999, 10_000_000] as [Int64])
    func `a clock that drifts shows each instant first when it is said to`(rate: Int64) {
        var clock = HostClock()
        let start = Instant(nanoseconds: 5_000_000_000)
        clock.setRate(partsPerMillion: rate, at: start)
        #expect(clock.reading(at: start) == start)

        var random = SeededRandom(seed: 1)
        for _ in 0..<1_000 {
            let distance = Int64.random(in: 0...1 << Int64.random(in: 0...35), using: &random)
            let instant = Instant(nanoseconds: 5_000_000_000 + distance)
            let world = clock.worldInstant(of: instant)
            #expect(clock.reading(at: world) >= instant)
            #expect(
                world == start
                    || clock.reading(at: world.advanced(by: .nanoseconds(-1))) < instant)
        }
    }

    @Test func `a clock never goes back however it is set`() {
        var clock = HostClock()
        var random = SeededRandom(seed: 2)
        var (now, last) = (Instant(nanoseconds: 0), Instant(nanoseconds: 0))

        for _ in 0..<1_000 {
            now = now.advanced(by: .nanoseconds(random.number(below: 1_000_000_000)))
            #expect(clock.reading(at: now) >= last)
            last = clock.reading(at: now)
            clock.setRate(
                partsPerMillion: Int64(random.number(below: 2_000_000)) - 999_999, at: now)
        }
    }

    @Test func `an hour on a clock that is one thousandth fast is short`() {
        var hosts = ThreeHosts()
        hosts.inject(.clockDrift(partsPerMillion: 1_000), .of(hosts.a))

        hosts.pass(.seconds(1_000))

        #expect(hosts.kernel.now(on: hosts.a.id) == Instant(nanoseconds: 1_001_000_000_000))
        #expect(hosts.kernel.now(on: hosts.b.id) == Instant(nanoseconds: 1_000_000_000_000))
        #expect(hosts.kernel.worldInstant(of: .never, on: hosts.a.id) == .never)
    }

    // MARK: The report

    @Test func `the table of sockets has a line for each`() throws {
        var hosts = ThreeHosts(latency: .milliseconds(10))
        _ = try hosts.listen(on: hosts.c, port: 99)
        let (client, _) = try hosts.pair()
        try hosts.send("hello", from: client, on: hosts.a)
        _ = try hosts.kernel.open(.ipv4, on: hosts.a.id)

        #expect(
            hosts.kernel.socketTable == [
                "a  descriptor 3  established 10.0.0.1:32768 -> 10.0.0.2:80, 0 bytes to read, "
                    + "0 to send, 5 under way",
                "a  descriptor 4  fresh",
                "b  descriptor 4  established 10.0.0.2:80 -> 10.0.0.1:32768, 0 bytes to read, "
                    + "0 to send, 0 under way",
                "c  descriptor 3  listening 10.0.0.3:99, 0 to accept, 0 half open, backlog 16",
            ])
    }
}
