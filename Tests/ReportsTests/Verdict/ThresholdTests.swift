import Flags
import Generator
import Testing

@testable import Reports

@Suite struct `Thresholds` {
    @Test(arguments: [
        ("p50>10ms", true), ("p50>11ms", false), ("p99.9>=20ms", true), ("p90 < 1s", true),
        ("max>1s", false), ("max>=20.099ms", true), ("min<1ms", true), ("mean>10ms", true),
        ("rate<50k", true), ("rate<2000", false), ("rate<=2000", true), ("errors>0", false),
        ("corrupt>0", false), ("timed_out>=0", true), ("connect.p99>1ms", false),
        ("connect.max>59us", true), ("connect.failed>0", false), ("cpu.server>200us", true),
        ("cpu.client>200us", false), ("failed>0", false), ("unanswered>0", false),
        ("never_sent>0", false), ("p99.service>10ms", true), ("max.service>1s", false),
        ("jain<0.9", false), ("jain<0.999", true), ("lag.p99>90us", true), ("lag.max>1ms", false),
        ("connect.mean>1ms", false),
    ])
    func `a condition that holds is a failure`(text: String, fails: Bool) throws {
        #expect(try Threshold(text).judge(Sample.measurement()).isFailure == fails)
    }

    @Test func `a percentile with too few samples fails and says so`() throws {
        let verdict = try Threshold("p99.99>1s").judge(Sample.measurement())

        #expect(verdict.isFailure)
        #expect(verdict.words == "not enough samples: 20,000 of the 100,000 needed")
    }

    @Test(arguments: [
        // Two percent were given up after 5 s: what p99 was is known from below only.
        ("p99>2s", true, true), ("p99>6s", false, true), ("p99<2s", false, false),
        ("p99<6s", false, true), ("p99>=4s", true, true), ("p99<=4s", false, false),
        ("p50<1s", true, true), ("max>6s", false, true), ("mean>1s", false, true),
        ("p99.delay<1ms", true, true), ("p99.9.delay<1ms", false, false),
    ])
    func `a lower bound decides when it is beyond the limit, and is a failure otherwise`(
        text: String, isMet: Bool, isFailure: Bool
    ) throws {
        let result = try Threshold(text).judge(Sample.openLoop().measurement)

        #expect(result.isMet == isMet)
        #expect(result.isFailure == isFailure)
    }

    @Test func `a lower bound that decides nothing says so`() throws {
        let result = try Threshold("p99>6s").judge(Sample.openLoop().measurement)

        #expect(result.words == "was at least 5.00 s, which leaves it open")
    }

    @Test func `a condition names the option that it was given to`() {
        let error = #expect(throws: UsageError.self) {
            try Threshold("p9o<2ms", option: "--search")
        }

        #expect(error?.description.hasPrefix("--search 'p9o<2ms'") == true)
    }

    @Test func `what was not measured fails and says so`() throws {
        let verdict = try Threshold("cpu.server>1s").judge(Measurement())

        #expect(verdict.isFailure)
        #expect(verdict.words == "was not measured")
        #expect(try Threshold("max>1s").judge(Measurement()).isFailure)
    }

    @Test(arguments: [
        ("p99", "compares nothing"), ("", "compares nothing"), ("p99=2ms", "compares nothing"),
        ("p9o>2ms", "did you mean p90?"), ("latency>2ms", "no figure called 'latency'"),
        ("p100>1ms", "no figure called 'p100'"), ("p0>1ms", "no figure"), ("pnan>1ms", "no figure"),
        ("p99>", "is empty"), ("p99>-1ms", "is negative"), ("errors>1ms", "a unit of count"),
        ("rate<0", "is no rate"), ("p99>>2ms", "is not a time"), ("p1e1>1ms", "no figure"),
        ("jain<2", "no number from 0 to 1"), ("jain<a", "no number from 0 to 1"),
        ("p99.servce>1ms", "did you mean p99.service?"), ("p99connect.>1ms", "no figure"),
    ])
    func `a condition that cannot be read says why`(text: String, reason: String) {
        let error = #expect(throws: UsageError.self) { try Threshold(text) }

        #expect(error?.description.contains(reason) == true, "\(error.debugDescription)")
        #expect(error?.description.hasPrefix("--fail-if '\(text)'") == true)
    }
}

@Suite struct `Exit codes` {
    private func code(_ failIf: String..., change: (inout Measurement) -> Void) throws -> Int32 {
        var run = Sample.measurement()
        change(&run)
        return ExitCode.of(run, thresholds: try failIf.map { try Threshold($0).judge(run) })
    }

    @Test func `a run without a fault ends with 0, also when single requests failed`() throws {
        #expect(try code { _ in } == 0)
        #expect(
            try code {
                $0.ledger.answered -= 1
                $0.ledger.timedOut += 1
            } == 0
        )
    }

    @Test func `books that do not balance come first`() throws {
        #expect(
            try code("p50>1ns") {
                $0.ledger.scheduled += 1
                $0.ledger.corrupt += 3
            } == 70
        )
        #expect(try code { $0.connects.tried += 1 } == 70)
    }

    @Test func `wrong bytes come before a lost target and a threshold`() throws {
        #expect(
            try code("p50>1ns") {
                $0.ledger.answered -= 1
                $0.ledger.corrupt += 1
                $0.ending = .allConnectionsLost
            } == 97
        )
    }

    @Test func `a target that is not there comes before a threshold`() throws {
        #expect(try code("p50>1ns") { $0.ending = .allConnectionsLost } == 69)
        #expect(ExitCode.of(Sample.refused(), thresholds: []) == 69)
        #expect(ExitCode.of(Measurement(), thresholds: []) == 69)
    }

    @Test func `a machine without ports or descriptors is not the target's fault`() {
        var run = Sample.refused()
        run.errors[0].errno = "EADDRNOTAVAIL"

        #expect(ExitCode.of(run, thresholds: []) == 71)
    }

    @Test func `an interrupted run stays interrupted`() throws {
        #expect(try code("p50>1ns") { $0.ending = .interrupted(signal: 2) } == 130)
        #expect(try code { $0.ending = .interrupted(signal: 15) } == 143)
    }

    @Test func `an invalid measurement comes before a threshold, where it matters at all`() throws {
        let run = Sample.measurement()
        let crossed = [try Threshold("p50>1ns").judge(run)]

        #expect(ExitCode.of(run, thresholds: crossed, strictly: .invalid) == 98)
        #expect(ExitCode.of(run, thresholds: crossed, strictly: .suspect) == 99)
        #expect(ExitCode.of(run, thresholds: [], strictly: .suspect) == 0)
        #expect(ExitCode.of(Sample.refused(), thresholds: crossed, strictly: .invalid) == 69)
    }

    @Test func `a threshold that was crossed ends with 99`() throws {
        #expect(try code("p50>1s", "p50>1ns") { _ in } == 99)
    }

    @Test func `is met only when it could be judged`() throws {
        let few = try Threshold("p99.99>1h").judge(Sample.measurement())
        let slow = try Threshold("p99>1ms").judge(Sample.measurement())

        #expect(few.isFailure && !few.isMet)
        #expect(slow.isFailure && slow.isMet)
        #expect(try Threshold("p99.9<2ms").samplesNeeded == 10_000)
        #expect(try Threshold("errors>0").samplesNeeded == 1)
    }

    @Test func `names the option that it was given to`() {
        let error = #expect(throws: UsageError.self) { try Threshold("p99", option: "--search") }

        #expect(error?.description.hasPrefix("--search 'p99' compares nothing") == true)
    }
}
