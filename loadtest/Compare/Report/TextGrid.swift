import Reports

/// A table for a terminal: as wide as what is in it, cut into several where it would be too wide.
///
///     coroutine-epoll   118,210/s   baseline
///     threads            88,120/s   -25 % [-27, -24]   slower
///     io_uring         skipped: io_uring is disabled on this machine
struct TextGrid {
    struct Column {
        /// Up to two lines.
        let head: [String]
        /// Figures stand at the right, words at the left.
        var isWords = false

        init(_ head: String, isWords: Bool = false) {
            self.head = [head]
            self.isWords = isWords
        }

        /// A column of figures.
        init(lines: [String]) { head = lines }
    }

    struct Cell {
        let text: String
        var color: @Sendable (String) -> String = { $0 }

        init(_ text: String, _ color: @escaping @Sendable (String) -> String = { $0 }) {
            self.text = text
            self.color = color
        }
    }

    enum Row {
        /// A name and a cell for each column.
        case cells(String, [Cell])
        /// A name, and a sentence in the place of the figures.
        case sentence(String, Cell)
    }

    var columns: [Column]
    var rows: [Row]
    private static let gap = 2
    /// Names of other people's servers may be longer; they are cut.
    private static let nameMax = 24

    func lines(width: Int, style: Style) -> [String] {
        let shares = shares(of: width)
        return shares.enumerated().flatMap { index, share in
            (index > 0 ? [""] : []) + head(share, width, style)
                + rows.flatMap { lines(of: $0, share, isFirst: index == 0, width, style) }
        }
    }

    private var nameWidth: Int {
        let names = rows.map { row in
            switch row {
            case .cells(let name, _), .sentence(let name, _): name.count
            }
        }
        return min(names.max() ?? 0, TextGrid.nameMax)
    }

    private func width(of column: Int) -> Int {
        let cells = rows.map { row in
            if case .cells(_, let cells) = row { cells[column].text.count } else { 0 }
        }
        return max(cells.max() ?? 0, columns[column].head.map(\.count).max() ?? 0)
    }

    /// The width of a column of words that are broken as often as can be: of the longest one.
    private func leastWidth(of column: Int) -> Int {
        let words = rows.flatMap { row -> [Substring] in
            guard case .cells(_, let cells) = row else { return [] }
            return cells[column].text.split(separator: " ")
        }
        let heads = columns[column].head.map(\.count)
        return max(words.map(\.count).max() ?? 0, heads.max() ?? 0)
    }

    /// The columns that stand side by side, table by table. The last one may be wrapped.
    private func shares(of width: Int) -> [Range<Int>] {
        var (shares, start, used) = ([Range<Int>](), 0, nameWidth)
        for column in columns.indices {
            let whole = self.width(of: column)
            let least = columns[column].isWords ? leastWidth(of: column) : whole
            if column > start, used + TextGrid.gap + least > width {
                shares.append(start..<column)
                (start, used) = (column, nameWidth)
            }
            used += TextGrid.gap + whole
        }
        return shares + [start..<columns.count]
    }

    private func head(_ share: Range<Int>, _ width: Int, _ style: Style) -> [String] {
        let height = share.map { columns[$0].head.count }.max() ?? 0
        return (0..<height).map { line in
            let cells = share.map { column in
                let head = columns[column].head
                // A short head stands on the lower line.
                let place = line - (height - head.count)
                return pad(place < 0 ? "" : head[place], column)
            }
            return style.dim(cut(trimmed("".left(nameWidth) + cells.joined()), to: width))
        }
    }

    private func lines(
        of row: Row, _ share: Range<Int>, isFirst: Bool, _ width: Int, _ style: Style
    ) -> [String] {
        let gap = "".left(TextGrid.gap)
        switch row {
        case .sentence(let name, let cell):
            guard isFirst else { return [] }
            let parts = Style.wrap(cell.text, width - nameWidth - TextGrid.gap)
            return parts.enumerated().map { index, part in
                let start = index == 0 ? style.bold(self.name(name)) : "".left(nameWidth)
                return start + gap + cell.color(part)
            }
        case .cells(let name, let cells):
            var lines = [style.bold(self.name(name))]
            for column in share {
                let cell = cells[column]
                let margin = lines[0].visibleCount + TextGrid.gap
                guard columns[column].isWords, column == share.upperBound - 1,
                    margin + cell.text.count > width
                else {
                    lines[0] += pad(cell.text, column, cell.color)
                    continue
                }
                let parts = Style.wrap(cell.text, width - margin)
                lines[0] += gap + cell.color(parts.first ?? "")
                lines += parts.dropFirst().map { "".left(margin) + cell.color($0) }
            }
            return lines.map(trimmed)
        }
    }

    private func name(_ name: String) -> String { cut(name, to: nameWidth).left(nameWidth) }

    private func cut(_ text: String, to width: Int) -> String {
        text.count > width ? text.prefix(max(0, width - 1)) + "…" : text
    }

    /// The gap before a cell, and the cell in its column's width.
    private func pad(
        _ text: String, _ column: Int, _ color: (String) -> String = { $0 }
    ) -> String {
        let room = String(repeating: " ", count: max(0, width(of: column) - text.count))
        let gap = "".left(TextGrid.gap)
        return gap + (columns[column].isWords ? color(text) + room : room + color(text))
    }

    private func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }
}
