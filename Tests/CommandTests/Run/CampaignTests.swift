import Generator
import Reports
import Syscalls
import Testing

@testable import loadtest

@Suite struct `A campaign` {
    private func plan(_ change: (inout LoadPlan) -> Void = { _ in }) throws -> LoadPlan {
        var plan = LoadPlan(target: try SocketAddress("127.0.0.1:7788"))
        plan.warmup = .auto
        plan.threads = 4
        change(&plan)
        return plan
    }

    /// A run that answered at a rate, each request after so many microseconds.
    private func measured(_ rate: Double = 1000, microseconds: Int64 = 100) -> Measurement {
        var run = Measurement()
        run.phases.measured = 10
        run.ledger.scheduled = Int(rate * 10)
        run.ledger.answered = Int(rate * 10)
        run.response.answered.record(microseconds * 1000, times: Int(rate * 10))
        return run
    }

    private func ended(_ ending: Measurement.Ending) -> Measurement {
        var run = measured()
        run.ending = ending
        return run
    }

    @Test func `of a single run is that run`() throws {
        var campaign = Campaign(.single, try plan { $0.rate = 500 })

        #expect(campaign.next?.plan.rate == 500)
        #expect(campaign.next?.purpose == nil)
        campaign.take(measured())
        #expect(campaign.next == nil)
        #expect(campaign.headline?.measurement.ledger.answered == 10_000)
        #expect(campaign.probes.isEmpty)
    }

    @Test func `at a share of the maximum looks for the maximum first`() throws {
        var campaign = Campaign(.share(0.7), try plan { $0.ramp = .seconds(9) })
        let probe = try #require(campaign.next)
        #expect(probe.purpose == .maximum)
        #expect(probe.plan.rate == nil)
        #expect(probe.plan.duration == .seconds(3))
        #expect(probe.plan.ramp == .zero)
        campaign.take(measured(40_000))

        let run = try #require(campaign.next)
        #expect(run.purpose == nil)
        #expect(run.plan.rate.map { abs($0 - 28_000) < 0.001 } == true)
        #expect(run.plan.duration == .seconds(10))
        campaign.take(measured(28_000))

        #expect(campaign.next == nil)
        #expect(campaign.headline?.plan.rate == run.plan.rate)
        #expect(campaign.probes.map(\.purpose) == [.maximum])
    }

    @Test func `whose maximum cannot be found reports that run`() throws {
        var campaign = Campaign(.share(0.7), try plan())
        campaign.take(ended(.connectFailed))

        #expect(campaign.next == nil)
        #expect(campaign.headline?.measurement.ending == .connectFailed)

        var silent = Campaign(.share(0.7), try plan())
        silent.take(measured(0))
        #expect(silent.next == nil)
        #expect(silent.headline?.measurement.ledger.answered == 0)
    }

    @Test func `in steps reports the highest rate that held`() throws {
        func campaign(_ verdicts: [Verdict.Finding?]) throws -> Campaign {
            var campaign = Campaign(.steps([100, 200, 300, 400]), try plan())
            for finding in verdicts {
                var verdict = Verdict()
                verdict.findings = finding.map { [$0] } ?? []
                campaign.take(measured(campaign.next?.plan.rate ?? 0), verdict)
            }
            return campaign
        }
        func finding(_ code: String, _ level: Verdict.Level) -> Verdict.Finding {
            .init(code: code, level: level, value: 1, limit: 0, text: "", remedy: "")
        }
        let late = finding("G-SCHED", .invalid)
        let overloaded = finding("G-RATE", .note)

        let some = try campaign([nil, finding("G-SCHED", .note), late, overloaded])
        #expect(some.probes.map(\.holds) == [true, true, nil, false])
        #expect(some.headline?.plan.rate == 200)
        var wrong = try campaign([nil])
        var corrupt = measured(200)
        corrupt.ledger.corrupt = 1
        wrong.take(corrupt)
        #expect(wrong.probes.map(\.holds) == [true, false])
        let none = try campaign([overloaded, overloaded, overloaded, overloaded])
        #expect(none.headline?.plan.rate == 100)
        #expect(none.next == nil)
    }

    @Test func `in steps measures each rate`() throws {
        var campaign = Campaign(.steps([100, 200, 300]), try plan())
        var rates: [Double?] = []
        while let run = campaign.next {
            rates.append(run.plan.rate)
            #expect(run.plan.duration == .seconds(10))
            campaign.take(measured(run.plan.rate ?? 0))
        }

        #expect(rates == [100, 200, 300])
        #expect(campaign.probes.map(\.plan.rate) == [100, 200, 300])
        #expect(campaign.headline?.plan.rate == 300)
    }

    @Test func `that is interrupted keeps the runs that were finished`() throws {
        var campaign = Campaign(.steps([100, 200, 300]), try plan())
        campaign.take(measured(100))
        campaign.take(ended(.interrupted(signal: 2)))

        #expect(campaign.next == nil)
        #expect(campaign.probes.map(\.plan.rate) == [100])
        #expect(campaign.headline?.plan.rate == 200)
        #expect(campaign.headline?.measurement.ending == .interrupted(signal: 2))
    }

    @Test func `that is interrupted between two runs has ended early, too`() throws {
        var campaign = Campaign(.share(0.5), try plan())
        campaign.take(measured(100))
        campaign.interrupt(signal: 15)

        #expect(campaign.next == nil)
        #expect(campaign.headline?.measurement.ending == .interrupted(signal: 15))
        #expect(campaign.headline?.plan.rate == nil)

        var whole = Campaign(.single, try plan())
        whole.take(measured())
        whole.interrupt(signal: 2)
        #expect(whole.headline?.measurement.ending == .completed)
    }

    @Test func `of a search reports the last confirmation`() throws {
        let condition = try Threshold("p99<2ms")
        var campaign = Campaign(.search(condition), try plan())
        var lengths: [Duration?] = []
        while let run = campaign.next {
            let rate = run.plan.rate ?? 0
            lengths.append(run.plan.duration)
            campaign.take(measured(rate, microseconds: rate <= 5000 ? 300 : 9000))
        }

        let found = try #require(campaign.search?.rate)
        #expect(campaign.search?.condition == "p99<2ms")
        #expect((4700.0...5000).contains(found))
        #expect(campaign.headline?.plan.rate == found)
        #expect(campaign.probes.suffix(3).map(\.holds) == [true, true, true])
        #expect(lengths.suffix(3) == [.seconds(10), .seconds(10), .seconds(10)])
        #expect(lengths.dropLast(3).allSatisfy { $0 == .seconds(3) })
    }

    @Test func `of a search does not count what was planned and not answered`() throws {
        let condition = try Threshold("p99<2ms")
        var campaign = Campaign(.search(condition), try plan { $0.rate = 100 })
        var runs = 0
        while let run = campaign.next {
            runs += 1
            var result = measured(run.plan.rate ?? 0)
            result.ledger.scheduled *= 2
            campaign.take(result)
        }

        #expect(campaign.search?.rate == nil)
        #expect(campaign.search != nil)
        #expect(runs < 30)
    }

    /// An invalid run, with such a finding.
    private func invalid(_ code: String) -> Verdict {
        var verdict = Verdict()
        verdict.findings = [
            .init(code: code, level: .invalid, value: 1, limit: 0, text: "", remedy: "")
        ]
        return verdict
    }

    @Test(arguments: ["G-SCHED", "H-STEAL", "K-STOPPED"])
    func `of a search takes no rate that the generator could not make`(code: String) throws {
        var campaign = Campaign(.search(try Threshold("p99<2ms")), try plan())
        while let run = campaign.next {
            let rate = run.plan.rate ?? 0
            campaign.take(measured(rate), rate > 5000 ? invalid(code) : Verdict())
        }

        let found = try #require(campaign.search?.rate)
        #expect((4700.0...5000).contains(found))
        for probe in campaign.probes {
            #expect(probe.holds == ((probe.plan.rate ?? 0) > 5000 ? nil : true))
        }
        #expect(campaign.headline?.plan.rate == found)
    }

    @Test func `of a search finds nothing where no rate can be judged`() throws {
        var campaign = Campaign(.search(try Threshold("p99<2ms")), try plan())
        while let run = campaign.next {
            campaign.take(measured(run.plan.rate ?? 0), invalid("G-CPU"))
        }

        #expect(campaign.search != nil && campaign.search?.rate == nil)
        #expect(campaign.probes.allSatisfy { $0.holds == nil })
        #expect(campaign.headline != nil)
    }

    @Test func `of a search counts a server that went silent as one that did not hold`() throws {
        var campaign = Campaign(.search(try Threshold("p99<2ms")), try plan())
        campaign.take(measured(1000), invalid("E-SILENT"))

        #expect(campaign.probes.map(\.holds) == [false])
    }

    @Test func `of a search looks as long as its percentile needs, and no longer than it may`()
        throws
    {
        var campaign = Campaign(.search(try Threshold("p99.9<2ms")), try plan())

        // 10,000 samples and a fifth to spare: 12 s at 1,000/s, of which there are 10.
        #expect(campaign.next?.plan.rate == 1200)
        #expect(campaign.next?.plan.duration == .seconds(10))
        campaign.take(measured(1200, microseconds: 50_000))
        #expect(campaign.next?.plan.rate == 1200, "once may be a hiccup")
        campaign.take(measured(1200, microseconds: 50_000))
        #expect(campaign.next == nil)
        #expect(campaign.search?.rate == nil)
        #expect(campaign.probes.map(\.holds) == [false, false])

        var longer = Campaign(
            .search(try Threshold("p99.9<2ms")), try plan { $0.duration = .seconds(60) })
        #expect(longer.next?.plan.rate == 1000)
        #expect(longer.next?.plan.duration == .seconds(12))
        longer.take(measured(1000))
        #expect(longer.next?.plan.rate == 2000)
        #expect(longer.next?.plan.duration == .seconds(6))
    }

    @Test func `of a search reports a rate that held, also when none was confirmed`() throws {
        var campaign = Campaign(.search(try Threshold("p99<2ms")), try plan())
        while let run = campaign.next {
            let isConfirmation = run.plan.duration == .seconds(10)
            campaign.take(measured(run.plan.rate ?? 0, microseconds: isConfirmation ? 9000 : 300))
        }

        #expect(campaign.search?.rate == nil)
        let headline = try #require(campaign.headline?.plan.rate)
        #expect(campaign.probes.contains { $0.plan.rate == headline && $0.holds == true })
    }

    @Test func `proves headroom with half the threads, and reports the whole`() throws {
        var campaign = Campaign(.single, try plan { $0.rate = 9000 }, provesHeadroom: true)
        campaign.take(measured(9000))

        let half = try #require(campaign.next)
        #expect(half.purpose == .headroom)
        #expect(half.plan.threads == 2)
        #expect(half.plan.rate == 9000)
        #expect(half.plan.duration == .seconds(3))
        campaign.take(measured(8000))
        #expect(campaign.next == nil)
        #expect(campaign.headline?.plan.threads == 4)
        #expect(campaign.probes.map(\.purpose) == [.headroom])
    }
}
