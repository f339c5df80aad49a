import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct `Merging the parts of a run` {
    private static let seed: UInt64 = 20_260_131

    /// The parts of a run that saw 7,000 requests, and the record of one machine that saw them all.
    private func run(parts count: Int) throws -> (parts: [RunRecord], whole: RunRecord) {
        var random = SplitMix(seed: `Merging the parts of a run`.seed)
        var runs = (0..<count).map { _ in Measurement() }
        var whole = Measurement()
        for number in 0..<7000 {
            let time = Int64.random(in: 1000...80_000_000, using: &random)
            record(time, number, in: &runs[number % count])
            record(time, number, in: &whole)
        }
        for connection in 0..<70 {
            runs[connection % count].served.record(connection * 3)
            whole.served.record(connection * 3)
        }
        whole.phases.measured = 10
        let parts = try runs.enumerated().map { index, run in
            var run = run
            run.phases.measured = 10
            var part = try Sample.record(run, failIf: ["p99>1us"])
            part.id = "r1"
            part.shard = .init(index: index + 1, count: count)
            part.started = 1_700_000_000
            part.plan.connections = 70 / count
            part.plan.rate = 700 / Double(count)
            return part
        }
        return (parts, try Sample.record(whole, failIf: ["p99>1us"]))
    }

    private func record(_ time: Int64, _ number: Int, in run: inout Measurement) {
        run.ledger.scheduled += 1
        var one = Histogram()
        one.record(time)
        run.timeline.add(one, errors: 0, cpu: 10, at: Int64(number) * 1_000_000)
        if number.isMultiple(of: 500) {
            run.ledger.timedOut += 1
            run.response.censored.record(time)
        } else {
            run.ledger.answered += 1
            run.response.answered.add(one)
        }
        run.bytes.out += 64
    }

    @Test(arguments: [1, 2, 7])
    func `the parts together are the whole`(count: Int) throws {
        let (parts, whole) = try run(parts: count)

        let merged = try Merge.records(parts.reversed(), allowsMissing: false)

        #expect(merged.measurement.response == whole.measurement.response)
        #expect(merged.measurement.ledger == whole.measurement.ledger)
        #expect(merged.measurement.served == whole.measurement.served)
        #expect(merged.measurement.timeline == whole.measurement.timeline)
        #expect(merged.measurement.bytes == whole.measurement.bytes)
        #expect(merged.measurement.rate == whole.measurement.rate)
        #expect(merged.thresholds == whole.thresholds)
        #expect(merged.exitCode == ExitCode.threshold)
        #expect(merged.plan.connections == 70)
        #expect(merged.plan.rate.map { abs($0 - 700) < 1e-9 } == true)
        #expect(merged.shard == nil)
        #expect(merged.shards.map(\.index) == Array(1...count))
        #expect(merged.shards.reduce(0) { $0 + $1.answered } == whole.measurement.ledger.answered)
        #expect(merged.verdict.findings.isEmpty)
    }

    @Test func `what the parts are called is there once, and what differs for each`() throws {
        var (parts, _) = try run(parts: 3)
        for index in parts.indices {
            parts[index].labels.name = "fleet"
            parts[index].labels.notes = ["commit": "1a", "host": "abb".map(String.init)[index]]
        }

        let labels = try Merge.records(parts, allowsMissing: false).labels

        #expect(labels.texts == ["fleet", "commit=1a", "host=a, b"])
    }

    @Test func `parts that were read back merge to the same`() throws {
        let (parts, _) = try run(parts: 2)
        let read = try parts.map { try Document.read(RunRecord.self, from: Document.text($0)) }

        let merged = try Merge.records(read, allowsMissing: false)

        let direct = try Merge.records(parts, allowsMissing: false)
        #expect(Document.text(merged) == Document.text(direct))
    }

    @Test func `errors of one kind add, and the first is the earliest of all`() throws {
        var (parts, _) = try run(parts: 2)
        let row = ErrorRow(
            phase: .read, errno: "eof", count: 3, firstSeen: 2, exampleConnection: 5)
        parts[0].measurement.errors = [row]
        parts[1].measurement.errors = [row]
        parts[1].measurement.errors[0].firstSeen = 0.5
        parts[1].measurement.errors[0].exampleConnection = 9
        parts[1].started += 1

        let errors = try Merge.records(parts, allowsMissing: false).measurement.errors

        #expect(errors.map(\.count) == [6])
        #expect(errors.first?.firstSeen == 1.5)
        #expect(errors.first?.exampleConnection == 9)
    }

    @Test func `what came later stands later in the timeline`() throws {
        var (parts, _) = try run(parts: 2)
        parts[1].started += 20
        for index in parts.indices { parts[index].measurement.timeline = Timeline() }
        var one = Histogram()
        one.record(5)
        for index in parts.indices {
            parts[index].measurement.timeline.add(one, errors: 0, cpu: 0, at: 50_000_000)
        }

        let timeline = try Merge.records(parts, allowsMissing: false).measurement.timeline

        let busy = timeline.columns.indices.filter { timeline.columns[$0].answered > 0 }
        #expect(busy == [0, 200])
    }

    @Test func `a finding is there once, with the parts that have it, the worst first`() throws {
        var (parts, _) = try run(parts: 7)
        func finding(_ code: String, _ level: Verdict.Level, _ text: String) -> Verdict.Finding {
            .init(code: code, level: level, value: 1, limit: 1, text: text, remedy: "rest")
        }
        for index in parts.indices {
            parts[index].verdict.findings = [finding("H-SHARED", .note, "two cores")]
        }
        parts[0].verdict.findings.append(finding("G-CPU", .suspect, "busy 86 %"))
        parts[1].verdict.findings.append(finding("G-CPU", .invalid, "busy 99 %"))
        parts[3].verdict.findings.append(finding("E-FEW", .suspect, "few"))
        for index in 1..<7 { parts[index].verdict.findings.append(finding("K", .note, "stood")) }

        let merged = try Merge.records(parts, allowsMissing: false)

        #expect(
            merged.verdict.findings.map(\.text) == [
                "parts 1, 2, the worst is 2: busy 99 %", "part 4: few", "every part: two cores",
                "parts 2, 3, 4, 5, 6 and 1 more: stood",
            ])
        #expect(merged.verdict.level == .invalid)
        #expect(merged.shards.map(\.level).prefix(3) == [.suspect, .invalid, .valid])
    }

    @Test(arguments: [(0.99, []), (1.01, ["M-OVERLAP"])])
    func `parts that measured at other times are suspect`(
        distance: Double, codes: [String]
    ) throws {
        var (parts, _) = try run(parts: 2)
        parts[1].started += distance

        let merged = try Merge.records(parts, allowsMissing: false)

        #expect(merged.verdict.findings.map(\.code) == codes)
    }

    @Test func `parts of which nobody knows when they began are suspect`() throws {
        var (parts, _) = try run(parts: 2)
        for index in parts.indices { parts[index].started = 0 }

        let finding = try Merge.records(parts, allowsMissing: false).verdict.findings.first

        #expect(finding?.code == "M-OVERLAP")
        #expect(finding?.text.hasPrefix("it is not known when") == true)
    }

    @Test func `a missing part is an error, or invalid where it was allowed`() throws {
        let parts = try run(parts: 7).parts.filter { $0.shard?.index != 3 && $0.shard?.index != 6 }

        #expect(throws: MergeError.missing(parts: [3, 6], of: 7)) {
            try Merge.records(parts, allowsMissing: false)
        }
        let merged = try Merge.records(parts, allowsMissing: true)
        #expect(merged.verdict.level == .invalid)
        #expect(merged.verdict.findings.map(\.code) == ["M-MISSING"])
        #expect(
            merged.verdict.findings.first?.text == "5 of 7 parts are here; 3, 6 are missing")
    }

    @Test func `what does not belong together is refused, and what differs is named`() throws {
        let (parts, whole) = try run(parts: 2)
        func refusal(_ change: (inout RunRecord) -> Void) -> MergeError? {
            var changed = parts
            change(&changed[1])
            return #expect(throws: MergeError.self) {
                try Merge.records(changed, allowsMissing: true)
            }
        }
        func differs(_ what: String, _ first: String, _ other: String) -> MergeError {
            .differs(part: 2, what: what, first: first, other: other)
        }

        #expect(refusal { $0.id = "r2" } == differs("run id", "r1", "r2"))
        #expect(refusal { $0.shard?.count = 3 } == differs("number of parts", "2", "3"))
        #expect(refusal { $0.environment.version = "9" } == differs("version", "0.1.0", "9"))
        #expect(
            refusal { $0.environment.isDebugBuild = true } == differs("build", "release", "debug"))
        #expect(refusal { $0.plan.timeout = .seconds(6) } == differs("timeout_s", "5", "6"))
        #expect(refusal { $0.plan.seed = 2 } == differs("seed", "1", "2"))
        #expect(refusal { $0.plan.rate = nil } == differs("loop", "open", "closed"))
        #expect(refusal { $0.thresholds = [] } == differs("--fail-if", "p99>1us", ""))
        #expect(refusal { $0.shard?.index = 1 } == .twice(part: 1))
        #expect(refusal { $0.shard = nil } == .noPart(place: 2))
        #expect(refusal { $0.started += 100_000 } != nil)
        #expect(throws: MergeError.nothing) { try Merge.records([], allowsMissing: true) }
        #expect(throws: MergeError.noPart(place: 1)) {
            try Merge.records([whole], allowsMissing: true)
        }
    }
}

@Suite struct `Merging what cannot be` {
    @Test func `the largest counts that a document may have add up in thousands of parts`() throws {
        var run = Measurement()
        let most = Histogram.countMax
        run.ledger.scheduled = most
        run.ledger.answered = most
        run.ledger.timedOut = most
        run.ledger.neverSent = most
        run.ledger.unanswered = most
        run.ledger.reset = most
        run.ledger.corrupt = most
        run.ledger.closedEarly = most
        run.response.answered.record(5, times: most)
        var whole = Measurement()

        for _ in 0..<Merge.partsMax { whole.add(run) }

        #expect(!whole.ledger.isBalanced)
        #expect(whole.response.count == Merge.partsMax * most)
    }
}
