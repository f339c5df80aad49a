import Generator
import Testing

@testable import Reports

@Suite struct `Words that came from outside` {
    @Test func `lose what steers a terminal, and keep the colours of the style`() {
        let style = Style(isColored: true)

        #expect((style.bad("a\tb") + "\n").printable == style.bad("a\tb") + "\n")
        #expect(
            "\u{1B}[2J\u{1B}]0;t\u{7}\u{9B}x\r\n".printable
                == "\u{FFFD}[2J\u{FFFD}]0;t\u{FFFD}\u{FFFD}x\u{FFFD}\n")
        #expect("é🐦 \u{1B}[8mhidden".printable == "é🐦 \u{FFFD}[8mhidden")
        #expect("".printable == "")
        #expect(style.bad("x").withoutControls == "\u{FFFD}[31mx\u{FFFD}[0m")
    }
}

@Suite struct `Colour` {
    @Test func `colour changes no word`() throws {
        let record = try Sample.record(Sample.disaster(), failIf: ["errors>0"])
        let plain = TextReport(record).results
        let colored = TextReport(record, style: Style(isColored: true)).results

        #expect(plain != colored)
        #expect(colored.map(\.withoutEscapes) == plain)
    }

    @Test func `colour waits for a terminal that wants it`() {
        func isColored(
            _ choice: Style.Choice,
            _ isTerminal: Bool,
            _ variables: [String: String] = [:]
        ) -> Bool {
            choice.style(isTerminal: isTerminal) { variables[$0] }.isColored
        }

        #expect(isColored(.auto, true))
        #expect(!isColored(.auto, false))
        #expect(!isColored(.auto, true, ["NO_COLOR": "1"]))
        #expect(isColored(.auto, true, ["NO_COLOR": ""]))
        #expect(!isColored(.auto, true, ["TERM": "dumb"]))
        #expect(isColored(.always, false, ["NO_COLOR": "1"]))
        #expect(!isColored(.never, true))
    }

    @Test func `a line is broken between words, and never before the sign of a percentage`() {
        #expect(Style.wrap("it grew by 5 % then", 12) == ["it grew by", "5 % then"])
        #expect(Style.wrap("of % it", 4) == ["of %", "it"])
        #expect(Style.wrap("abcdef", 2) == ["ab", "cd", "ef"])
        #expect(Style.wrap("ab", 0) == ["a", "b"])
    }
}

extension String {
    /// The text without the colours of a terminal.
    fileprivate var withoutEscapes: String {
        var (text, isEscape) = ("", false)
        for character in self {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape { text.append(character) }
            if character == "m" { isEscape = false }
        }
        return text
    }
}
