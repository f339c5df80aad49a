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
            let text = JSONReport(try Sample.record(run, failIf: ["p99.99>1s", "errors>0"])).text
            #expect(schema.violations(of: try JSON(text)) == [])
        }
    }

    @Test func `the schema refuses what it does not know and what is missing`() throws {
        let schema = try Schema.shipped()
        let text = JSONReport(try Sample.record()).text
        func violations(replacing old: String, by new: String) throws -> [String] {
            schema.violations(of: try JSON(text.replacing(old, with: new)))
        }

        #expect(try violations(replacing: "\"answered\"", by: "\"ok\"").count == 2)
        #expect(try !violations(replacing: "loadtest/1", by: "loadtest/2").isEmpty)
        #expect(try !violations(replacing: "\"exit_code\": 0", by: "\"exit_code\": 1").isEmpty)
        #expect(try !violations(replacing: "20000", by: "-1").isEmpty)
    }

    @Test func `figures are in seconds and bytes`() throws {
        let document = try JSON(JSONReport(try Sample.record(failIf: ["max>1s"])).text)

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

    @Test func `numbers that JSON or doubles cannot hold are null or texts`() throws {
        let document = JSONValue.object([
            ("nan", .number(.nan)), ("infinite", .number(.infinity)), ("small", .number(1e-300)),
            ("exact", .integer(1 << 53)), ("large", .integer(1 << 53 + 1)),
            ("least", .integer(.min)),
            ("none", .array([])),
        ])
        let read = try JSON(document.serialized)

        #expect(read["nan"] == .null)
        #expect(read["infinite"] == .null)
        #expect(read["small"] == .number(1e-300))
        #expect(read["exact"] == .number(9_007_199_254_740_992))
        #expect(read["large"] == .string("9007199254740993"))
        #expect(read["least"] == .string("-9223372036854775808"))
        #expect(read["none"] == .array([]))
    }

    @Test func `any text survives`() throws {
        let text =
            (0..<0x30).compactMap { UnicodeScalar($0).map(String.init) }.joined()
            + "\\ \" é 🐦 \u{2028} \u{7F} \r\n"

        #expect(try JSON(JSONValue.array([.text(text)]).serialized).array == [.string(text)])
    }
}
