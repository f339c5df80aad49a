import Generator

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
        return lines.joined(separator: "\n") + "\n"
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
