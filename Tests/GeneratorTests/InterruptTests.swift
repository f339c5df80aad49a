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

    @Test func `while draining the run has been complete already`() throws {
        let gate = try Gate()
        let server = try TestServer { peer in
            gate.wait()
            peer.echo()
        }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.requests = nil
        plan.duration = .milliseconds(5)
        plan.drain = .seconds(1_000)
        plan.timeout = .seconds(1_000)
        let run = try LoadRun.start(plan)
        run.wait { $0.phase == .draining }
        run.interrupt(signal: SIGINT)
        gate.open()
        let seen = run.finish()

        #expect(seen.ending == .completed)
        #expect(seen.ledger.answered == seen.ledger.scheduled)
        #expect(seen.ledger.isBalanced)
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
