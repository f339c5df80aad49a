import Generator
import Glibc
import TestServers
import Testing

struct InterruptTests {
    private func interrupted(
        _ plan: LoadPlan,
        when isReached: (Progress) -> Bool
    ) throws -> Measurement {
        let run = try LoadRun.start(plan)
        run.wait(until: isReached)
        run.interrupt(signal: SIGINT)
        let seen = run.finish()
        #expect(seen.ending == .interrupted(signal: SIGINT))
        #expect(seen.ledger.isBalanced)
        #expect(seen.connects.isBalanced)
        #expect(seen.errors.isEmpty)
        return seen
    }

    @Test func `while connecting there is nothing to measure`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.connectRate = 0.001
        let seen = try interrupted(plan) { $0.connectionsUp == 1 }

        #expect(seen.connects.tried == 1)
        #expect(seen.ledger == Ledger())
        #expect(seen.phases.measured == 0)
    }

    @Test func `in the warm-up nothing has been measured`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.warmup = .fixed(.seconds(1_000))
        let seen = try interrupted(plan) { $0.phase == .warmup }

        #expect(seen.ledger == Ledger())
        #expect(seen.phases.warmup > 0)
        #expect(seen.phases.measured == 0)
    }

    @Test func `while measuring what was measured until then is kept`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.requests = nil
        plan.duration = .seconds(1_000)
        plan.drain = .seconds(10)
        plan.threads = 2
        let seen = try interrupted(plan) { $0.answered > 0 }

        #expect(seen.ledger.answered > 0)
        #expect(seen.ledger.answered == seen.ledger.scheduled)
        #expect(seen.phases.measured > 0)
    }

    /// A run of a moment against a server that answers when the gate opens, interrupted in its
    /// drain.
    private func interruptedInDrain(
        _ gate: Gate, then act: () -> Void
    ) throws -> Measurement {
        let server = try TestServer { peer in
            gate.wait()
            peer.echo()
        }
        defer {
            gate.open()
            server.stop()
        }
        var plan = quickPlan(server.address)
        plan.requests = nil
        plan.duration = .milliseconds(5)
        plan.drain = .seconds(1_000)
        plan.timeout = .seconds(1_000)
        let run = try LoadRun.start(plan)
        run.wait { $0.phase == .draining }
        run.interrupt(signal: SIGINT)
        act()
        let seen = run.finish()
        #expect(seen.ending == .interrupted(signal: SIGINT))
        #expect(seen.ledger.isBalanced)
        #expect(seen.phases.measured > 0)
        return seen
    }

    @Test func `while draining what still comes is counted`() throws {
        let gate = try Gate()
        let seen = try interruptedInDrain(gate) { gate.open() }

        #expect(seen.ledger.answered == 4)
    }

    @Test func `while draining it does not wait as long as was planned`() throws {
        let seen = try interruptedInDrain(try Gate()) {}

        #expect(seen.ledger.unanswered == 4)
    }

    @Test func `of two signals the first one counts`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.warmup = .fixed(.seconds(1_000))
        let run = try LoadRun.start(plan)
        run.interrupt(signal: SIGTERM)
        run.interrupt(signal: SIGINT)

        #expect(run.finish().ending == .interrupted(signal: SIGTERM))
    }
}
