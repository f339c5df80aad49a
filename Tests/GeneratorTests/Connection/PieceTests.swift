import Generator
import Syscalls
import TestServers
import Testing

/// Requests in pieces, and connections that read slowly.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct PieceTests {
    @Test(arguments: LoadPlan.Split.allCases, [nil, 5000])
    func `a request in pieces is answered all the same`(
        split: LoadPlan.Split, rate: Double?
    ) throws {
        let seen = try measure(connections: 2, requests: 60) {
            $0.split = split
            $0.rate = rate
            $0.size = .uniform(1...300)
        } against: {
            $0.echo()
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 60)
        #expect(seen.bytes.in == seen.bytes.out)
        #expect(seen.bytes.verified == seen.bytes.out)
    }

    @Test(arguments: LoadPlan.Split.allCases.filter { $0 != .none })
    func `a request arrives in pieces`(split: LoadPlan.Split) throws {
        let pieces = Guarded(0)
        // A server that comes late finds the pieces put together again: then it is asked again.
        for _ in 0..<20 where pieces.withLock({ $0 }) <= 60 {
            pieces.withLock { $0 = 0 }
            _ = try measure(connections: 2, requests: 60) {
                $0.split = split
                $0.size = .fixed(300)
            } against: { peer in
                while case let bytes = peer.receive(), !bytes.isEmpty {
                    pieces.withLock { $0 += 1 }
                    peer.send(bytes)
                }
            }
        }

        #expect(pieces.withLock { $0 } > 60)
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
        let seen = try withGrowingLimit(from: .milliseconds(300)) { limit in
            try measure(connections: 4) {
                $0.requests = nil
                $0.duration = limit
                $0.drain = .milliseconds(10)
                $0.slowRead = LoadPlan.SlowRead(rate: 6400, share: 0.25)
                $0.rate = rate
            } against: {
                $0.echo()
            }
        } until: {
            $0.slowReaders.answered.count > 0
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
        // The server must not let the reader wait as long as the limit.
        let seen = try withGrowingLimit(from: .milliseconds(50)) { limit in
            try measure(connections: 2) {
                $0.requests = nil
                $0.duration = limit * 4
                $0.drain = .milliseconds(50)
                $0.size = .fixed(1 << 22)
                $0.slowRead = LoadPlan.SlowRead(rate: 10_000, share: 0.5)
                $0.timeout = limit
            } against: {
                $0.echo()
            }
        } until: { seen in
            seen.slowReaders.censored.count == 1
                && !seen.errors.contains { $0.exampleConnection == 0 }
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
