import Generator
import SchemaChecks
import Statistics
import Testing

@testable import Reports

@Suite struct `Reading a report back` {
    private func record(_ text: String) throws -> RunRecord {
        try Document.read(from: text)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `a document gives the record that gives the document`(seed: UInt64) throws {
        let original = try Sample.record(seed: seed)
        let text = Document.text(original)

        let read = try record(text)

        #expect(Document.text(read) == text)
        #expect(read.measurement.response == original.measurement.response)
        #expect(read.measurement.served == original.measurement.served)
        #expect(read.measurement.timeline == original.measurement.timeline)
        #expect(read.verdict.level == original.verdict.level)
        #expect(read.plan.size == original.plan.size)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `a document with everything in it obeys the schema`(seed: UInt64) throws {
        let text = Document.text(try Sample.record(seed: seed))

        #expect(try Schema.shipped().violations(of: try JSON(text)) == [])
    }

    @Test func `runs that failed, were interrupted or saw nothing read back`() throws {
        for run in [Sample.disaster(), Sample.refused(), Measurement()] {
            let text = Document.text(try Sample.record(run, failIf: ["p99>1s"]))
            #expect(Document.text(try record(text)) == text)
        }
    }

    @Test func `an older document reads, and what is unknown is passed over`() throws {
        let text = """
            {"schema": "swiftlet.loadtest/1", "tomorrow": [{}],
             "config": {"target": "127.0.0.1:1", "connections": 7, "colour": "red"},
             "counts": {"answered": 12}, "latency": {"response": {"n": 12, "max": 0.5}}}
            """

        let read = try record(text)

        #expect(read.plan.connections == 7)
        #expect(read.plan.timeout == .seconds(5))
        #expect(read.measurement.ledger.answered == 12)
        #expect(read.measurement.response.count == 0)
        #expect(read.measurement.kernel == nil)
        #expect(read.server == nil)
    }

    @Test(arguments: [
        (#""schema" : "swiftlet.loadtest/1""#, #""schema": "iperf""#, "schema"),
        (#""connections" : 1000"#, #""connections": "many""#, "config.connections"),
        (#""connections" : 1000"#, #""connections": -1"#, "config.connections"),
        (#""target" : "127.0.0.1:7788""#, #""target": "nowhere""#, "config.target"),
        (#""law" : "fixed""#, #""law": "none""#, "config.sizes.law"),
        (#""timeout_s" : 5"#, #""timeout_s": 1e99"#, "config.timeout_s"),
        (#""n" : 20000"#, #""n": 20001"#, "latency.response.n"),
        (#""n" : 20000"#, #""n": 0.5"#, "latency.response.n"),
        (#""max" : 0.020099"#, #""max": 0.5"#, "latency.response"),
        (#""hdr" : "HIST"#, #""hdr": "GIST"#, "fairness.hdr"),
        (#""censored" : null"#, #""censored" : 3"#, "latency.connect.censored"),
        (#""expr" : "errors>0""#, #""expr": "luck>0""#, "thresholds[0].expr"),
        (#""notes" : {"#, #""notes": {"x": 1, "#, "run.notes.x"),
        (#""ending" : "completed""#, #""ending": "well""#, "run.ending"),
        (#""width_s" : 0.1"#, #""width_s": 0"#, "timeline.width_s"),
    ])
    func `a wrong member is named by its path`(old: String, new: String, path: String) throws {
        var record = try Sample.record(failIf: ["errors>0"])
        record.labels.notes = ["commit": "1a2b"]
        let text = Document.text(record)
        let changed = text.replacing(old, with: new, maxReplacements: 1)
        #expect(changed != text)

        let error = #expect(throws: DocumentError.self) { try self.record(changed) }

        #expect(error?.path == path)
    }

    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func `a damaged document is an error or a record, whose reports can be made`(
        seed: UInt64
    ) throws {
        var random = SplitMix(seed: seed)
        var run = Sample.measurement()
        run.response = Sample.latency(&random)
        run.timeline.add(run.response.answered, errors: 1, cpu: 3, at: 5)
        run.served.record(5)
        let damaged = try JSON(Document.text(try Sample.record(run))).damaged(&random)

        do {
            let read = try record(try damaged.text)
            #expect(!Document.text(read).isEmpty)
            #expect(!TextReport(read, style: .plain).results.isEmpty)
        } catch let error as DocumentError {
            #expect(!error.description.isEmpty)
        }
    }
}

extension JSON {
    /// The same with a few members replaced by something else.
    fileprivate func damaged(_ random: inout SplitMix) -> JSON {
        if Int.random(in: 0..<150, using: &random) == 0 {
            let others: [JSON] = [
                .null, .bool(true), .number(-1e300), .number(0.5), .string("\(Int.max)"),
                .string("\(Int.min)"), .number(3), .string("x"), .string(""), .array([]),
                .object([:]), .number(0x1p50),
            ]
            return others.randomElement(using: &random) ?? .null
        }
        switch self {
        case .array(let values): return .array(values.map { $0.damaged(&random) })
        case .object(let members):
            // In their order, so that the seed says it all.
            return .object(
                Dictionary(
                    uniqueKeysWithValues: members.sorted { $0.key < $1.key }.map {
                        ($0.key, $0.key == "schema" ? $0.value : $0.value.damaged(&random))
                    }))
        default: return self
        }
    }
}
