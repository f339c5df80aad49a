import Generator
import SchemaChecks
import Statistics
import Testing

@testable import Reports

/// What the toolchain's JSON is given and gives, where a document depends on it.
@Suite struct `Documents as JSON` {
    private struct Odd: Record {
        var number = 0.0
        var whole = 0
        var text = ""
        var any: [Int] = []

        static let fields: [Field<Odd>] = [
            Field("number", \.number, .number(null: .infinity)), Field("whole", \.whole, .whole),
            Field("text", \.text, .text), Field("list", \.any, .list(.count)),
        ]
    }

    private func again(_ odd: Odd) throws -> (JSON, Odd) {
        let text = Document.text(odd)
        return (try JSON(text), try Document.read(from: text))
    }

    @Test(arguments: [0.1, 1e-300, -5, 1e300, 123_456_789.125])
    func `a number reads back as it was`(number: Double) throws {
        let (document, read) = try again(Odd(number: number))

        #expect(document["number"] == .number(number))
        #expect(read.number == number)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `what is no number in JSON is null`(number: Double) throws {
        let (document, read) = try again(Odd(number: number))

        #expect(document["number"] == .null)
        #expect(read.number == .infinity)
    }

    @Test(arguments: [0, -7, 1 << 53, -1 << 53, 1 << 53 + 1, .max, .min])
    func `a whole number reads back, as a text where a double has no room`(whole: Int) throws {
        let (document, read) = try again(Odd(whole: whole))

        #expect(read.whole == whole)
        #expect((document["whole"].string != nil) == (whole.magnitude > 1 << 53))
    }

    @Test func `any text survives`() throws {
        let text =
            (0..<0x30).compactMap { UnicodeScalar($0).map(String.init) }.joined()
            + "\\ \" / é 🐦 \u{2028} \u{7F} \r\n"
        let (document, read) = try again(Odd(text: text))

        #expect(document["text"] == .string(text))
        #expect(read.text == text)
    }

    @Test func `a byte-order mark, spaces and a number written as 1.0 are no mistake`() throws {
        let read: Odd = try Document.read(from: "\u{FEFF} {\"whole\": 1.0, \"list\": [ 2 , 3 ]}")

        #expect(read.whole == 1)
        #expect(read.any == [2, 3])
    }

    @Test(arguments: [
        ("", "the document is empty"), ("nul", "the document is no JSON, or is cut off"),
        ("{\"a\": 1", "the document is no JSON, or is cut off"),
        ("[1]", "the document is no object"), ("7", "the document is no object"),
        (#"{"number": "x"}"#, "number is no number"),
        (#"{"whole": 1.5}"#, "whole is no whole number"),
        (#"{"whole": "x"}"#, "whole is no whole number"), (#"{"text": 1}"#, "text is no text"),
        (#"{"list": 1}"#, "list is no array"), (#"{"list": [1, -1]}"#, "list[1] is -1 and not"),
    ])
    func `what cannot be read is said with its place and what was expected`(
        text: String, words: String
    ) {
        let error = #expect(throws: DocumentError.self) { try Document.read(Odd.self, from: text) }

        #expect(error?.description.hasPrefix(words) == true, "\(error?.description ?? "")")
    }

    @Test func `a text nested without end is an error and not a crash`() {
        let deep = String(repeating: "[", count: 100_000)

        #expect(throws: DocumentError.self) { try Document.read(Odd.self, from: deep) }
    }

    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func `a damaged text is an error or a record`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let whole = #"{"number": -2.5e-3, "text": "x\u00e9\n", "list": [1, 2], "no": {"c": null}}"#
        var bytes = Array(whole.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            bytes[.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) {
            bytes.removeLast(.random(in: 0...bytes.count, using: &random))
        }

        do throws(DocumentError) {
            let read = try Document.read(Odd.self, from: String(decoding: bytes, as: UTF8.self))
            let again: Odd = try Document.read(from: Document.text(read))
            #expect(again.text == read.text)
        } catch {
            #expect(!error.description.isEmpty)
        }
    }
}
