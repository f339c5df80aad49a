import Generator
import Glibc
import Statistics
import Syscalls
import TestServers
import Testing

/// Connections that are closed and opened again: nothing of it is hidden, and nothing is lost.
@Suite(.timeLimit(.minutes(10))) struct ReopeningTests {
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

    @Test(arguments: LoadPlan.Close.allCases, [1, 4])
    func `a connection is opened again after its requests`(
        close: LoadPlan.Close, pipeline: Int
    ) throws {
        let counts = Counts()
        let seen = try measure(connections: 3, requests: 120) {
            $0.requestsPerConnection = 5
            $0.pipeline = pipeline
            $0.close = close
            $0.drain = .seconds(10)
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
            $0.drain = .seconds(10)
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
            $0.drain = .seconds(10)
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
        // By their planned times the requests take half a second.
        let seen = try measure(connections: 2, requests: 50) {
            $0.rate = 100
            $0.arrivals = .const
            $0.lifetime = .milliseconds(20)
            $0.idle = 1
        } against: {
            $0.echo()
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 50)
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
        let seen = try measure(connections: 2) {
            $0.requests = nil
            $0.duration = .milliseconds(300)
            $0.reconnects = true
        } against: { peer in
            peer.waitForBytes()
        }

        // The pauses are 1, 2, 4 ... ms: nine of them are longer than the run.
        #expect(seen.connects.tried <= 2 * 10)
        #expect(seen.connects.reopened >= 2)
        #expect(seen.ledger.answered == 0)
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
    }

    @Test func `a server that goes away is waited for until the run is over`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive())
            peer.swallow()
        }
        var plan = quickPlan(server.address, connections: 2)
        plan.reconnects = true
        plan.requests = nil
        plan.duration = .milliseconds(300)
        let run = try LoadRun.start(plan)
        run.wait { $0.answered == 2 }
        server.stop()
        let seen = run.finish()

        #expect(seen.ending == .completed)
        #expect(seen.errors.contains { $0.phase == .connect && $0.errno == "ECONNREFUSED" })
        #expect(seen.connects.tried <= 2 * 11)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.isBalanced)
    }

    @Test func `a run that ends with its requests does not wait for ever for a server`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive())
            peer.swallow()
        }
        var plan = quickPlan(server.address, connections: 2)
        plan.reconnects = true
        plan.timeout = .milliseconds(50)
        plan.connectTimeout = .milliseconds(50)
        let run = try LoadRun.start(plan)
        run.wait { $0.answered == 2 }
        server.stop()
        let seen = run.finish()

        #expect(seen.ending == .allConnectionsLost)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.isBalanced)
    }

    @Test(arguments: [nil, 1000])
    func `a request whose connection cannot be opened was never sent`(rate: Double?) throws {
        let server = try TestServer { $0.echo() }
        var plan = quickPlan(server.address, connections: 2)
        plan.connectsPerRequest = true
        plan.rate = rate
        plan.requests = nil
        plan.duration = .milliseconds(400)
        let run = try LoadRun.start(plan)
        run.wait { $0.answered >= 5 }
        server.stop()
        let seen = run.finish()

        #expect(seen.ledger.answered >= 5)
        #expect(seen.ledger.neverSent > 0)
        #expect(seen.ledger.isBalanced)
        #expect(seen.errors.contains { $0.phase == .connect && $0.errno == "ECONNREFUSED" })
        // The pauses double: ten of them are longer than the run.
        let refused = seen.errors.filter { $0.errno == "ECONNREFUSED" }.reduce(0) { $0 + $1.count }
        #expect(refused <= 2 * 10)
        #expect(seen.connects.isBalanced)
    }
}
