import Generator
import Glibc
import Syscalls
import TestServers
import Testing

/// Where connections come from, and what happens when there are no ports.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct LocalAddressTests {
    /// An address of this machine with a port that is free: it makes one connection at a time.
    private func onePort(on host: String) throws -> SocketAddress {
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET))
        try socket.raw.bind(to: SocketAddress("\(host):0"))
        return try socket.raw.localAddress()
    }

    private func names(_ seen: Measurement) -> [String] {
        seen.errors.map { "\($0.phase.rawValue) \($0.errno)" }
    }

    @Test func `connections come from the addresses in turn`() throws {
        let hosts = Guarded<[String]>([])
        let addresses = try ["127.0.0.2:0", "127.0.0.3:0"].map { try SocketAddress($0) }
        let seen = try measure(connections: 4) {
            $0.source = .addresses(addresses)
        } against: { peer in
            let host = try? peer.socket.remoteAddress().host
            hosts.withLock { $0.append(host ?? "") }
            peer.echo()
        }

        #expect(seen.ledger.answered == 200)
        #expect(
            hosts.withLock { $0.sorted() }
                == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"])
    }

    @Test func `an address of another machine ends the run with its name`() throws {
        let address = try SocketAddress("192.0.2.1:0")
        let seen = try measure {
            $0.source = .addresses([address])
        } against: {
            $0.echo()
        }

        #expect(seen.ending == .connectFailed)
        #expect(names(seen) == ["socket EADDRNOTAVAIL"])
        #expect(seen.connects.isBalanced)
    }

    @Test func `when one address has no port the next one has`() throws {
        let addresses = [try onePort(on: "127.0.0.2"), try SocketAddress("127.0.0.3:0")]
        let seen = try measure(connections: 3) {
            $0.source = .addresses(addresses)
        } against: {
            $0.echo()
        }

        #expect(seen.ending == .completed)
        #expect(seen.ledger.answered == 200)
        #expect(seen.connects.ok == 3)
        #expect(seen.connects.tried == 4)
        #expect(seen.connects.portShortages == 1)
        #expect(seen.connects.isBalanced)
        #expect(names(seen) == ["socket EADDRINUSE"])
    }

    @Test func `a port that was reset is free at once`() throws {
        let address = try onePort(on: "127.0.0.2")
        let seen = try measure(connections: 1, requests: 20) {
            $0.source = .addresses([address])
            $0.requestsPerConnection = 5
            $0.close = .rst
        } against: {
            $0.echo()
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 20)
        #expect(seen.connects.reopened >= 3)
    }

    @Test func `a port that lingers is asked for less and less often`() throws {
        let address = try onePort(on: "127.0.0.2")
        let seen = try withGrowingLimit(from: .milliseconds(300)) { limit in
            try measure(connections: 1) {
                $0.source = .addresses([address])
                $0.requestsPerConnection = 5
                $0.requests = nil
                $0.duration = limit
            } against: {
                $0.echo()
            }
        } until: {
            $0.connects.failed > 0
        }

        #expect(names(seen) == ["socket EADDRINUSE"])
        #expect(seen.ledger.answered == 5)
        #expect(leastTime(forFailures: seen.connects.failed) <= seen.phases.measured)
        #expect(seen.connects.failed == seen.connects.tried - 1)
        #expect(seen.connects.isBalanced)
        #expect(seen.ending == .completed)
    }

    @Test func `a connection that met itself is none`() throws {
        // Nobody listens, and our end gets the port that it asks for.
        let address = try onePort(on: "127.0.0.1")
        var plan = quickPlan(address, connections: 1)
        plan.source = .addresses([address])
        let seen = try LoadRun.start(plan).finish()

        #expect(seen.connects.selfConnects == 1)
        #expect(seen.connects.ok == 0)
        #expect(seen.ending == .connectFailed)
        #expect(names(seen) == ["connect ECONNREFUSED"])
        #expect(seen.connects.isBalanced)
    }
}
