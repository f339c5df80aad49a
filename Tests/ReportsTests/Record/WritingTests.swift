import Generator
import SchemaChecks
import Syscalls
import Testing

@testable import Reports

@Suite struct `The report for programs` {
    @Test func `good, failed, interrupted and empty runs obey the schema that is shipped`() throws {
        var interrupted = Sample.measurement()
        interrupted.ending = .interrupted(signal: 15)
        let runs = [
            Sample.measurement(), Sample.disaster(), Sample.refused(), interrupted, Measurement(),
        ]
        let schema = try Schema.shipped()

        for run in runs {
            let text = Document.text(try Sample.record(run, failIf: ["p99.99>1s", "errors>0"]))
            #expect(schema.violations(of: try JSON(text)) == [])
        }
    }

    @Test func `the schema refuses what it does not know and what is missing`() throws {
        let schema = try Schema.shipped()
        let text = Document.text(try Sample.record())
        func violations(replacing old: String, by new: String) throws -> [String] {
            schema.violations(of: try JSON(text.replacing(old, with: new)))
        }

        #expect(try violations(replacing: "\"answered\"", by: "\"ok\"").count == 2)
        #expect(try !violations(replacing: "loadtest/1", by: "loadtest/2").isEmpty)
        #expect(try !violations(replacing: "\"exit_code\" : 0", by: "\"exit_code\" : 1").isEmpty)
        #expect(try !violations(replacing: "20000", by: "-1").isEmpty)
    }

    @Test func `figures are in seconds and bytes`() throws {
        let document = try JSON(Document.text(try Sample.record(failIf: ["max>1s"])))

        #expect(document["schema"] == .string("swiftlet.loadtest/1"))
        #expect(document["counts", "answered"] == .number(20_000))
        #expect(document["latency", "response", "max"] == .number(0.020099))
        #expect(document["latency", "response", "q"].array.first?["q"] == .number(0.5))
        #expect(document["latency", "response", "q"].array.last?["value"] == .null)
        #expect(document["rate", "achieved"] == .number(2000))
        #expect(document["cpu", "server_us_per_req"].number.map { ($0 * 10).rounded() } == 2100)
        #expect(document["memory", "server_before"] == .number(4_194_304))
        #expect(document["thresholds"].array.first?["value"] == .number(0.020099))
        #expect(document["env", "cpu_model"] == .string("A \"quoted\" processor"))
    }
}
