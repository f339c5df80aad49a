import Flags
import SchemaChecks
import Testing

@testable import Reports

@Suite struct `Percentiles that are asked for` {
    @Test(arguments: [
        ("50,95,99.9", [0.5, 0.95, 0.999]), ("99%, 1", nil), ("99,50,99", [0.5, 0.99]),
        ("99.9999", [0.999999]), ("0.01", [0.0001]),
    ])
    func `are read, each once, in their order`(text: String, quantiles: [Double]?) {
        let read = try? Percentiles.quantiles(text)

        #expect(read == quantiles)
    }

    @Test(arguments: [
        ("", "has an empty item"), ("p50", "has 'p50', which is no percentile; write 50,95,99.9"),
        ("50,,99", "has an empty item"), ("0", "has '0', which is out of range"),
        ("100", "out of range: give more than 0, and 99.9999 at most"), ("-5", "no percentile"),
        ("1,2,3,4,5,6,7,8,9,10,11", "has 11 percentiles: give at most 10"),
    ])
    func `are refused with what is wrong`(text: String, words: String) {
        let mistake = #expect(throws: Units.Mistake.self) { try Percentiles.quantiles(text) }

        #expect(mistake?.description.contains(words) == true, "\(mistake?.description ?? "")")
    }

    @Test func `stand in the document, from which they are read again`() throws {
        var record = try Sample.record()
        record.percentiles = [0.75, 0.999]
        let text = Document.text(record)
        let document = try JSON(text)

        let percentiles = document["percentiles"].array
        #expect(percentiles.compactMap { $0["q"].number } == [0.75, 0.999])
        #expect(percentiles.compactMap { $0["value"].number } == [0.015138815, 0.020099])
        #expect(try Document.read(RunRecord.self, from: text).percentiles == [0.75, 0.999])
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `p95 and the standard deviation are in every document`() throws {
        let document = try JSON(Document.text(try Sample.record()))
        let response = document["latency", "response"]

        #expect(response["q"].array.compactMap { $0["q"].number }.contains(0.95))
        // Spread evenly over 20 ms.
        let deviation = try #require(response["stddev"].number)
        #expect(abs(deviation / (0.02 / 12.0.squareRoot()) - 1) < 0.01)
    }
}
