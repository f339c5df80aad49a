// How lines are laid out: a label in the first columns, parts or words behind it, 80 columns.

extension TextReport {
    static let width = 80
    /// Columns of the first word of a line.
    static let labelWidth = 11
    static let indent = String(repeating: " ", count: labelWidth)

    func flow(_ label: String, _ parts: [String], separator: String = "   ") -> [String] {
        style.flow(label, parts, separator: separator)
    }

    func sentence(
        _ label: String, _ text: String, _ color: (String) -> String = { $0 }
    ) -> [String] {
        style.sentence(label, text, color)
    }
}

extension Style {
    /// A labelled line of parts; goes on below, without a label, where the width ends.
    func flow(_ label: String, _ parts: [String], separator: String = "   ") -> [String] {
        lines(bold(label.left(TextReport.labelWidth)), parts, separator)
    }

    /// A labelled sentence, broken between its words.
    func sentence(
        _ label: String, _ text: String, _ color: (String) -> String = { $0 }
    ) -> [String] {
        let room = TextReport.width - TextReport.labelWidth
        return flow(label, Style.wrap(text, room).map(color))
    }

    /// A sentence below a section, with a word of its own before it.
    func detail(
        _ word: String, _ text: String, _ color: (String) -> String = { $0 }
    ) -> [String] {
        let gap = String(repeating: " ", count: max(1, TextReport.labelWidth - word.count))
        let label = TextReport.indent + color(word) + gap
        return lines(label, Style.wrap(text, TextReport.width - label.visibleCount), "   ")
    }

    /// Parts behind a first column, which is blank from the second line on.
    private func lines(_ label: String, _ parts: [String], _ separator: String) -> [String] {
        let margin = label.visibleCount
        let indent = String(repeating: " ", count: margin)
        var lines = [label]
        var column = margin
        for part in parts {
            let isFirst = column == margin
            let needed = part.visibleCount + (isFirst ? 0 : separator.count)
            if !isFirst, column + needed > TextReport.width {
                lines.append(indent + part)
                column = margin + part.visibleCount
            } else {
                lines[lines.count - 1] += (isFirst ? "" : separator) + part
                column += needed
            }
        }
        return lines
    }

    /// The text in lines of at most `room` columns, broken between words, or within one that is
    /// longer than a line.
    private static func wrap(_ text: String, _ room: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
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
    /// How many columns the text takes on a terminal, the colours taken out.
    var visibleCount: Int {
        var (count, isEscape) = (0, false)
        for character in self {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape { count += 1 }
            if isEscape, character == "m" { isEscape = false }
        }
        return count
    }
}
