import Generator
import Statistics
import Testing

@testable import Reports

struct VerdictTests {
    /// A run that nothing is wrong with, and what a test changes about it.
    private func findings(
        rate: Double? = 2000, _ change: (inout RunRecord) -> Void = { _ in }
    ) throws -> [Verdict.Finding] {
        var plan = try Sample.plan()
        plan.rate = rate
        plan.arrivals = .const
        var run = Sample.measurement()
        run.service = run.response
        run.threads = [.init(cpu: 3.8, busy: 0.38)]
        for _ in 0..<2000 { run.lag.record(40_000) }
        for _ in 0..<1000 { run.served.record(20) }
        var pacing = Measurement.Pacing()
        pacing.onTime = 20_000
        run.pacing = rate == nil ? nil : pacing
        run.phases.isSteady = true
        var record = try Sample.record(run, plan: plan)
        record.environment.cores = 8
        record.environment.isDebugBuild = false
        change(&record)
        return Verdict(judging: record).findings
    }

    @Test func `a good run has no finding`() throws {
        #expect(try findings() == [])
    }

    /// A change that leaves the figure at its limit, and one that crosses it.
    struct Rule: Sendable, CustomTestStringConvertible {
        let code: String
        let level: Verdict.Level
        var rate: Double? = 2000
        let within: @Sendable (inout RunRecord) -> Void
        let beyond: @Sendable (inout RunRecord) -> Void
        var testDescription: String { "\(code) \(level.rawValue)" }
    }

    static let rules: [Rule] = [
        Rule(code: "G-CPU", level: .suspect) {
            $0.measurement.threads[0].above85 = 0.19
        } beyond: {
            $0.measurement.threads[0].above85 = 0.2
        },
        Rule(code: "G-CPU", level: .invalid) {
            $0.measurement.threads[0].above95 = 0.09
        } beyond: {
            $0.measurement.threads[0].above95 = 0.1
        },
        Rule(code: "G-SCHED", level: .note) {
            $0.measurement.pacing?.late = 20
        } beyond: {
            $0.measurement.pacing?.late = 25
        },
        Rule(code: "G-SCHED", level: .suspect) {
            $0.measurement.pacing?.late = 0
        } beyond: {
            $0.measurement.pacing?.late = 205
        },
        Rule(code: "G-SCHED", level: .invalid) {
            $0.measurement.pacing?.late = 0
        } beyond: {
            $0.measurement.pacing?.late = 1200
        },
        Rule(code: "G-RATE", level: .suspect) {
            $0.plan.rate = 2019
        } beyond: {
            $0.plan.rate = 2030
        },
        Rule(code: "G-RATE", level: .invalid) {
            $0.plan.rate = 2000
        } beyond: {
            $0.plan.rate = 2300
        },
        Rule(code: "G-LAG", level: .suspect) {
            for _ in 0..<100 { $0.measurement.lag.record(900_000) }
        } beyond: {
            for _ in 0..<100 { $0.measurement.lag.record(1_200_000) }
        },
        Rule(code: "G-LAG", level: .invalid) {
            for _ in 0..<100 { $0.measurement.lag.record(90_000) }
        } beyond: {
            for _ in 0..<100 { $0.measurement.lag.record(8_000_000) }
        },
        Rule(code: "E-ERRORS", level: .suspect) {
            $0.measurement.errors = []
        } beyond: {
            $0.measurement.errors = [
                ErrorRow(
                    phase: .read, errno: "ECONNRESET", count: 1, firstSeen: 1, exampleConnection: 1)
            ]
        },
        Rule(code: "E-ERRORS", level: .suspect) {
            $0.measurement.errors = []
        } beyond: {
            $0.measurement.ledger.unanswered = 1
        },
        Rule(code: "E-SILENT", level: .invalid) {
            $0.measurement.ledger.unanswered = 1
            $0.measurement.phases.lastAnswer = 10.22
        } beyond: {
            $0.measurement.ledger.unanswered = 1
            $0.measurement.phases.lastAnswer = 10.2
        },
        Rule(code: "G-RATE", level: .note) {
            $0.plan.rate = 2019
        } beyond: {
            $0.plan.rate = 4000
            $0.measurement.ledger.neverSent = 20_000
        },
        Rule(code: "C-CONNS", level: .suspect) {
            $0.measurement.connects.ok = 1000
        } beyond: {
            $0.measurement.connects.ok = 999
        },
        Rule(code: "C-CONNS", level: .invalid) {
            $0.measurement.connects.ok = 1000
        } beyond: {
            $0.measurement.connects.lostEarly = 101
        },
        Rule(code: "F-NEVER", level: .suspect) {
            $0.measurement.served = served(count: 1000, answers: 100, never: 0)
        } beyond: {
            $0.measurement.served = served(count: 1000, answers: 100, never: 1)
        },
        Rule(code: "F-NEVER", level: .invalid) {
            $0.measurement.served = served(count: 1000, answers: 25, never: 20)
        } beyond: {
            $0.measurement.served = served(count: 1000, answers: 100, never: 20)
        },
        Rule(code: "F-HARDLY", level: .suspect) {
            $0.measurement.served = served(count: 1000, answers: 100, never: 0, few: 10)
        } beyond: {
            $0.measurement.served = served(count: 1000, answers: 100, never: 0, few: 9)
        },
        Rule(code: "N-LISTEN", level: .suspect) {
            $0.measurement.kernel = .init()
        } beyond: {
            $0.measurement.kernel = .init()
            $0.measurement.kernel?.listenOverflows = 1
        },
        Rule(code: "N-RETRANS", level: .suspect) {
            $0.measurement.kernel = kernel(retransmits: 10, stolen: 0)
        } beyond: {
            $0.measurement.kernel = kernel(retransmits: 11, stolen: 0)
        },
        Rule(code: "H-STEAL", level: .suspect) {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0.02)
        } beyond: {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0.03)
        },
        Rule(code: "H-STEAL", level: .invalid) {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0.01)
        } beyond: {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0.11)
        },
        Rule(code: "H-QUOTA", level: .suspect) {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0)
        } beyond: {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0)
            $0.measurement.kernel?.throttled = 0.02
        },
        Rule(code: "H-QUOTA", level: .invalid) {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0)
        } beyond: {
            $0.measurement.kernel = kernel(retransmits: 0, stolen: 0)
            $0.measurement.kernel?.throttled = 0.2
        },
        Rule(code: "H-SHARED", level: .note) {
            $0.environment.cores = 3
        } beyond: {
            $0.environment.cores = 2
        },
        Rule(code: "H-SHARED", level: .suspect) {
            $0.environment.cores = 3
        } beyond: {
            $0.environment.cores = 1
        },
        Rule(code: "K-STOPPED", level: .invalid) {
            $0.measurement.phases.stopped = 0
        } beyond: {
            $0.measurement.phases.stopped = 1.2
        },
        Rule(code: "W-UNSTEADY", level: .suspect) {
            $0.measurement.phases.isSteady = nil
        } beyond: {
            $0.measurement.phases.isSteady = false
        },
        Rule(code: "I-EARLY", level: .suspect) {
            $0.measurement.ending = .completed
        } beyond: {
            $0.measurement.ending = .interrupted(signal: 2)
        },
        Rule(code: "B-VERIFY", level: .note) {
            $0.plan.verification = .full
        } beyond: {
            $0.plan.verification = .off
        },
        Rule(code: "B-DEBUG", level: .suspect) {
            $0.environment.isDebugBuild = false
        } beyond: {
            $0.environment.isDebugBuild = true
        },
        Rule(code: "E-FEW", level: .suspect) {
            $0.measurement.response = latency(samples: 1000)
        } beyond: {
            $0.measurement.response = latency(samples: 999)
        },
        Rule(code: "L-LITTLE", level: .suspect, rate: nil) {
            // 10.1 ms on average, 2,000 a second: 20.2 connections are busy.
            $0.plan.connections = 20
        } beyond: {
            $0.plan.connections = 21
        },
        Rule(code: "L-LITTLE", level: .invalid, rate: nil) {
            $0.plan.connections = 20
        } beyond: {
            $0.plan.connections = 25
        },
        Rule(code: "G-HALF", level: .note) {
            $0.probes = []
        } beyond: {
            $0.probes = [headroom(of: $0, answered: 0.99)]
        },
        Rule(code: "G-HALF", level: .suspect) {
            $0.probes = []
        } beyond: {
            $0.probes = [headroom(of: $0, answered: 0.9)]
        },
    ]

    private static func served(count: Int, answers: Int, never: Int, few: Int? = nil) -> Served {
        var served = Served()
        for _ in 0..<never { served.record(0) }
        if let few { served.record(few) }
        while served.connections < count { served.record(answers) }
        return served
    }

    private static func kernel(retransmits: Int, stolen: Double) -> Measurement.KernelCounts {
        var counts = Measurement.KernelCounts()
        counts.segments = 10_000
        counts.retransmits = retransmits
        counts.stolen = stolen
        return counts
    }

    private static func latency(samples: Int) -> Latency {
        var latency = Latency()
        latency.answered.record(10_000_000, times: samples)
        return latency
    }

    private static func headroom(of record: RunRecord, answered: Double) -> RunRecord.Probe {
        var run = record.measurement
        run.ledger.answered = Int(Double(run.ledger.answered) * answered)
        return RunRecord.Probe(purpose: .headroom, plan: record.plan, measurement: run)
    }

    @Test(arguments: rules)
    func `a rule speaks when its limit is crossed, and not before`(rule: Rule) throws {
        let quiet = try findings(rate: rule.rate, rule.within)
        let found = try findings(rate: rule.rate, rule.beyond)

        #expect(!quiet.contains { $0.code == rule.code && $0.level == rule.level }, "\(quiet)")
        let finding = try #require(found.first { $0.code == rule.code }, "\(found)")
        #expect(finding.level == rule.level)
        #expect(
            finding.text.contains { $0.isNumber } || rule.level == .note || rule.code == "B-DEBUG")
        #expect(!finding.remedy.isEmpty || rule.level == .note)
    }

    @Test(arguments: rules)
    func `a finding has its limit in the unit that its words have`(rule: Rule) throws {
        let found = try findings(rate: rule.rate, rule.beyond)
        let finding = try #require(found.first { $0.code == rule.code }, "\(found)")

        if finding.level == .note {
            #expect(!finding.text.contains("allowed") || finding.code == "G-RATE")
            #expect(!finding.remedy.contains("--threads"))
        } else if finding.limit > 0 {
            #expect(finding.text.contains(finding.unit.text(finding.limit)), "\(finding)")
        } else if rule.code != "B-DEBUG" {
            #expect(finding.text.contains(/none (is|may)|Jain/), "\(finding)")
        }
    }

    @Test func `requests that left late by hardly anything are a note`() throws {
        func level(late: Int, by delay: Int64, of response: Int64) throws -> Verdict.Level? {
            try findings {
                $0.measurement.pacing?.late = late
                $0.measurement.sendDelay.answered.record(delay, times: 20_000)
                $0.measurement.response = Latency()
                $0.measurement.response.answered.record(response, times: 20_000)
            }.first { $0.code == "G-SCHED" }?.level
        }

        #expect(try level(late: 400, by: 150_000, of: 1_000_000) == .suspect)
        #expect(try level(late: 400, by: 150_000, of: 5_000_000) == .note)
        #expect(try level(late: 4000, by: 150_000, of: 1_000_000) == .invalid)
        #expect(try level(late: 4000, by: 150_000, of: 5_000_000) == .note)
    }

    @Test func `on two processors a healthy run of two threads has a note`() throws {
        let found = try findings {
            $0.environment.cores = 2
            $0.plan.threads = 2
            $0.measurement.threads = [.init(cpu: 3, busy: 0.3), .init(cpu: 3, busy: 0.3)]
        }

        #expect(found.map(\.code) == ["H-SHARED"])
        #expect(found.map(\.level) == [.note])
    }

    @Test func `a server that was given may have processors that we may not use`() throws {
        let found = try findings {
            $0.environment.cores = 1
            $0.server = nil
        }

        #expect(found.map(\.level) == [.note], "\(found)")
        #expect(found.first?.code == "H-SHARED")
    }

    @Test func `connections without an answer are not time that the generator lost`() throws {
        let found = try findings(rate: nil) {
            $0.plan.connections = 40
            $0.measurement.served = VerdictTests.served(count: 40, answers: 1000, never: 20)
        }

        #expect(found.map(\.code) == ["F-NEVER"])
    }

    @Test func `a server that is as busy takes the blame off the generator's thread`() throws {
        let found = try findings(rate: nil) {
            $0.plan.connections = 20
            $0.measurement.threads[0].above95 = 0.5
            $0.measurement.server?.cpu = 9.8
        }

        #expect(found.first { $0.code == "G-CPU" }?.level == .note)
    }

    @Test func `a default run on two processors gets one remark, not one for each side`() throws {
        let found = try findings(rate: nil) {
            $0.plan.connections = 20
            $0.environment.cores = 2
            $0.measurement.threads[0].above95 = 0.5
            $0.measurement.server?.cpu = 9.8
        }

        #expect(found.map(\.code) == ["G-CPU"])
        #expect(found.map(\.level) == [.note])
    }

    @Test func `the worst finding is first and makes the level`() throws {
        var verdict = Verdict()
        #expect(verdict.level == .valid)
        verdict.findings = try findings {
            $0.plan.verification = .off
        }
        #expect(verdict.level == .valid, "a note leaves it valid")
        verdict.findings = try findings {
            $0.environment.isDebugBuild = true
            $0.measurement.phases.stopped = 3
            $0.plan.verification = .off
        }
        #expect(verdict.level == .invalid)
        #expect(verdict.findings.map(\.code) == ["K-STOPPED", "B-DEBUG", "B-VERIFY"])
    }

    @Test func `chance is no fault of a short run`() throws {
        // 400 independent arrivals scatter by 5 %, so 10 % off is nothing to speak of.
        let found = try findings {
            $0.plan.arrivals = .poisson
            $0.plan.rate = 44
            $0.measurement.ledger.scheduled = 400
            $0.measurement.ledger.answered = 400
        }

        #expect(!found.contains { $0.code == "G-RATE" })
    }
}
