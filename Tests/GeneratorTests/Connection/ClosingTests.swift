import Generator
import Glibc
import Syscalls
import TestServers
import Testing

/// How connections are closed, as the server sees it, and what is said of a server that does not
/// close.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct ClosingTests {
    /// Echoes until the end; says how that came: "eof" or "ECONNRESET".
    private static func echoUntilEnd(_ peer: Peer) -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            do throws(Errno) {
                let count = try retrying { recv(peer.socket.number, &bytes, bytes.count, 0) }
                if count == 0 { return "eof" }
                peer.send(Array(bytes.prefix(count)))
            } catch {
                return error.name
            }
        }
    }

    @Test(arguments: [LoadPlan.Close.fin, .half, .rst], [nil, 3])
    func `the server sees the end that the plan names`(
        close: LoadPlan.Close, requestsPerConnection: Int?
    ) throws {
        let ends = Guarded<[String]>([])
        let server = try TestServer { peer in
            let end = ClosingTests.echoUntilEnd(peer)
            ends.withLock { $0.append(end) }
        }
        var plan = quickPlan(server.address, requests: 30, connections: 2)
        plan.close = close
        plan.requestsPerConnection = requestsPerConnection
        let seen = try LoadRun.start(plan).finish()
        server.waitForPeers(seen.connects.ok)
        server.stop()

        let expected = close == .rst ? "ECONNRESET" : "eof"
        #expect(ends.withLock { $0.count } == seen.connects.ok)
        #expect(ends.withLock { $0.allSatisfy { $0 == expected } })
        #expect(seen.ledger.answered == 30)
        #expect(seen.ledger.isBalanced)
        #expect(seen.errors == [])
    }

    @Test(arguments: [LoadPlan.Close.half, .server])
    func `a server that does not close is named`(close: LoadPlan.Close) throws {
        // The answers have to come within the limit, and the end of the stream never does.
        let seen = try withGrowingLimit(from: .milliseconds(100)) { limit in
            try measure(connections: 2, requests: 4) {
                $0.close = close
                $0.requestsPerConnection = 2
                $0.timeout = limit
            } against: { peer in
                peer.echo()
                peer.waitForEnd()
            }
        } until: {
            $0.ledger.answered == 4
        }

        #expect(seen.ledger.answered == 4)
        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == ["close no_eof"])
        #expect(try #require(seen.errors.first).count >= 2)
        #expect(seen.sawWrongBytes == false)
    }

    @Test func `a byte behind the end of the requests is found`() throws {
        let seen = try measure(connections: 2, requests: 4) {
            $0.close = .half
        } against: { peer in
            peer.echo()
            peer.send([0x2a])
        }

        #expect(seen.ledger.answered == 4)
        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == ["verify surplus"])
        #expect(seen.corruptions.count == 2)
        #expect(seen.corruptions.allSatisfy { $0.got == [0x2a] && $0.expected.isEmpty })
        #expect(seen.sawWrongBytes)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a reset instead of an end is an error of closing`() throws {
        let seen = try measure(connections: 2, requests: 4) {
            $0.close = .half
        } against: { peer in
            peer.echo()
            peer.reset()
        }

        #expect(seen.ledger.answered == 4)
        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == ["close ECONNRESET"])
    }
}
