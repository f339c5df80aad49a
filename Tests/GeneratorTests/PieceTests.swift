import Generator
import Syscalls
import TestServers
import Testing

/// Requests in pieces, and connections that read slowly.
@Suite(.timeLimit(.minutes(10))) struct PieceTests {
    @Test(arguments: LoadPlan.Split.allCases, [nil, 5000])
    func `a request in pieces is answered all the same`(
        split: LoadPlan.Split, rate: Double?
    ) throws {
        let pieces = Guarded(0)
        let seen = try measure(connections: 2, requests: 60) {
            $0.split = split
            $0.rate = rate
            $0.size = .uniform(1...300)
            $0.drain = .seconds(30)
        } against: { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                pieces.withLock { $0 += 1 }
                peer.send(bytes)
            }
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 60)
        #expect(seen.bytes.in == seen.bytes.out)
        #expect(seen.bytes.verified == seen.bytes.out)
        // How many of them the network puts together again is its business.
        if split == .bytes { #expect(pieces.withLock { $0 } > 60) }
    }

    @Test func `one byte cannot be halved`() throws {
        let seen = try measure(requests: 40) {
            $0.split = .half
            $0.size = .fixed(1)
        } against: {
            $0.echo()
        }

        #expect(seen.ledger.answered == 40)
    }

    @Test(arguments: [nil, 2000])
    func `slow readers keep their rate and are counted apart`(rate: Double?) throws {
        let seen = try measure(connections: 4) {
            $0.requests = nil
            $0.duration = .milliseconds(300)
            $0.drain = .milliseconds(10)
            $0.slowRead = LoadPlan.SlowRead(rate: 6400, share: 0.25)
            $0.rate = rate
        } against: {
            $0.echo()
        }

        let slow = seen.slowReaders.answered.count
        #expect(slow > 0)
        #expect(seen.response.answered.count + slow == seen.ledger.answered)
        // One connection of four; and the first slice, and the one of the last look.
        let seconds = seen.phases.measured + seen.phases.drain
        #expect(Double(slow * 64) <= 6400 * seconds + 2 * 640 + 64)
        // Who is slow on purpose is nobody's victim.
        #expect(seen.served.connections == 3)
        #expect(seen.errors == [])
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a slow reader makes the server wait and nobody else`() throws {
        let seen = try measure(connections: 2) {
            $0.requests = nil
            $0.duration = .milliseconds(200)
            $0.size = .fixed(1 << 22)
            $0.slowRead = LoadPlan.SlowRead(rate: 100_000, share: 0.5)
            $0.timeout = .milliseconds(50)
        } against: {
            $0.echo()
        }

        // It is slow on purpose: that is no timeout.
        #expect(seen.errors.filter { $0.exampleConnection == 0 } == [])
        #expect(seen.slowReaders.censored.count == 1)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a slow reader that gets nothing times out as any other`() throws {
        let seen = try measure(connections: 2, requests: 100) {
            $0.slowRead = LoadPlan.SlowRead(rate: 1e6, share: 1)
            $0.timeout = .milliseconds(30)
        } against: {
            $0.swallow()
        }

        #expect(seen.ledger.timedOut == 2)
        #expect(seen.slowReaders.censored.count == 2)
        #expect(seen.ending == .allConnectionsLost)
    }
}
