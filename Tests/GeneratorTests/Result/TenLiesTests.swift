import Generator
import Syscalls
import TestServers
import Testing

/// Ten servers that do not echo: each has an error of its own, and words for its wrong bytes.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct TenLiesTests {
    private func measure(_ lie: Lie, connections: Int = 2) throws -> Measurement {
        // Half of an answer has to come before the limit runs out.
        return try withGrowingLimit(from: lie.timeout) { limit in
            let server = try TestServer(lie.behaviour())
            defer { server.stop() }
            var plan = quickPlan(server.address, requests: 1000, connections: connections)
            plan.size = .fixed(lie.size)
            plan.timeout = limit
            return try LoadRun.start(plan).finish()
        } until: { seen in
            lie != .half || seen.errors.allSatisfy { $0.errno == "incomplete" }
        }
    }

    @Test(arguments: Lie.allCases)
    func `a lie has a name of its own, and only that`(lie: Lie) throws {
        let seen = try measure(lie)

        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == [lie.error])
        #expect(seen.errors.map(\.count) == [2])
        #expect(seen.ending == .allConnectionsLost)
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.failed == 2)
    }

    @Test(arguments: Lie.allCases)
    func `wrong bytes are described, and missing ones are not`(lie: Lie) throws {
        let seen = try measure(lie)

        #expect(seen.sawWrongBytes == (lie.diagnosis != nil))
        #expect(seen.corruptions.count == (lie.diagnosis == nil ? 0 : 2))
        for corruption in seen.corruptions {
            #expect(corruption.diagnosis.contains(lie.diagnosis ?? "-"), "\(corruption)")
        }
    }

    @Test func `the place of a wrong byte is exact`() throws {
        #expect(try measure(.flipped).corruptions.map(\.offset) == [1_000_000, 1_000_000])
        #expect(try measure(.shifted).corruptions.map(\.offset) == [5000, 5000])
    }

    @Test func `crossed connections name each other`() throws {
        let seen = try measure(.crossed)

        let names = seen.corruptions.map { "\($0.connection): \($0.diagnosis)" }
        #expect(
            names.sorted() == ["0: bytes of connection 1", "1: bytes of connection 0"])
    }

    @Test func `a lie is found among honest connections`() throws {
        let seen = try measure(.crossed, connections: 8)

        #expect(seen.ledger.corrupt == 2)
        #expect(seen.ledger.answered == 998)
        #expect(seen.ending == .completed)
    }
}
