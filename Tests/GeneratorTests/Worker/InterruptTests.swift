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

    /// Half a thousand million requests are planned in each second: counted one by one, those that
    /// were never sent would take as long again.
    @Test(.timeLimit(.minutes(10)))
    func `at a rate that nothing can make the end is no further away`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.requests = nil
        plan.duration = .seconds(100_000)
        plan.rate = 5e8
        plan.drain = .zero
        let run = try LoadRun.start(plan)
        run.wait { $0.answered > 100 }
        run.interrupt(signal: SIGINT)
        let seen = run.finish()

        #expect(seen.ledger.isBalanced)
        #expect(seen.ledger.neverSent > 100_000)
        #expect(seen.response.censored.count >= seen.ledger.neverSent)
    }

    @Test func `while measuring what was measured until then is kept`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.requests = nil
        plan.duration = .seconds(1_000)
        plan.threads = 2
        let seen = try interrupted(plan) { $0.answered > 0 }

        #expect(seen.ledger.answered > 0)
        // What is under way has a second to come, which a busy machine may use up.
        #expect(seen.ledger.failed == seen.ledger.unanswered)
        #expect(seen.phases.measured > 0)
    }

    /// A run of a moment against a server that answers when the gate opens, and on its last
    /// connection when the last gate does; `act` begins in the drain.
    private func measureInDrain(_ act: (LoadRun, Gate, _ last: Gate) -> Void) throws -> Measurement
    {
        // Every request has to be sent before the moment is over.
        try withGrowingLimit(from: .milliseconds(5)) { moment in
            let (gate, last) = (try Gate(), try Gate())
            let server = try TestServer { peer in
                (peer.number == 3 ? last : gate).wait()
                peer.echo()
            }
            defer {
                gate.open()
                last.open()
                server.stop()
            }
            var plan = quickPlan(server.address)
            plan.requests = nil
            plan.duration = moment
            let run = try LoadRun.start(plan)
            run.wait { $0.phase == .draining }
            act(run, gate, last)
            return run.finish()
        } until: {
            $0.ledger.scheduled == 4
        }
    }

    @Test func `while draining what has come is counted and what has not is given up`() throws {
        let seen = try measureInDrain { run, gate, _ in
            gate.open()
            run.wait { $0.answered == 3 }
            run.interrupt(signal: SIGINT)
        }

        #expect(seen.ending == .interrupted(signal: SIGINT))
        #expect(seen.ledger.answered == 3)
        #expect(seen.ledger.unanswered == 1)
        #expect(seen.ledger.isBalanced)
        #expect(seen.phases.measured > 0)
    }

    @Test func `what comes soon after the interrupt is counted, too`() throws {
        var seen = Measurement()
        // It has a second, which a busy machine may use up: then it is asked again.
        for _ in 0..<20 where seen.ledger.answered < 4 {
            seen = try measureInDrain { run, gate, last in
                run.interrupt(signal: SIGINT)
                gate.open()
                last.open()
            }
        }

        #expect(seen.ending == .interrupted(signal: SIGINT))
        #expect(seen.ledger.answered == 4)
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
