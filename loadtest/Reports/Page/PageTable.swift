import Charts
import Generator
import Statistics

/// A table as a value, so that HTML and Markdown say the same.
package struct PageTable {
    let title: String
    let head: [String]
    /// Each as long as the head; the first cell names its row.
    let rows: [[String]]
    /// Whether each row has the colour of its number in the pictures.
    var isColored = false

    package init(title: String, head: [String], rows: [[String]]) {
        self.title = title
        self.head = head
        self.rows = rows
    }

    /// A real table: its head and the first cells are headers, which screen readers need.
    package var html: String {
        guard !rows.isEmpty else { return "" }
        let columns = self.columns
        let top = zip(head, columns).map { cell, column in
            PageTable.cell("th", ["scope": "col", "class": column.rawValue], cell)
        }
        let body = rows.enumerated().map { number, row in
            let cells = zip(row, columns).dropFirst().map { cell, column in
                PageTable.cell("td", ["class": column.rawValue], cell)
            }
            let color = isColored ? Markup.swatch(of: number) : ""
            let name = PageTable.cell("th", ["scope": "row"], row[0], after: color)
            return Markup.element("tr", [:], name + cells.joined()) + "\n"
        }
        let table = Markup.element(
            "table", [:],
            Markup.element("caption", [:], Markup.escape(title))
                + Markup.element("thead", [:], Markup.element("tr", [:], top.joined())) + "\n"
                + Markup.element("tbody", [:], body.joined()))
        // A box that scrolls must be reached by keyboard.
        return Markup.element("div", ["class": "scroll", "tabindex": "0"], table) + "\n"
    }

    /// The same as GitHub and others read it.
    package var markdown: [String] {
        guard !rows.isEmpty else { return [] }
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        let columns = columns.map { $0 == .figures ? "---:" : ":---" }
        let body = rows.map { line($0.map(MarkdownReport.escape)) }
        return ["", "**\(MarkdownReport.escape(title))**", ""]
            + [line(head.map(MarkdownReport.escape)), line(columns)] + body
    }

    /// What a column holds, by the name of its class.
    private enum Column: String {
        /// Stands at the right.
        case figures = "n"
        case words = "w"
        /// Needs some width, or it becomes a tower of words.
        case sentences = "long"
    }

    private var columns: [Column] {
        head.indices.map { column in
            let cells = rows.map { $0[column] }
            if column > 0, cells.allSatisfy(PageTable.isFigure) { return .figures }
            return column > 0 && cells.contains { $0.count > 30 } ? .sentences : .words
        }
    }

    /// The space keeps cells apart where a page is read without its style.
    private static func cell(
        _ name: String, _ attributes: KeyValuePairs<String, String>, _ text: String,
        after markup: String = ""
    ) -> String {
        Markup.element(name, attributes, markup + Markup.escape(text) + " ")
    }

    /// Whether a cell is a number with its unit, or the dash of a missing one.
    private static func isFigure(_ cell: String) -> Bool {
        guard let first = cell.drop(while: { "≥>=+ ".contains($0) }).first else { return true }
        return first.isNumber && cell.count < 20 || cell == "-"
    }
}

/// A short report for pull requests and job summaries: verdict, tables, how to repeat.
package struct MarkdownReport {
    let runs: [PageRun]

    package init(_ runs: [PageRun]) { self.runs = runs }

    package var text: String {
        let tables = PageTables(runs: runs)
        let middle = [
            tables.throughput, tables.latencies, tables.steps, tables.errors, tables.parts,
            tables.environment,
        ].flatMap(\.markdown)
        let lines = ["### Load test"] + runs.flatMap(verdict) + middle + runs.flatMap(repetition)
        return (lines.joined(separator: "\n") + "\n").withoutControls
    }

    private func verdict(_ run: PageRun) -> [String] {
        let verdict = run.record.verdict
        let findings = verdict.findings.map {
            "- `\($0.code)` " + MarkdownReport.escape("\($0.text) → \($0.remedy)")
        }
        return ["", "**\(verdict.level.rawValue)** \(MarkdownReport.escape(run.name))"]
            + (findings.isEmpty ? [] : [""]) + findings
    }

    /// The command as a block that is code by its indentation: no fence that it could close.
    private func repetition(_ run: PageRun) -> [String] {
        let words = run.record.repeatCommand.map { $0.isNewline ? " " : $0 }
        return words.isEmpty ? [] : ["", "To repeat:", "", "    " + String(words)]
    }

    /// Text that is nothing but text: no tag, no link, no end of a table's cell.
    package static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\\", "`", "*", "_", "[", "]", "|", "~", "#", "!":
                escaped += "\\" + String(character)
            case _ where character.isNewline: escaped += " "
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
