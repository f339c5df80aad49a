/// Renders a table of flags as the text that `--help` prints: at most 80 columns wide.
extension FlagTable {
    private static let width = 80
    /// A flag whose left column is longer than this has its help on the next line.
    private static let leftMax = 26

    /// The text that `--help` prints, without a line feed at its end.
    package var help: String { text(of: groups.filter { !$0.isAdvanced }) }

    /// The text that `--help all` prints: every group.
    package var helpForAll: String { text(of: groups) }

    private func text(of groups: [FlagGroup]) -> String {
        var lines = [summary, ""]
        for (index, form) in usage.enumerated() {
            lines.append((index == 0 ? "usage: " : "       ") + "\(command) \(form)")
        }
        let left = groups.flatMap(\.flags).map { FlagTable.left(of: $0).count }
        let column = min(left.max() ?? 0, FlagTable.leftMax) + 2
        for group in groups {
            // The common flags close the last group instead of opening one.
            if !group.heading.isEmpty { lines += ["", group.heading] }
            lines += group.flags.flatMap { FlagTable.lines(of: $0, column: column) }
        }
        if !footer.isEmpty { lines += [""] + footer }
        return lines.joined(separator: "\n")
    }

    private static func left(of flag: Flag) -> String {
        let letter = flag.letter.map { "-\($0), " } ?? "    "
        return "  \(letter)--\(flag.name)" + (flag.placeholder.map { " \($0)" } ?? "")
    }

    private static func lines(of flag: Flag, column: Int) -> [String] {
        let left = left(of: flag)
        var texts = wrap(flag.help, to: width - column)
        let indent = String(repeating: " ", count: column)
        guard left.count <= column - 2 else { return [left] + texts.map { indent + $0 } }
        let gap = String(repeating: " ", count: column - left.count)
        let first = texts.isEmpty ? "" : texts.removeFirst()
        return [left + gap + first] + texts.map { indent + $0 }
    }

    private static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
