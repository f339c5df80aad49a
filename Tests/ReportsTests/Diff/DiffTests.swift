import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct `Differences of runs` {
    /// Ten seconds at a rate, with latencies around `latency` nanoseconds; seconds differ by
    /// `unevenness`.
    private func record(
        seed: UInt64, rate: Int = 2000, latency: Double = 1e6, unevenness: Double = 0.01,
        change: (inout RunRecord) -> Void = { _ in }
    ) throws -> RunRecord {
        var random = SplitMix(seed: seed)
        var run = Measurement()
        for second in 0..<10 {
            let factor = 1 + unevenness * Double.random(in: -1...1, using: &random)
            for tenth in 0..<10 {
                var histogram = Histogram()
                for _ in 0..<Int(Double(rate) * factor / 10) {
                    let value = latency * factor * Double.random(in: 0.5...1.5, using: &random)
                    histogram.record(Int64(value))
                }
                run.response.answered.add(histogram)
                run.timeline.add(
                    histogram, errors: 0, cpu: Int64(histogram.count) * 3000,
                    at: Int64(second * 10 + tenth) * 100_000_000)
            }
        }
        run.service = run.response
        run.ledger.answered = run.response.count
        run.ledger.scheduled = run.response.count
        run.phases.measured = 10
        run.threads = [.init(cpu: 3e-6 * Double(run.response.count), busy: 0.1)]
        var record = try Sample.record(run)
        record.server = nil
        change(&record)
        return record
    }

    private func outcomes(_ diff: Diff) -> [String: Diff.Outcome] {
        Dictionary(uniqueKeysWithValues: diff.rows.map { ($0.figure.name, $0.outcome) })
    }

    private let seeds: [UInt64] = [1, 2, 3, 4]

    @Test func `a closed loop and an open one are not compared, and it is said why`() throws {
        let closed = try record(seed: 1)
        let open = try record(seed: 2) { $0.plan.rate = 2000 }

        #expect(Diff.objection([closed], [closed]) == nil)
        #expect(Diff.objection([open], [open]) == nil)
        #expect(
            Diff.objection([open], [closed])?.hasPrefix(
                "B is a closed loop and A an open one, at 2,000/s: ") == true)
        #expect(
            Diff.objection([closed, open], [closed, closed])?.hasPrefix(
                "run 1 of A is a closed loop and run 2 of A an open one") == true)
    }

    @Test func `equal runs are within noise`() throws {
        for seed in seeds {
            let diff = Diff([try record(seed: seed)], [try record(seed: seed + 100)])

            #expect(!diff.hasRegression, "seed \(seed)")
            #expect(outcomes(diff)["rate"] == .withinNoise, "seed \(seed)")
            #expect(outcomes(diff)["service p99"] == .withinNoise, "seed \(seed)")
            #expect(outcomes(diff)["errors"] == .withinNoise, "seed \(seed)")
        }
    }

    @Test func `ten percent more latency is found in one run each, and in rounds`() throws {
        for seed in seeds {
            let one = Diff(
                [try record(seed: seed)], [try record(seed: seed + 100, latency: 1.1e6)])
            let rounds = Diff(
                try (0..<4).map { try record(seed: seed + $0) },
                try (10..<14).map { try record(seed: seed + $0, latency: 1.1e6) })

            for diff in [one, rounds] {
                #expect(outcomes(diff)["service p50"] == .regressed, "seed \(seed)")
                #expect(outcomes(diff)["rate"] == .withinNoise, "seed \(seed)")
                #expect(diff.hasRegression)
            }
        }
    }

    @Test func `a higher rate is better, and more latency is worse`() throws {
        let faster = Diff(
            [try record(seed: 1)], [try record(seed: 2, rate: 2400, latency: 0.8e6)])

        #expect(outcomes(faster)["rate"] == .improved)
        #expect(outcomes(faster)["service p50"] == .improved)
        #expect(!faster.hasRegression)
    }

    @Test func `noise that is allowed for hides what is smaller`() throws {
        let (old, new) = (try record(seed: 1), try record(seed: 2, rate: 1800))

        #expect(outcomes(Diff([old], [new]))["rate"] == .regressed)
        #expect(outcomes(Diff([old], [new], noise: 0.2))["rate"] == .withinNoise)
    }

    @Test func `too few samples are said, and are no regression`() throws {
        let diff = Diff(
            [try record(seed: 1, rate: 50)], [try record(seed: 2, rate: 50, latency: 9e6)])

        #expect(outcomes(diff)["service p99.9"] == .tooFewSamples)
        #expect(outcomes(diff)["service p50"] == .regressed)
        #expect(!Diff([try Sample.record()], [try Sample.record()]).hasRegression)
    }

    @Test func `a figure that is known once on each side has no spread`() throws {
        func served(_ cpu: Double) throws -> RunRecord {
            try record(seed: 1) {
                $0.measurement.server = .init(
                    cpu: cpu, residentBefore: 0, residentConnected: 0, residentAfter: 0)
            }
        }

        #expect(
            outcomes(Diff([try served(1)], [try served(2)]))["server CPU"] == .tooFewSamples)
        #expect(
            outcomes(Diff([try served(1)], [try served(1.01)]))["server CPU"] == .withinNoise)
        #expect(
            outcomes(
                Diff(
                    [try served(1), try served(1.01), try served(1)],
                    [try served(2), try served(2.01), try served(2)]))["server CPU"] == .regressed)
    }

    @Test func `a lower bound is only ever worse for sure`() throws {
        let losing = try record(seed: 2) {
            for _ in 0..<400 { $0.measurement.response.censored.record(5_000_000_000) }
            $0.measurement.service = $0.measurement.response
            $0.measurement.ledger.timedOut = 400
            $0.measurement.ledger.scheduled += 400
        }
        let whole = try record(seed: 1)

        #expect(outcomes(Diff([whole], [losing]))["service p99"] == .regressed)
        #expect(outcomes(Diff([whole], [losing]))["errors"] == .regressed)
        #expect(outcomes(Diff([losing], [whole]))["service p99"] == .improved)
        #expect(outcomes(Diff([losing], [losing]))["service p99"] == .open)
    }

    @Test func `what one side alone has cannot be judged, and neither can an invalid side`() throws
    {
        let whole = try record(seed: 1)
        let short = try record(seed: 2, rate: 500)
        let dead = try record(seed: 3) {
            $0.measurement = Sample.refused()
        }
        let invalid = try record(seed: 4) {
            $0.verdict.findings = [
                .init(
                    code: "G-CPU", level: .invalid, value: 1, limit: 0, text: "full", remedy: "rest"
                )
            ]
        }

        #expect(Diff([whole], [try record(seed: 101)]).unjudged == [])
        #expect(outcomes(Diff([whole], [short]))["service p99.9"] == .onlyOld)
        #expect(Diff([whole], [short]).unjudged == ["service p99.9"])
        #expect(outcomes(Diff([short], [whole]))["service p99.9"] == .onlyNew)
        #expect(outcomes(Diff([whole], [dead]))["rate"] == .regressed)
        #expect(Diff([whole], [dead]).unjudged.first == "B has no answer")
        #expect(Diff([whole, whole], [whole, dead]).unjudged.first == "run 2 of B has no answer")
        #expect(!Diff([dead], [dead]).unjudged.isEmpty)
        #expect(Diff([whole], [invalid]).unjudged == ["B is INVALID (G-CPU)"])
        #expect(Diff([invalid], [whole]).unjudged == ["A is INVALID (G-CPU)"])
    }

    @Test func `settings that differ are named, and where it ran is none`() throws {
        let other = try record(seed: 2) {
            $0.plan.connections = 7
            $0.plan.rate = 5000
            $0.plan.serverProcess = 4711
            $0.environment.isDebugBuild = true
            $0.verdict.findings = [
                .init(
                    code: "G-CPU", level: .invalid, value: 1, limit: 0, text: "full", remedy: "rest"
                )
            ]
        }
        let diff = Diff([try record(seed: 1)], [other])
        let names = diff.differences.map(\.name)

        #expect(Set(names).isSuperset(of: ["connections", "rate", "build"]))
        #expect(!names.contains("server_pid"))
        #expect(diff.differences.first { $0.name == "connections" }?.new == "7")
        #expect(diff.doubts == ["B is INVALID (G-CPU)"])
        #expect(Diff([try record(seed: 1)], [try record(seed: 2)]).differences == [])
    }
}
