import Reports

/// A comparison for a terminal, on one screen; what is not here stands in the page and the JSON.
///
///     what was run, and on what
///     point by point   a row a server: CPU a message, rate, latency, memory, calls
///     what looking blocking costs, what could have been seen, doubts, how to repeat it
package enum CompareText {
    /// Names and figures side by side need so many columns; a narrower terminal breaks the lines.
    private static let widthMin = 40

    /// Lines of at most `width` columns, each with its line feed; a terminal below 40 gets 40.
    package static func report(
        of record: CompareRecord, width: Int = TextReport.width, style: Style = .plain
    ) -> String {
        let page = Page(
            analysis: CompareAnalysis(record), width: max(CompareText.widthMin, width), style: style
        )
        return page.lines.map { $0 + "\n" }.joined()
    }

    /// What the pieces of a report have in common.
    struct Page {
        let analysis: CompareAnalysis
        let width: Int
        let style: Style

        var record: CompareRecord { analysis.record }

        var lines: [String] {
            title + record.points.indices.flatMap(point) + [""] + arms + closing
        }

        private func sentence(
            _ label: String, _ text: String, _ color: (String) -> String = { $0 }
        ) -> [String] {
            style.sentence(label, CompareText.printable(text), color, width: width)
        }

        private var title: [String] {
            let environment = record.environment
            let servers = record.arms.count { !$0.isControl }
            let machine =
                "\(environment.cpuModel), \(environment.cores) cores, \(environment.kernel)"
            let over = Wording.over(record.transport)
            let labels = record.labels.texts.joined(separator: "   ")
            return (labels.isEmpty ? [] : sentence("run", labels))
                + sentence("compare", "\(servers) servers\(over), order from seed \(record.seed)")
                + sentence("machine", machine) + record.notes.flatMap { sentence("note", $0) }
        }

        private func point(_ point: Int) -> [String] {
            let heading = "\(Wording.point(record.points[point])): \(analysis.course(at: point))"
            return [""] + Style.wrap(heading, width).map(style.bold) + [""] + table(at: point)
        }

        /// What must be known of single servers.
        private var arms: [String] {
            record.arms.filter { !$0.isControl }.flatMap { arm in
                arm.notes.flatMap { sentence("†", "\(arm.name): \($0)") }
            }
        }

        /// So many doubts are read; the others stand in the page and the JSON.
        private static let doubtsMax = 5

        private var closing: [String] {
            let sentences = CompareSentences(analysis)
            let doubts = analysis.doubtsInBrief
            let shown = doubts.count > Page.doubtsMax ? Page.doubtsMax - 1 : doubts.count
            var lines = sentences.blocking.flatMap {
                sentence("blocking", "what looking blocking costs: \($0)")
            }
            lines += sentences.sees.flatMap { sentence("sees", $0) }
            lines += doubts.prefix(shown).flatMap { sentence("doubt", $0, style.warning) }
            if shown < doubts.count {
                lines += sentence(
                    "doubt", "\(doubts.count - shown) more; --html and --json have them")
            }
            let command = RunRecord.shellWords(record.commandLine)
            return command.isEmpty ? lines : lines + sentence("repeat", command)
        }
    }

    /// Text from outside, with what a terminal would obey taken out.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                    return isControl ? " " : scalar
                }))
    }
}

// The table of a point.

extension CompareText.Page {
    /// A row for each server; one without a figure says why.
    private func table(at point: Int) -> [String] {
        let load = record.points[point]
        let fixed = load.fixedRate.map { "\(Figures.rate($0))/s" } ?? "one rate"
        let columns: [(Reading, TextGrid.Column)] = [
            (.rate, .init("rate")), (.p50, .init(lines: ["p50 at", fixed])),
            (.p99, .init(lines: ["p99 at", fixed])),
            (.connectionMemory, .init(lines: ["memory", "a conn."])),
            (.calls, .init(lines: ["calls", "a msg."])),
        ]
        let rows = record.arms.indices.map { arm -> TextGrid.Row in
            let name = CompareText.printable(Wording.name(record.arms[arm]))
            if let reason = reason(arm) { return .sentence(name, reason) }
            guard let cost = analysis.figure(.cpu, of: arm, at: point) else {
                return .sentence(name, .init("no round was finished", style.warning))
            }
            let cells = columns.map { reading, _ -> TextGrid.Cell in
                let figure = analysis.figure(reading, of: arm, at: point)
                return .init(figure.map(reading.text) ?? "-", color(figure?.word ?? .shown))
            }
            let (ratio, interval) = Wording.cost(cost)
            return .cells(
                name,
                [
                    .init(ratio), .init(interval),
                    .init(Wording.brief(cost.word), color(cost.word)),
                ] + cells)
        }
        let head = [
            TextGrid.Column(lines: ["CPU a", "message"]), .init(lines: ["95 %", "interval"]),
            .init("", isWords: true),
        ]
        return TextGrid(columns: head + columns.map(\.1), rows: rows)
            .lines(width: width, style: style)
    }

    /// Why an arm has no figure; nil when it has.
    private func reason(_ arm: Int) -> TextGrid.Cell? {
        let outcome = record.arms[arm].outcome
        let isSkipped = if case .skipped = outcome { true } else { false }
        let color = isSkipped ? style.warning : style.bad
        return Wording.reason(outcome).map { .init(CompareText.printable($0), color) }
    }

    private func color(_ word: CompareAnalysis.Word) -> @Sendable (String) -> String {
        let style = style
        switch word {
        case .better: return style.good
        case .worse: return style.bad
        case .tooNoisy: return style.warning
        case .baseline, .control, .noClearDifference, .tooFewRounds, .open, .shown: return { $0 }
        }
    }
}
