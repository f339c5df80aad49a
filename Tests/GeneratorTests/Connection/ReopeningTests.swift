import Generator
import Glibc
import Statistics
import Syscalls
import TestServers
import Testing

/// Connections that are closed and opened again: nothing of it is hidden, and nothing is lost.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct ReopeningTests {
    /// How many bytes came on each connection, by its number.
    private final class Counts: Sendable {
        let bytes = Guarded<[Int: Int]>([:])
        func echo(_ peer: Peer) {
            bytes.withLock { $0[peer.number] = 0 }
            while case let received = peer.receive(), !received.isEmpty {
                bytes.withLock { $0[peer.number, default: 0] += received.count }
                peer.send(received)
            }
        }
    }

    private static func wasRefused(_ seen: Measurement) -> Bool {
        seen.errors.contains { $0.phase == .connect && $0.errno == "ECONNREFUSED" }
    }

    @Test(arguments: LoadPlan.Close.allCases, [1, 4])
    func `a connection is opened again after its requests`(
        close: LoadPlan.Close, pipeline: Int
    ) throws {
        let counts = Counts()
        let seen = try measure(connections: 3, requests: 120) {
            $0.requestsPerConnection = 5
            $0.pipeline = pipeline
            $0.close = close
        } against: { peer in
            guard close == .server else { return counts.echo(peer) }
            // Closes when it has had five.
            var count = 0
            while count < 320, case let received = peer.receive(), !received.isEmpty {
                peer.send(received)
                count += received.count
            }
            counts.bytes.withLock { $0[peer.number] = count }
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 120)
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
        #expect(seen.connects.reopened == seen.connects.ok - 3)
        #expect(seen.connects.reopened >= 120 / 5 - 3)
        #expect(counts.bytes.withLock { $0.values.allSatisfy { $0 <= 5 * 64 } })
        #expect(seen.ending == .completed)
    }

    @Test func `planned requests are dealt to connections that are opened again`() throws {
        let counts = Counts()
        let seen = try measure(connections: 3, requests: 120) {
            $0.requestsPerConnection = 5
            $0.rate = 10_000
        } against: {
            counts.echo($0)
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 120)
        #expect(seen.connects.reopened >= 120 / 5 - 3)
        #expect(counts.bytes.withLock { $0.values.allSatisfy { $0 <= 5 * 64 } })
    }

    @Test(arguments: LoadPlan.Close.allCases, [nil, 5000])
    func `a request may open a connection of its own`(
        close: LoadPlan.Close, rate: Double?
    ) throws {
        let counts = Counts()
        let seen = try measure(connections: 3, requests: 100) {
            $0.connectsPerRequest = true
            $0.close = close
            $0.rate = rate
        } against: { peer in
            guard close == .server else { return counts.echo(peer) }
            let bytes = peer.receive()
            peer.send(bytes)
            counts.bytes.withLock { $0[peer.number] = bytes.count }
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 100)
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
        // Three of them only showed that the target is there.
        #expect(seen.connects.ok == 103)
        #expect(counts.bytes.withLock { $0.values.allSatisfy { $0 <= 64 } })
        // The connect is part of the response and not of the service.
        #expect(seen.response.answered.count == 100)
        let response = try #require(seen.response.answered.mean)
        let service = try #require(seen.service.answered.mean)
        #expect(response > service)
    }

    @Test func `a connection has an age at which it is opened again`() throws {
        let heard = Guarded<Set<Int>>([])
        let server = try TestServer { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                heard.withLock { _ = $0.insert(peer.number) }
                peer.send(bytes)
            }
        }
        defer { server.stop() }
        var plan = quickPlan(server.address, connections: 2)
        plan.requests = nil
        plan.rate = 100
        plan.arrivals = .const
        plan.lifetime = .milliseconds(20)
        plan.idle = 1
        let run = try LoadRun.start(plan)
        // Four of them have taken the place of one that was older.
        run.wait { _ in heard.withLock { $0.count } == 2 + 4 }
        run.interrupt(signal: SIGINT)
        let seen = run.finish()

        #expect(seen.errors == [])
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.reopened > 3)
        #expect(seen.connects.ok == seen.connects.reopened + 3)
    }

    @Test func `what was lost is replaced when the plan says so, and counted`() throws {
        let seen = try measure(connections: 2, requests: 60) {
            $0.reconnects = true
        } against: { peer in
            for _ in 0..<5 { peer.send(peer.receive()) }
            _ = peer.receive()
            peer.reset()
        }

        #expect(seen.ending == .completed)
        #expect(seen.ledger.scheduled == 60)
        #expect(seen.ledger.isBalanced)
        #expect(seen.ledger.reset >= 9)
        #expect(seen.connects.reopened >= 8)
        #expect(seen.errors.map(\.errno) == ["ECONNRESET"])
        #expect(seen.errors.first?.count == seen.ledger.reset)
    }

    @Test func `a server that closes at once is asked less and less often`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(300)) { limit in
            try measure(connections: 2) {
                $0.requests = nil
                $0.duration = limit
                $0.reconnects = true
            } against: { peer in
                peer.waitForBytes()
            }
        } until: {
            $0.connects.reopened >= 2
        }

        let leastTime = leastTime(forFailures: seen.connects.tried, connections: 2)
        #expect(leastTime <= seen.phases.measured)
        #expect(seen.connects.reopened >= 2)
        #expect(seen.ledger.answered == 0)
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
    }

    @Test func `a server that goes away is waited for until the run is over`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(300)) { limit in
            let server = try TestServer { peer in
                peer.send(peer.receive())
                peer.swallow()
            }
            var plan = quickPlan(server.address, connections: 2)
            plan.reconnects = true
            plan.requests = nil
            plan.duration = limit
            let run = try LoadRun.start(plan)
            run.wait { $0.answered == 2 }
            server.stop()
            return run.finish()
        } until: {
            ReopeningTests.wasRefused($0)
        }

        #expect(seen.ending == .completed)
        #expect(ReopeningTests.wasRefused(seen))
        let leastTime = leastTime(forFailures: seen.connects.tried, connections: 2)
        #expect(leastTime <= seen.phases.measured)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a run that ends with its requests does not wait for ever for a server`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive())
            peer.swallow()
        }
        // More requests than there is time for, so that they are not what ends the run.
        var plan = quickPlan(server.address, requests: 1_000_000, connections: 2)
        plan.reconnects = true
        plan.timeout = .milliseconds(50)
        plan.connectTimeout = .milliseconds(50)
        let run = try LoadRun.start(plan)
        run.wait { $0.phase == .measuring }
        server.stop()
        let seen = run.finish()

        #expect(seen.ending == .allConnectionsLost)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.isBalanced)
    }

    @Test(arguments: [nil, 1000])
    func `a request whose connection cannot be opened was never sent`(rate: Double?) throws {
        let seen = try withGrowingLimit(from: .milliseconds(400)) { limit in
            let server = try TestServer { $0.echo() }
            var plan = quickPlan(server.address, connections: 2)
            plan.connectsPerRequest = true
            plan.rate = rate
            plan.requests = nil
            plan.duration = limit
            plan.drain = .milliseconds(50)
            let run = try LoadRun.start(plan)
            run.wait { $0.answered >= 5 }
            server.stop()
            return run.finish()
        } until: {
            $0.ledger.answered >= 5 && ReopeningTests.wasRefused($0)
        }

        #expect(seen.ledger.answered >= 5)
        #expect(seen.ledger.neverSent > 0)
        #expect(seen.ledger.isBalanced)
        #expect(ReopeningTests.wasRefused(seen))
        let refused = seen.errors.filter { $0.errno == "ECONNREFUSED" }.reduce(0) { $0 + $1.count }
        let leastTime = leastTime(forFailures: refused, connections: 2)
        #expect(leastTime <= seen.phases.measured + seen.phases.drain)
        #expect(seen.connects.isBalanced)
    }
}
