import Generator
import Syscalls
import TestServers
import Testing

/// Connections that are there and say nothing, beside those that do.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct SilentConnectionTests {
    /// Echoes, and before the first answer does something with the connections that are silent.
    private func measureSilent(
        rate: Double? = nil, verification: LoadPlan.Verification = .full,
        _ disturb: @escaping @Sendable (Peer) -> Void
    ) throws -> Measurement {
        let silent = Guarded<[Int: Peer]>([:])
        // Five are to come and two of them to speak: who has said nothing then remains silent.
        let awaited = Guarded(5 + 2)
        let gate = try Gate()
        @Sendable func tick() {
            let left = awaited.withLock { awaited in
                awaited -= 1
                return awaited
            }
            guard left == 0 else { return }
            silent.withLock { $0.values.forEach(disturb) }
            gate.open()
        }
        return try measure(connections: 2, requests: 500) {
            $0.idle = 3
            $0.threads = 2
            $0.rate = rate
            $0.verification = verification
        } against: { peer in
            silent.withLock { $0[peer.number] = peer }
            tick()
            while case let bytes = peer.receive(), !bytes.isEmpty {
                if silent.withLock({ $0.removeValue(forKey: peer.number) }) != nil {
                    tick()
                    gate.wait()
                }
                peer.send(bytes)
            }
        }
    }

    @Test(arguments: [nil, 20_000])
    func `silent connections are up and get no request`(rate: Double?) throws {
        let heard = Guarded<Set<Int>>([])
        let seen = try measure(connections: 2, requests: 100) {
            $0.idle = 3
            $0.rate = rate
        } against: { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                heard.withLock { _ = $0.insert(peer.number) }
                peer.send(bytes)
            }
        }

        #expect(seen.connects.ok == 5)
        #expect(seen.served.connections == 2)
        #expect(heard.withLock { $0.count } == 2)
        #expect(seen.ledger.answered == 100)
        #expect(seen.errors == [])
    }

    @Test func `the end of a silent connection is noticed and ends nothing else`() throws {
        let seen = try measureSilent { $0.hangUp() }

        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == ["read eof"])
        #expect(seen.errors.first?.count == 3)
        #expect(seen.ledger.answered == 500)
        #expect(seen.ending == .completed)
    }

    @Test(arguments: [nil, 20_000], LoadPlan.Verification.allCases)
    func `a byte on a silent connection is one too many`(
        rate: Double?, verification: LoadPlan.Verification
    ) throws {
        let seen = try measureSilent(rate: rate, verification: verification) {
            $0.send([1, 2, 3])
        }

        #expect(seen.bytes.surplus == 9)
        let errors = seen.errors.map { "\($0.phase.rawValue) \($0.errno)" }
        #expect(errors == (verification == .full ? ["verify surplus"] : []))
        #expect(seen.ledger.answered == 500)
        #expect(seen.ledger.isBalanced)
    }
}
