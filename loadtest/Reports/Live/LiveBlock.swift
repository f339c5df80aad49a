/// Lines that are drawn over and over in one place of a terminal's normal screen.
///
/// They scroll up with what is printed above and leave nothing behind when they are erased. The
/// cursor stays at their end and is never hidden, so there is nothing to restore.
package struct LiveBlock: Sendable {
    /// Columns of each line that is on the screen.
    private var drawn: [Int] = []

    private static let clearRest = "\u{1B}[K"
    private static let clearBelow = "\u{1B}[J"

    package init() {}

    /// How wide a line may be on a terminal of that many columns, however few: with room at the
    /// right for the ^C that a terminal writes there.
    package static func room(in columns: Int) -> Int { max(0, columns - 3) }

    /// What puts `lines` in the place of those before, on a terminal of that many columns.
    package mutating func replace(with lines: [String], columns: Int) -> String {
        let top = top(columns)
        drawn = lines.map(\.visibleCount)
        return top + lines.map { $0 + LiveBlock.clearRest }.joined(separator: "\r\n")
            + LiveBlock.clearBelow
    }

    /// What takes the lines off the screen and leaves the cursor where they began.
    package mutating func erase(columns: Int) -> String {
        guard !drawn.isEmpty else { return "" }
        let top = top(columns)
        drawn = []
        return top + LiveBlock.clearBelow
    }

    /// Back to the first column of the first line.
    ///
    /// A terminal that was made narrower has broken long lines into several rows.
    private func top(_ columns: Int) -> String {
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(1, columns)) }
        return "\r" + (rows > 1 ? "\u{1B}[\(rows - 1)A" : "")
    }
}
