import Compare
import Foundation
import Reports
import SchemaChecks
import Statistics
import Testing

@Suite struct CompareDocumentTests {
    private static func records() -> [CompareRecord] {
        var full = CompareTextTests.session(points: 3)
        full.isInterrupted = true
        full.seed = .max
        full.labels.name = "old and new"
        full.labels.notes = ["commit": "1a2b"]
        full.arms[5].outcome = .failed("killed by signal 9")
        full.notes = ["generator and servers share processor 0"]
        full.samples[3].doubts = ["it sent late"]
        full.samples[4].lowerBounds = [.rate, .p99]
        full.points[1].sparseRate = 1234.5
        full.points[1].sparseConnections = 20
        (full.points[0].ending, full.points[0].others) = (.precise, 0.3)
        full.rounds = nil
        var empty = full
        (empty.arms, empty.points, empty.samples) = ([], [], [])
        return [full, empty, Sessions(rounds: 1).record()]
    }

    @Test(arguments: CompareDocumentTests.records())
    func `a document gives its record back`(record: CompareRecord) throws {
        let text = Document.text(record)

        #expect(try Document.read(CompareRecord.self, from: text) == record)
    }

    @Test(arguments: CompareDocumentTests.records())
    func `documents obey the schema that is shipped`(record: CompareRecord) throws {
        let schema = try Schema.shipped("compare.schema.json")
        let document = try JSON(Document.text(record))

        #expect(schema.violations(of: document) == [])
    }

    @Test func `every reading is a member of the schema`() throws {
        var session = Sessions()
        session.readings = Reading.allCases
        let schema = try Schema.shipped("compare.schema.json")
        let text = Document.text(session.record())

        #expect(schema.violations(of: try JSON(text)) == [])
        let renamed = text.replacing("\"idle_cpu_share\" : 0", with: "\"idle_cpu\" : 0")
        #expect(renamed != text)
        #expect(!schema.violations(of: try JSON(renamed)).isEmpty)
    }

    @Test func `what is no number is left out, and no document has one`() throws {
        var record = Sessions().record()
        record.samples[0].readings[.rate] = .nan
        record.samples[1].readings[.rate] = .infinity
        record.points[0].fixedRate = .infinity
        let text = Document.text(record)

        #expect(!text.contains(/\b(?:nan|inf|NaN|Infinity)/))
        let document = try JSON(text)
        #expect(document["samples"].array[0]["readings", "rate_per_s"] == .null)
        #expect(document["points"].array[0]["fixed_rate_per_s"] == .null)
    }

    @Test func `a document says in words what the record says in figures`() throws {
        let document = try JSON(Document.text(CompareTextTests.session()))
        let figures = document["figures"].array
        let slower = figures.filter {
            $0["reading"] == .string("rate_per_s") && $0["word"] == .string("slower")
        }

        #expect(slower.compactMap { $0["arm"].number } == [5, 6])
        for figure in slower {
            #expect(try #require(figure["ratio_high"].number) < 1)
            #expect(try #require(figure["probability"].number) < 0.05)
        }
        #expect(document["blocking"].array.compactMap { $0["loop"].string } == ["epoll", "poll"])
    }

    @Test(arguments: [
        ("\"swiftlet.compare/2\"", "\"swiftlet.loadtest/1\"", "schema"),
        ("\"baseline\" : 0", "\"baseline\" : 99", "baseline"),
        ("\"outcome\" : \"measured\"", "\"outcome\" : \"lost\"", "arms[0].outcome"),
        ("\"round\" : 0", "\"round\" : -1", "samples[0].round"),
        ("\"rate_per_s\" : ", "\"rate_per_s\" : [], \"_\" : ", "samples[0].readings.rate_per_s"),
        ("\"connections\" : 100", "\"connections\" : 1.5", "points[0].connections"),
        ("\"seed\" : 1", "\"seed\" : \"-\"", "seed"),
    ])
    func `a document that was tampered with is an error that names the place`(
        old: String, new: String, path: String
    ) throws {
        let text = Document.text(Sessions().record())
        #expect(text.contains(old))
        let first = try #require(text.range(of: old))
        let tampered = text.replacingCharacters(in: first, with: new)

        let error = #expect(throws: DocumentError.self) {
            try Document.read(CompareRecord.self, from: tampered)
        }
        #expect(error?.path == path)
    }

    @Test func `a sample of an arm that is not there is refused`() throws {
        var record = Sessions().record()
        record.samples[0].arm = 77

        #expect(throws: DocumentError.self) {
            try Document.read(CompareRecord.self, from: Document.text(record))
        }
    }

    @Test func `another program's document is refused, and members of tomorrow are passed over`()
        throws
    {
        for other in ["null", "[]", "{}", #"{"schema": "swiftlet.loadtest/1"}"#] {
            #expect(throws: DocumentError.self) {
                try Document.read(CompareRecord.self, from: other)
            }
        }
        let read = try Document.read(
            CompareRecord.self, from: #"{"schema": "swiftlet.compare/2", "tomorrow": [1]}"#)
        #expect(read.arms.isEmpty)
    }
}
