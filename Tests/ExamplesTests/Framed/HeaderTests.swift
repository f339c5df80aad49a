import Testing

@testable import Examples

@Suite struct HeaderTests {
    private func read(_ text: String) throws(BrokenFrame) -> Header {
        try Header(Array(text.utf8))
    }

    @Test func `what is written is read`() throws {
        let header: Header = [
            "name": "a \"b\" \\ \n \0 \u{1f} é 😀", "size": 12, "debt": .number(.min),
            "big": .number(.max), "yes": .flag(true), "no": .flag(false), "": "",
        ]

        #expect(try Header(header.bytes) == header)
        #expect(try Header(([:] as Header).bytes) == [:])
    }

    @Test func `what Python writes is read`() throws {
        let header = try read(#" { "a" : "\u00fc\ud83d\ude00\/\b\f\t" , "size": -1,"t": true } "#)

        #expect(header == ["a": "ü😀/\u{8}\u{c}\t", "size": -1, "t": .flag(true)])
    }

    @Test(arguments: [
        "", "{", "}", "{}}", "{} x", "[]", "null", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#,
        #"{"a":1 "b":2}"#, #"{a:1}"#, #"{"a":1.5}"#, #"{"a":1e3}"#, #"{"a":+1}"#, #"{"a":007}"#,
        #"{"a":-0}"#, #"{"a":9223372036854775808}"#, #"{"a":null}"#, #"{"a":[1]}"#,
        #"{"a":{}}"#, #"{"a":"x}"#, #"{"a":"\x41"}"#, #"{"a":"\u12"}"#, #"{"a":"\u+123"}"#,
        #"{"a":"\ud83d"}"#, #"{"a":"\ude00\ud83d"}"#, #"{"a":"\ud83d\u0041"}"#,
        #"{"a":1,"a":2}"#, "{\"a\":\"\n\"}", #"{"a":"\"#, #"{"a":tru}"#,
    ])
    func `what is no flat object is refused`(text: String) {
        #expect(throws: BrokenFrame.self) { try read(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        let spoiled: [[UInt8]] = [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
        ]
        for bytes in spoiled {
            #expect(throws: BrokenFrame("the header is not UTF-8")) {
                try Header(Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8))
            }
        }
    }

    @Test func `spoiled headers are refused or mean what they say`() {
        let samples = [
            #"{"do":"put","name":"caf\u00e9 \ud83d\ude00","size":65536,"ok":true}"#, "{}",
            #" { "a" : -12 , "b" : "\\\"\n" , "c":false } "#,
        ].map { Array($0.utf8) }
        var read = 0

        fuzz(samples) { bytes in
            guard let header = try? Header(bytes) else { return }
            read += 1
            #expect((try? Header(header.bytes)) == header)
        }

        #expect(read > 1_000)
    }

    @Test func `a field that is missing or of another kind is named`() {
        let header: Header = ["size": "12", "count": -1]

        #expect(throws: Failure(.data, "the header has no text 'name'")) {
            try header.text("name")
        }
        for name in ["size", "count", "none"] {
            #expect(throws: Failure.self) { try header.number(name) }
        }
    }
}
