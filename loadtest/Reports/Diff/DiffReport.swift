import Statistics

/// The differences for people: a row for each figure, at most 80 columns, the result last.
package struct DiffReport {
    private let diff: Diff
    /// The files of both sides, as they were given.
    private let names: (old: String, new: String)
    private let style: Style

    /// Settings that differ are shown up to here.
    private static let differencesMax = 8
    private static let settingMax = 60

    package init(
        _ diff: Diff, old: String, new: String, style: Style = .plain
    ) {
        self.diff = diff
        names = (old, new)
        self.style = style
    }

    package var lines: [String] {
        side("A", names.old, diff.labels.old) + side("B", names.new, diff.labels.new) + warnings + [
            ""
        ] + table
            + [""] + method + result
    }

    private func side(_ letter: String, _ files: String, _ labels: Labels) -> [String] {
        let lines = style.sentence(letter, files)
        let texts = labels.texts
        return texts.isEmpty ? lines : lines + style.sentence("", texts.joined(separator: "   "))
    }

    private var warnings: [String] {
        let all = diff.differences
        var lines = all.prefix(DiffReport.differencesMax).flatMap { difference in
            let (old, new) = (short(difference.old), short(difference.new))
            return style.sentence(
                "differs", "\(difference.name): \(old) in A, \(new) in B", style.warning)
        }
        let rest = all.count - DiffReport.differencesMax
        if rest > 0 { lines += style.sentence("differs", "and \(rest) settings more") }
        return lines
            + diff.doubts.flatMap {
                style.sentence("doubt", "\($0): its figures may not be what they seem", style.bad)
            }
    }

    private func short(_ text: String) -> String {
        text.count > DiffReport.settingMax ? text.prefix(DiffReport.settingMax) + "…" : text
    }

    // MARK: - The table

    private var table: [String] {
        let title =
            "A".right(24) + "B".right(10) + "change".right(8) + "95 %".right(15) + "sees".right(7)
        return [style.dim(title)] + diff.rows.map(cells)
    }

    private func cells(of row: Diff.Row) -> String {
        let figure = row.figure
        let ends = row.change.flatMap { change in
            change.halfWidth.map { half in
                let (low, high) = (change.difference - half, change.difference + half)
                return "\(percent(low, figure))..\(percent(high, figure))"
            }
        }
        // A change of so many percent up; down is a little less.
        let sees = row.smallest.map { percent($0, figure).dropFirst() }.map(String.init)
        return style.bold(figure.name.left(14)) + text(row.old, figure).right(10)
            + text(row.new, figure).right(10)
            + (row.change.map { percent($0.difference, figure) } ?? "-").right(8)
            + (ends ?? "-").right(15) + (sees ?? "-").right(7) + " " + word(for: row.outcome)
    }

    private func text(_ value: Metric.Value?, _ figure: Diff.Figure) -> String {
        guard let value else { return "-" }
        let text =
            switch figure.kind {
            case .time: Figures.time(nanoseconds: value.figure)
            case .rate: DiffReport.rate(value.figure) + "/s"
            case .bytes: Figures.bytes(value.figure)
            case .share: Figures.percent(value.figure)
            }
        return (value.isLowerBound ? ">=" : "") + text
    }

    /// Three digits, in millions or billions where thousands would not fit.
    private static func rate(_ value: Double) -> String {
        switch value {
        case ..<999_500: Figures.short(value)
        case ..<999_500_000: Figures.short(value / 1e6) + "M"
        default: Figures.short(value / 1e9) + "G"
        }
    }

    /// A change with its sign: "+12.3 %", or "x12.3" where percents would be long; of shares, the
    /// difference in percent of all.
    private func percent(_ difference: Double, _ figure: Diff.Figure) -> String {
        let change = figure.isShare ? difference : Change.ratio(difference) - 1
        guard change < 9.995 else {
            return change < 999 ? "+x\(Figures.short(change + 1))" : "+x999"
        }
        // Errors are rare: a tenth of a percent of them is much.
        let decimals = change.magnitude < 0.0995 ? (figure.isShare ? 2 : 1) : 0
        let text = Figures.fixed(change * 100, decimals: decimals)
        return (text.hasPrefix("-") ? "" : "+") + text + "%"
    }

    private func word(for outcome: Diff.Outcome) -> String {
        switch outcome {
        case .improved: style.good(outcome.rawValue)
        case .regressed: style.bad(outcome.rawValue)
        case .withinNoise: outcome.rawValue
        case .tooFewSamples, .open, .onlyOld, .onlyNew: style.warning(outcome.rawValue)
        }
    }

    // MARK: - Below the table

    private var method: [String] {
        let noise = Figures.percent(diff.noise)
        let called = "called when the whole interval is outside +-\(noise); 'sees' is the "
        let sees = "smallest change that would be called four times in five"
        guard diff.isOneEach else {
            return style.sentence(
                "method",
                "\(diff.counts.old) and \(diff.counts.new) runs, Student's t on what "
                    + "they differ by; \(called)\(sees)")
        }
        return style.sentence(
            "method",
            "one run each, so the interval is what the seconds of a run differ by: what differs "
                + "between runs is not in it, and --noise has to cover it; \(called)\(sees)")
            + style.sentence("", "more runs know more: loadtest diff A1,A2,A3 B1,B2,B3", style.dim)
    }

    private var result: [String] {
        let regressed = names(of: .regressed)
        let improved = names(of: .improved)
        var parts: [String] = []
        if !regressed.isEmpty { parts.append("regressed: \(regressed)") }
        if !improved.isEmpty { parts.append("improved: \(improved)") }
        let unjudged = diff.unjudged
        if !unjudged.isEmpty {
            parts.append("cannot be judged: \(unjudged.joined(separator: ", "))")
        }
        if parts.isEmpty { parts.append("no difference that noise does not explain") }
        let isGood = regressed.isEmpty && unjudged.isEmpty
        return style.sentence(
            "result", parts.joined(separator: "; "), isGood ? { $0 } : style.bad)
    }

    private func names(of outcome: Diff.Outcome) -> String {
        diff.rows.filter { $0.outcome == outcome }.map(\.figure.name)
            .joined(separator: ", ")
    }
}
