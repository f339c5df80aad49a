import Drivers
import Glibc
import Statistics
import Syscalls
import TestServers
import Testing

@testable import Generator

/// What moved inside the measured time, beside what was planned in it.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct WindowTests {
    /// Runs a plan against a server that answers from the moment on at which a phase is reached.
    private func measure(
        _ plan: (SocketAddress) -> LoadPlan, answering phase: Progress.Phase
    ) throws -> Measurement {
        let gate = try Gate()
        let server = try TestServer { peer in
            gate.wait()
            peer.echo()
        }
        defer {
            gate.open()
            server.stop()
        }
        let run = try LoadRun.start(plan(server.address))
        while !run.isFinished, run.phase.0 != phase { run.waitAMoment() }
        gate.open()
        return run.finish()
    }

    @Test(arguments: [nil, 500.0])
    func `what is answered after the measured time is no part of its rate`(rate: Double?) throws {
        let seen = try measure(
            {
                var plan = quickPlan($0)
                plan.requests = nil
                plan.duration = .milliseconds(100)
                plan.rate = rate
                return plan
            }, answering: .draining)

        #expect(seen.ledger.answered > 0)
        #expect(seen.answeredInWindow == 0)
        #expect(seen.rate == 0)
        #expect(seen.offeredRate > 0)
        #expect(seen.wasAnswered)
        #expect(seen.serverCPUPerRequest == nil)
    }

    @Test func `what was planned before the measured time and answered in it is part of its rate`()
        throws
    {
        // Long enough that the answers come in it, on a slow machine too.
        let seen = try withGrowingLimit(from: .milliseconds(100)) { limit in
            try measure(
                {
                    var plan = quickPlan($0, connections: 4)
                    plan.requests = nil
                    plan.warmup = .fixed(.milliseconds(50))
                    plan.duration = limit
                    return plan
                }, answering: .measuring)
        } until: {
            $0.answeredInWindow > $0.ledger.answered
        }

        // Each connection had one on its way when measuring began.
        #expect(seen.answeredInWindow > seen.ledger.answered - 4)
        #expect(seen.warmup.answered.count >= 4)
        #expect(seen.rate > 0)
    }

    @Test func `when the server answered last is known`() throws {
        let seen = try measureDying()

        let last = try #require(seen.phases.lastAnswer)
        #expect(last <= seen.phases.beforeMeasuring + seen.phases.measured)
        #expect(seen.ledger.unanswered == 4)
        #expect(seen.failures == 4)
    }

    private func measureDying() throws -> Measurement {
        let server = try TestServer { peer in
            for _ in 0..<5 { peer.send(peer.receive()) }
            peer.swallow()
        }
        defer { server.stop() }
        var plan = quickPlan(server.address, connections: 4)
        plan.requests = nil
        plan.duration = .milliseconds(300)
        plan.drain = .milliseconds(10)
        return try LoadRun.start(plan).finish()
    }

    /// Waits as often as it is told, and then no more.
    private final class FailingDriver: Driver {
        private let driver: PollDriver
        private var waits: Int

        init(waits: Int) throws {
            driver = try PollDriver()
            self.waits = waits
        }

        var now: Instant { driver.now }

        func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
            try driver.setInterest(interest, in: descriptor)
        }

        func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
            waits -= 1
            if waits < 0 { throw .outOfMemory }
            try driver.wait(until: deadline, into: &ready)
        }

        func wake() { driver.wake() }
    }

    @Test func `a thread that cannot go on ends the run of all`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address, connections: 2)
        plan.requests = nil
        plan.duration = .ample
        plan.threads = 2
        plan.drain = .zero
        let state = try RunState(plan: plan, workers: 2)
        let other = Guarded<WorkerResult?>(nil)
        let thread = try RunningThread.start {
            do {
                let result = try Worker.make(state: state, index: 1, driver: PollDriver()).run()
                other.withLock { $0 = result }
            } catch {
                // A worker that could not be made has no result, which the test then finds.
            }
        }
        let first = try Worker.make(state: state, index: 0, driver: FailingDriver(waits: 1000))
            .run()
        thread.join()

        let second = try #require(other.withLock { $0 })
        #expect(first.tally.totals.errors.map(\.errno) == ["ENOMEM"])
        #expect(second.wasInterrupted)
        let seen = Measurement([first, second], of: state)
        #expect(seen.ending == .generatorFailed)
    }
}
