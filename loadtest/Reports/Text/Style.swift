/// Colour as sugar: every word reads the same without it.
package struct Style: Sendable {
    package let isColored: Bool

    package init(isColored: Bool) { self.isColored = isColored }

    /// No colour at all.
    package static let plain = Style(isColored: false)

    /// When colour is used.
    package enum Choice: String, CaseIterable, Sendable {
        case auto, always, never

        /// "auto" wants a terminal that is not a dumb one, and obeys NO_COLOR (no-color.org).
        package func style(isTerminal: Bool, environment: (String) -> String?) -> Style {
            switch self {
            case .always: return Style(isColored: true)
            case .never: return .plain
            case .auto:
                let refuses = environment("NO_COLOR").map { !$0.isEmpty } ?? false
                let isDumb = environment("TERM") == "dumb"
                return Style(isColored: isTerminal && !refuses && !isDumb)
            }
        }
    }

    package func bold(_ text: String) -> String { wrap(text, "1") }
    package func dim(_ text: String) -> String { wrap(text, "2") }
    package func bad(_ text: String) -> String { wrap(text, "31") }
    package func good(_ text: String) -> String { wrap(text, "32") }
    package func warning(_ text: String) -> String { wrap(text, "33") }

    /// What the colours above are, and their end.
    static let codes = ["0", "1", "2", "31", "32", "33"]

    private func wrap(_ text: String, _ code: String) -> String {
        isColored && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

// How lines are laid out: a label in the first columns, parts or words behind it, 80 columns.

extension TextReport {
    package static let width = 80
    /// Columns of the first word of a line.
    package static let labelWidth = 11
    static let indent = String(repeating: " ", count: labelWidth)

    func flow(_ label: String, _ parts: [String], separator: String = "   ") -> [String] {
        style.flow(label, parts, separator: separator, width: width)
    }

    /// A line of a table: each cell fills its column, at its right, or at its left where that is
    /// negative. A screen that is too narrow for the table gets the cells one behind the other.
    func row(_ label: String, _ cells: [(text: String, column: Int)]) -> [String] {
        if width < TextReport.width { return flow(label, cells.map(\.text)) }
        let columns = cells.map { text, column in
            let gap = String(repeating: " ", count: max(0, abs(column) - text.visibleCount))
            return column < 0 ? text + gap : gap + text
        }
        return [style.bold(label.left(TextReport.labelWidth)) + columns.joined()]
    }

    func sentence(
        _ label: String, _ text: String, _ color: (String) -> String = { $0 }
    ) -> [String] {
        style.sentence(label, text, color, width: width)
    }
}

extension Style {
    /// A labelled line of parts; goes on below, without a label, where the width ends.
    package func flow(
        _ label: String, _ parts: [String], separator: String = "   ",
        width: Int = TextReport.width
    ) -> [String] {
        lines(bold(label.left(TextReport.labelWidth)), parts, separator, width)
    }

    /// A labelled sentence, broken between its words.
    package func sentence(
        _ label: String, _ text: String, _ color: (String) -> String = { $0 },
        width: Int = TextReport.width
    ) -> [String] {
        let room = width - TextReport.labelWidth
        return flow(label, Style.wrap(text, room).map(color), width: width)
    }

    /// A sentence of a section, with a word of its own before it.
    func detail(
        _ label: String, _ word: String, _ text: String, _ color: (String) -> String, width: Int
    ) -> [String] {
        let gap = String(repeating: " ", count: max(1, TextReport.labelWidth - word.count))
        let head = bold(label.left(TextReport.labelWidth)) + color(word) + gap
        let parts = Style.wrap(text, width - head.visibleCount)
        return lines(head, parts, "   ", width)
    }

    /// Parts behind a first column, which is blank from the second line on.
    private func lines(
        _ label: String, _ parts: [String], _ separator: String, _ width: Int
    ) -> [String] {
        let margin = label.visibleCount
        let indent = String(repeating: " ", count: margin)
        var lines = [label]
        var column = margin
        for part in parts.flatMap({ fitting($0, width - margin) }) {
            let isFirst = column == margin
            let needed = part.visibleCount + (isFirst ? 0 : separator.count)
            if !isFirst, column + needed > width {
                lines.append(indent + part)
                column = margin + part.visibleCount
            } else {
                lines[lines.count - 1] += (isFirst ? "" : separator) + part
                column += needed
            }
        }
        return lines
    }

    /// A part as it is, or in lines where none has room for it; a coloured one is left as it is.
    private func fitting(_ part: String, _ room: Int) -> [String] {
        part.visibleCount <= room || part.visibleCount < part.count
            ? [part] : Style.wrap(part, room)
    }

    /// The words of a text; a percent sign belongs to its number.
    private static func words(of text: String) -> [Substring] {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.reduce(into: []) { joined, word in
            if word.first == "%", let number = joined.last, number.last?.isNumber == true {
                joined[joined.count - 1] = number + " " + word
            } else {
                joined.append(word)
            }
        }
    }

    /// The text in lines of at most `room` columns, broken between words, or within one that is
    /// longer than a line.
    package static func wrap(_ text: String, _ room: Int) -> [String] {
        let room = max(1, room)
        var lines: [String] = []
        for word in words(of: text) {
            var rest = word
            if let last = lines.last, last.count + 1 + rest.count <= room {
                lines[lines.count - 1] += " " + rest
                continue
            }
            while rest.count > room {
                lines.append(String(rest.prefix(room)))
                rest = rest.dropFirst(room)
            }
            lines.append(String(rest))
        }
        return lines
    }
}

extension String {
    /// The first columns of a text, with the sequences that colour them.
    package func clipped(to columns: Int) -> String {
        var (text, count, isEscape) = ("", 0, false)
        for character in self {
            let isVisible = !isEscape && character != "\u{1B}"
            if isVisible, count >= columns { continue }
            text.append(character)
            if isVisible { count += 1 }
            isEscape = isEscape ? !character.isLetter : character == "\u{1B}"
        }
        return text
    }

    /// How many columns the text takes on a terminal: its characters, without the sequences that
    /// colour it, each of which ends with a letter.
    package var visibleCount: Int {
        var (count, isEscape) = (0, false)
        for character in self {
            if isEscape {
                isEscape = !character.isLetter
            } else if character == "\u{1B}" {
                isEscape = true
            } else {
                count += 1
            }
        }
        return count
    }
}

extension String {
    /// The text without what could steer a terminal: U+FFFD stands in the place of controls, but
    /// for line feeds, tabs and the colours of `Style`.
    package var printable: String {
        guard contains("\u{1B}") else { return withoutControls }
        // Each part but the first begins behind an escape character.
        let parts = split(separator: "\u{1B}", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts[0]).withoutControls) { text, part in
            let isColor = Style.codes.contains { part.hasPrefix("[\($0)m") }
            return text + (isColor ? "\u{1B}" : "\u{FFFD}") + String(part).withoutControls
        }
    }

    /// The text with U+FFFD in the place of each control character that is no line feed or tab.
    package var withoutControls: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? "\u{FFFD}" : $0 }))
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool {
        self != "\n" && self != "\t" && (value < 0x20 || (0x7F...0x9F).contains(value))
    }
}
