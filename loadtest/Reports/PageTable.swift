import Charts
import Generator
import Statistics

/// A table as a value, so that HTML and Markdown say the same.
struct PageTable {
    let title: String
    let head: [String]
    /// Each as long as the head; the first cell names its row.
    let rows: [[String]]

    /// A real table: its head and the first cells are headers, for those who have it read to them.
    var html: String {
        guard !rows.isEmpty else { return "" }
        let isRight = self.isRight
        let top = head.indices.map { column in
            Markup.element(
                "th", ["scope": "col", "class": isRight[column] ? "n" : "w"],
                Markup.escape(head[column]) + " ")
        }
        let body = rows.map { row in
            let cells = row.indices.dropFirst().map { column in
                Markup.element(
                    "td", isRight[column] ? ["class": "n"] : [:], Markup.escape(row[column]) + " ")
            }
            let name = Markup.element("th", ["scope": "row"], Markup.escape(row[0]) + " ")
            return Markup.element("tr", [:], name + cells.joined()) + "\n"
        }
        let table = Markup.element(
            "table", [:],
            Markup.element("caption", [:], Markup.escape(title))
                + Markup.element("thead", [:], Markup.element("tr", [:], top.joined())) + "\n"
                + Markup.element("tbody", [:], body.joined()))
        return Markup.element("div", ["class": "wide"], table) + "\n"
    }

    /// The same as GitHub and others read it.
    var markdown: [String] {
        guard !rows.isEmpty else { return [] }
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let columns = isRight.map { $0 ? "---:" : ":---" }
        let body = rows.map { line($0.map(MarkdownReport.escape)) }
        return ["", "**\(MarkdownReport.escape(title))**", ""]
            + [line(head.map(MarkdownReport.escape)), line(columns)] + body
    }

    /// The columns that stand at the right: of figures only.
    private var isRight: [Bool] {
        head.indices.map { column in
            column > 0 && rows.allSatisfy { PageTable.isFigure($0[column]) }
        }
    }

    /// Whether a cell is a number with its unit, or the dash of a missing one.
    private static func isFigure(_ cell: String) -> Bool {
        guard let first = cell.drop(while: { "≥+ ".contains($0) }).first else { return true }
        return first.isNumber && cell.count < 20 || cell == "-"
    }
}
