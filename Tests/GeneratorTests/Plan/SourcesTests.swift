import Syscalls
import Testing

@testable import Generator

/// Local addresses: dealt in turn, and more of them only where the ports do not do.
@Suite struct SourcesTests {
    private func sources(
        connections: Int, idle: Int = 0, target: String = "127.0.0.1:80",
        from source: LoadPlan.Source = .auto, ports: Int = 1000
    ) throws -> Sources {
        var plan = LoadPlan(target: try SocketAddress(target))
        plan.connections = connections
        plan.idle = idle
        plan.source = source
        return Sources(for: plan, ports: 30_000...29_999 + ports)
    }

    private func hosts(_ sources: Sources, of connections: Range<Int>) -> [String] {
        connections.map { sources[sources.place(forConnection: $0)]?.host ?? "kernel" }
    }

    @Test func `while the ports do the kernel chooses`() throws {
        let sources = try sources(connections: 400)

        #expect(sources.count == 1)
        #expect(sources.summary == nil)
        #expect(hosts(sources, of: 0..<3) == ["kernel", "kernel", "kernel"])
    }

    @Test func `on loopback addresses are added when ports run short, with head room`() throws {
        #expect(try sources(connections: 476).count == 1)
        #expect(try sources(connections: 477).count == 2)
        #expect(try sources(connections: 467, idle: 10).count == 2)
        #expect(try sources(connections: 50_000, ports: 28_232).count == 4)
    }

    @Test func `a few connections need no look at the sockets that there are`() throws {
        let texts = [
            "sockets: used 36\nTCP: inuse 11 orphan 2 tw 94 alloc 11 mem 0\n", "TCP6: inuse 5",
        ]

        #expect(Sources.sockets(in: texts) == 110)
        #expect(Sources.sockets(in: ["", "UDP: inuse 1"]) == nil)
        // A little more than twice as many as needed.
        #expect(try sources(connections: 400).wouldDo(withFewerPorts: 160))
        #expect(try !sources(connections: 400).wouldDo(withFewerPorts: 161))
        #expect(try sources(connections: 400).count == 1)
    }

    @Test func `addresses are dealt in turn, the kernel's choice first`() throws {
        let sources = try sources(connections: 1300)

        #expect(
            hosts(sources, of: 0..<6)
                == ["kernel", "127.0.0.2", "127.0.0.3", "kernel", "127.0.0.2", "127.0.0.3"])
    }

    @Test func `what was added is said in numbers`() throws {
        let sources = try sources(connections: 50_000, ports: 28_232)

        #expect(
            sources.summary == "28,232 per source; 50,000 needed -> 127.0.0.1 to 127.0.0.4")
    }

    @Test(arguments: ["10.0.0.1:80", "[::1]:80", "[2001:db8::1]:80"])
    func `elsewhere no address is added`(target: String) throws {
        var sources = try sources(connections: 50_000, target: target)

        #expect(sources.count == 1)
        #expect(sources.place(afterShortageAt: 0) == 0)
        #expect(sources.count == 1)
    }

    @Test func `when ports ran short on loopback there is one more address`() throws {
        var sources = try sources(connections: 10)

        let next = sources.place(afterShortageAt: 0)

        #expect(sources[next]?.host == "127.0.0.2")
        #expect(Set(hosts(sources, of: 0..<4)) == ["kernel", "127.0.0.2"])
    }

    @Test func `shortages have an end and never leave the row`() throws {
        var sources = try sources(connections: 10)
        var place = 0
        for _ in 0..<1000 {
            place = sources.place(afterShortageAt: place)
            #expect((0..<sources.count).contains(place))
        }
        #expect(sources.count == 254)
    }

    @Test func `given addresses are all used and the next one takes over`() throws {
        let given = try ["10.0.0.1:0", "10.0.0.2:0", "10.0.0.3:0"].map { try SocketAddress($0) }
        var sources = try sources(connections: 2, from: .addresses(given))

        #expect(hosts(sources, of: 0..<4) == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1"])
        let next = sources.place(afterShortageAt: 2)
        #expect(sources[next]?.host == "10.0.0.1")
        // Who comes next begins elsewhere.
        #expect(hosts(sources, of: 0..<3) == ["10.0.0.2", "10.0.0.3", "10.0.0.1"])
        #expect(sources.summary == nil)
    }

    @Test func `no addresses at all leave the choice to the kernel`() throws {
        let sources = try sources(connections: 2, from: .addresses([]))

        #expect(sources[sources.place(forConnection: 1)] == nil)
    }
}
