import Generator
import Syscalls
import TestServers
import Testing

/// Servers that do not echo: each has an error of its own, and the ledger balances for all of them.
struct LyingServerTests {
    private func row(
        _ seen: Measurement,
        _ phase: ErrorRow.Phase,
        _ name: String
    ) -> ErrorRow? {
        seen.errors.first { $0.phase == phase && $0.errno == name }
    }

    @Test func `a flipped bit is found where it is`() throws {
        let seen = try measure(connections: 1, requests: 100) {
            $0.size = .fixed(1_000)
            $0.pipeline = 4
        } against: { peer in
            var offset = 0
            while case var bytes = peer.receive(), !bytes.isEmpty {
                if (offset..<offset + bytes.count).contains(12_345) { bytes[12_345 - offset] ^= 1 }
                offset += bytes.count
                peer.send(bytes)
            }
        }

        let corruption = try #require(seen.corruptions.first)
        #expect(corruption.connection == 0)
        #expect(corruption.offset == 12_345)
        #expect((1...16).contains(corruption.got.count))
        #expect(corruption.expected[0] ^ 1 == corruption.got[0])
        #expect(corruption.expected.dropFirst().prefix(3) == corruption.got.dropFirst().prefix(3))
        #expect(row(seen, .verify, "mismatch")?.count == 1)
        #expect(seen.ledger.answered == 12)
        #expect((1...4).contains(seen.ledger.corrupt))
        #expect(seen.ledger.isBalanced)
        #expect(seen.sawWrongBytes)
        #expect(seen.ending == .allConnectionsLost)
    }

    @Test func `a byte too many makes its request corrupt`() throws {
        let seen = try measure(connections: 1, requests: 100) { _ in
        } against: { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                peer.send(bytes + [0x2a, 0x2b])
            }
        }

        let corruption = try #require(seen.corruptions.first)
        #expect(corruption.expected.isEmpty)
        #expect(corruption.got == [0x2a, 0x2b])
        #expect(corruption.offset == 64)
        #expect(row(seen, .verify, "surplus")?.count == 1)
        #expect(seen.bytes.surplus == 2)
        #expect(seen.ledger.corrupt == 1)
        #expect(seen.ledger.answered == 0)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a server that answers four times is not four times as fast`() throws {
        let seen = try measure(connections: 3, requests: 90) { _ in
        } against: { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                peer.send(bytes + bytes + bytes + bytes)
            }
        }
        #expect(seen.ledger.answered == 0)
        #expect(seen.ledger.corrupt == 3)
        #expect(seen.corruptions.count == 3)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a surplus byte behind the last answer is found at the end`() throws {
        let late = try Gate()
        let server = try TestServer { peer in
            peer.send(peer.receive())
            late.wait()
            peer.send([1])
            late.open()
            peer.swallow()
        }
        defer { server.stop() }
        let plan = quickPlan(server.address, requests: 2, connections: 2)
        let run = try LoadRun.start(plan)
        late.open()
        let seen = run.finish()

        // Whether it comes before or after the last look is the network's business; it must not be
        // silent.
        #expect(seen.ledger.isBalanced)
        #expect(seen.bytes.surplus == seen.corruptions.count)
    }

    @Test func `an early end of the stream is closed early`() throws {
        let seen = try measure(connections: 2, requests: 100) { _ in
        } against: { peer in
            for _ in 0..<5 { peer.send(peer.receive()) }
            _ = peer.receive()
        }
        #expect(seen.ledger.answered == 10)
        #expect(seen.ledger.closedEarly == 2)
        #expect(seen.ledger.isBalanced)
        #expect(row(seen, .read, "eof")?.count == 2)
        #expect(seen.ending == .allConnectionsLost)
    }

    @Test func `a reset is counted with its error number`() throws {
        let seen = try measure(connections: 2, requests: 100) { _ in
        } against: { peer in
            for _ in 0..<5 { peer.send(peer.receive()) }
            _ = peer.receive()
            peer.reset()
        }
        #expect(seen.ledger.answered == 10)
        #expect(seen.ledger.reset == 2)
        #expect(seen.ledger.isBalanced)
        #expect(row(seen, .read, "ECONNRESET")?.count == 2)
        #expect(seen.timeline.columns.reduce(0) { $0 + $1.kinds[.broken] } == 2)
        #expect(seen.ending == .allConnectionsLost)
    }

    @Test func `what is never answered times out and its connection is given up`() throws {
        let seen = try measure(connections: 3, requests: 100) {
            $0.timeout = .milliseconds(20)
            $0.pipeline = 2
        } against: {
            $0.swallow()
        }
        #expect(seen.ledger.timedOut == 6)
        #expect(seen.ledger.scheduled == 6)
        #expect(seen.ledger.isBalanced)
        #expect(row(seen, .read, "timeout")?.count == 3)
        #expect(seen.ending == .allConnectionsLost)
    }

    @Test func `what is not answered at the end is unanswered`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(10)) { limit in
            try measure(connections: 3) {
                $0.requests = nil
                $0.duration = limit
                $0.drain = .milliseconds(10)
            } against: {
                $0.swallow()
            }
        } until: {
            $0.ledger.scheduled == 3
        }
        #expect(seen.ledger.scheduled == 3)
        #expect(seen.ledger.unanswered == 3)
        #expect(seen.ledger.isBalanced)
        #expect(seen.ending == .completed)
    }

    @Test func `half an answer is no answer`() throws {
        let seen = try measure(connections: 1, requests: 10) { _ in
        } against: { peer in
            peer.send(Array(peer.receive().prefix(32)))
        }
        #expect(seen.ledger.scheduled == 1)
        #expect(seen.ledger.closedEarly == 1)
        #expect(seen.bytes.in == 32)
        #expect(seen.shortReads == 1)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `bytes of another connection are noticed`() throws {
        let seen = try measure(
            connections: 2, requests: 20, against: try Lie.crossed.behaviour())

        #expect(seen.ledger.corrupt == 2)
        #expect(seen.corruptions.map(\.offset) == [0, 0])
        #expect(seen.ledger.isBalanced)
    }

    @Test func `one bad connection does not end the others`() throws {
        let seen = try measure(connections: 4, requests: 400) { _ in
        } against: { peer in
            if peer.number == 0 { return peer.send([9]) }
            peer.echo()
        }
        #expect(seen.ledger.isBalanced)
        #expect(seen.ending == .completed || seen.ending == .connectFailed)
        #expect(seen.corruptions.count <= 1)
    }

    @Test func `a byte before the first request is wrong, whoever is faster`() throws {
        let seen = try measure(connections: 1, requests: 10) { _ in
        } against: { peer in
            peer.send([7])
            peer.swallow()
        }
        let corruption = try #require(seen.corruptions.first)
        #expect(corruption.offset == 0)
        #expect(corruption.got == [7])
        #expect(seen.sawWrongBytes)
        #expect(seen.ledger.isBalanced)
    }
}
