import Statistics
import Testing

@testable import Reports

@Suite struct `Parsing JSON` {
    private func again(_ text: String) throws -> String {
        try JSONValue(parsing: text).serialized
    }

    @Test(arguments: [
        ("null", "null"), (" [ 1 , -0.5 , 1e3 ] ", "[1, -0.5, 1000.0]"), ("-0", "0"),
        (#""\u00e9\ud83d\udc26\/\b\f""#, #""é🐦/\u0008\u000c""#),
        ("[]", "[]"), ("{}", "{}"), ("12345678901234567890", "1.2345678901234567e+19"),
        ("{\"a\":{\"b\":true}}", "{\n  \"a\": {\n    \"b\": true\n  }\n}"),
    ])
    func `what is JSON is read`(text: String, expected: String) throws {
        #expect(try again(text) == expected)
    }

    @Test(arguments: [
        ("", "line 1, column 1: it ends where a value should be"),
        ("[1,\n 2,]", "line 2, column 4: here is no value"),
        ("{\"a\" 1}", "line 1, column 6: a name needs : behind it"),
        ("{a:1}", "line 1, column 2: a member needs its name in quotes here"),
        ("[1 2]", "line 1, column 4: an array needs , or ] here"),
        ("{\"a\":1 \"b\":2}", "line 1, column 8: an object needs , or } here"),
        ("nul", "line 1, column 1: here is no value"),
        ("1 2", "line 1, column 3: something follows the end"),
        ("01", "line 1, column 2: something follows the end"),
        ("1.", "line 1, column 3: here is no value"),
        ("+1", "line 1, column 1: here is no value"),
        ("NaN", "line 1, column 1: here is no value"),
        ("1e999", "line 1, column 6: the number is too large"),
        ("\"abc", "line 1, column 5: a text does not end"),
        ("\"a\tb\"", "line 1, column 4: a text has a control character, not escaped"),
        (#""\x""#, "line 1, column 4: a backslash with a letter that means nothing"),
        (#""\u12g4""#, #"line 1, column 4: \u needs four hexadecimal digits"#),
        (#""\ud800""#, "line 1, column 8: half a character"),
        (#""\ud800\u0041""#, "line 1, column 14: half a character"),
        (#""\"#, "line 1, column 3: a backslash with a letter that means nothing"),
    ])
    func `what is not says where and why`(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `a text nested without end is an error and not a crash`() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        let fitting = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(try again(fitting).count > 200)
    }

    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `a damaged text is an error or a value`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let whole = #"{"a": [1, -2.5e-3, "x\u00e9\n"], "b": {"c": null, "d": [true, false]}}"#
        var bytes = Array(whole.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            bytes[.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) {
            bytes.removeLast(.random(in: 0...bytes.count, using: &random))
        }

        // Where it is still JSON, so is what we write; the seed is the test's argument.
        do throws(JSONError) {
            let value = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
            let written = value.serialized
            let again = try JSONValue(parsing: written).serialized
            #expect(again == written)
        } catch {
            #expect((1...4).contains(error.line))
            #expect((1...whole.utf8.count * 3 + 1).contains(error.column))
        }
    }
}
