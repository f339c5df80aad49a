import Reports

/// A comparison for a terminal.
///
///     what was run, and on what
///     point by point   which arm answers how fast, in words; what an answer takes, and being there
///     growth           the same figures from point to point, where there are several
///     arms             what proves which mechanism served, and what must be known of it
///     noise, what looking blocking costs, what could have been seen, doubts, how to repeat it
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
            title + record.points.indices.flatMap(point) + growth + arms + [""] + closing
        }

        func sentence(
            _ label: String, _ text: String, _ color: (String) -> String = { $0 }
        ) -> [String] {
            style.sentence(label, CompareText.printable(text), color, width: width)
        }

        private var title: [String] {
            let environment = record.environment
            let servers = record.arms.count { !$0.isControl }
            let counts =
                "\(servers) servers, \(Wording.rounds(analysis.rounds)), "
                + "\(Figures.short(record.seconds)) s a load, order from seed \(record.seed)"
            let machine =
                "\(environment.cpuModel), \(environment.cores) cores, \(environment.kernel)"
            return sentence("compare", counts) + sentence("machine", machine)
                + record.notes.flatMap { sentence("note", $0) }
        }

        private func point(_ point: Int) -> [String] {
            let heading = style.bold(Wording.point(record.points[point]))
            return ["", heading, ""] + answers(at: point) + [""] + costs(at: point)
                + words(at: point)
        }

        /// What shows that each arm ran as it is called, and what it is not compared in.
        private var arms: [String] {
            let told = record.arms.filter { !$0.proof.isEmpty || !$0.notes.isEmpty }
            guard !told.isEmpty else { return [] }
            let rows = told.map { arm in
                let words = ([arm.proof].filter { !$0.isEmpty } + arm.notes)
                return TextGrid.Row.sentence(
                    CompareText.printable(Wording.name(arm)),
                    .init(CompareText.printable(words.joined(separator: "; "))))
            }
            return ["", style.bold("what shows which mechanism served"), ""]
                + TextGrid(columns: [], rows: rows).lines(width: width, style: style)
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

// The tables of a point: which arm answers how fast, what an answer takes, and what being there
// takes.

extension CompareText.Page {
    /// The rate with all busy, with the difference and the word; an arm without a figure says why.
    func answers(at point: Int) -> [String] {
        let base =
            record.arms.indices.contains(record.baseline)
            ? record.arms[record.baseline].name : "the baseline"
        let columns = [
            TextGrid.Column("all busy"), .init("vs " + CompareText.printable(base), isWords: true),
            .init("", isWords: true),
        ]
        let rows = record.arms.indices.map { arm -> TextGrid.Row in
            let name = name(arm)
            if let reason = reason(arm) { return .sentence(name, reason) }
            guard let figure = analysis.figure(.rate, of: arm, at: point) else {
                return .sentence(name, .init("no round was finished", style.warning))
            }
            let change = figure.ratio.map(Wording.change) ?? ""
            return .cells(
                name,
                [
                    .init(Reading.rate.text(figure)), .init(change),
                    .init(Wording.word(figure.word, of: .rate), color(figure.word)),
                ])
        }
        return TextGrid(columns: columns, rows: rows).lines(width: width, style: style)
    }

    /// What an answer takes of time and CPU, and then what being there takes.
    func costs(at point: Int) -> [String] {
        let load = record.points[point]
        let fixed = load.fixedRate.map { "at \(Figures.rate($0))/s" } ?? "at one rate"
        let answers: [(Reading, [String])] = [
            (.p50, ["p50", fixed]), (.p99, ["p99", fixed]), (.cpu, ["CPU per", "message"]),
            (.sparseP99, ["sparse", "p99"]), (.sparseCPU, ["sparse CPU", "per message"]),
            (.calls, ["calls per", "message"]), (.switches, ["switches", "per msg"]),
        ]
        let presence: [(Reading, [String])] = [
            (.idleMemory, ["idle", "memory"]), (.connectionMemory, ["memory per", "connection"]),
            (.idleCPU, ["idle", "CPU"]), (.threads, ["", "threads"]),
            (.processes, ["", "processes"]),
        ]
        return [answers, presence].flatMap { table in
            let there = table.filter { entry in
                analysis.measured.contains { analysis.figure(entry.0, of: $0, at: point) != nil }
            }
            return there.isEmpty ? [] : grid(there, at: point) + [""]
        }
    }

    private func name(_ arm: Int) -> String {
        CompareText.printable(Wording.name(record.arms[arm]))
    }

    private func grid(_ table: [(Reading, [String])], at point: Int) -> [String] {
        let rows = analysis.measured.map { arm in
            let cells = table.map { reading, _ -> TextGrid.Cell in
                guard let figure = analysis.figure(reading, of: arm, at: point) else {
                    return .init("-")
                }
                return .init(reading.text(figure), color(figure.word))
            }
            return TextGrid.Row.cells(name(arm), cells)
        }
        let columns = table.map { TextGrid.Column(lines: $0.1) }
        return TextGrid(columns: columns, rows: rows).lines(width: width, style: style)
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
        case .tooNoisy, .tooFewRounds, .open: return style.warning
        case .baseline, .control, .noClearDifference, .shown: return { $0 }
        }
    }
}

// How figures grow from point to point.

extension CompareText.Page {
    private static let growing: [Reading] = [
        .rate, .p99, .cpu, .sparseCPU, .connectionMemory,
    ]

    /// A table for each reading with a column for each point; nothing where there is one point.
    var growth: [String] {
        guard record.points.count > 1 else { return [] }
        return CompareText.Page.growing.flatMap { reading -> [String] in
            guard analysis.has(reading) else { return [] }
            let columns = record.points.map { point in
                TextGrid.Column(lines: [
                    "\(Figures.count(point.connections)) x",
                    Figures.bytes(Double(point.size)),
                ])
            }
            let rows = analysis.measured.map { arm in
                TextGrid.Row.cells(
                    name(arm),
                    record.points.indices.map { point in
                        let figure = analysis.figure(reading, of: arm, at: point)
                        return .init(figure.map(reading.text) ?? "-")
                    })
            }
            return ["", style.bold("growth of \(reading.title)"), ""]
                + TextGrid(columns: columns, rows: rows).lines(width: width, style: style)
        }
    }
}

// What stands below the tables: words for each reading, and how far they can be trusted.

extension CompareText.Page {
    /// Readings beside the rate that are worth a sentence at every point.
    private static let worded: [Reading] = [.p99, .cpu, .sparseP99, .sparseCPU, .connectionMemory]

    /// "p99   faster: epoll -14 % [-19, -9]; slower: …": each arm once for a reading.
    func words(at point: Int) -> [String] {
        CompareText.Page.worded.flatMap { reading -> [String] in
            let words: [CompareAnalysis.Word] = [
                .better, .worse, .noClearDifference, .tooFewRounds, .open,
            ]
            var all = words.compactMap { group(reading, $0, at: point) }
            if let noisy = noisy(reading, at: point) { all.append(noisy) }
            guard !all.isEmpty else { return [] }
            return sentence(reading.label, all.joined(separator: "; "))
        }
    }

    /// The arms of one word, with their differences where there are any.
    private func group(
        _ reading: Reading, _ word: CompareAnalysis.Word, at point: Int
    ) -> String? {
        let arms = analysis.measured.compactMap { arm -> String? in
            guard let figure = analysis.figure(reading, of: arm, at: point), figure.word == word
            else { return nil }
            let name = record.arms[arm].name
            guard word == .better || word == .worse, let ratio = figure.ratio else { return name }
            return "\(name) \(Wording.change(ratio))"
        }
        guard !arms.isEmpty else { return nil }
        return Wording.word(word, of: reading) + ": " + arms.joined(separator: ", ")
    }

    /// The arms of which nothing can be told, each with the rounds that it would take.
    private func noisy(_ reading: Reading, at point: Int) -> String? {
        let arms = analysis.measured.compactMap { arm -> String? in
            guard case .tooNoisy(let rounds) = analysis.figure(reading, of: arm, at: point)?.word
            else { return nil }
            return "\(record.arms[arm].name) \(Wording.needed(rounds))"
        }
        guard !arms.isEmpty else { return nil }
        return "too noisy to tell, and the rounds it would need: " + arms.joined(separator: ", ")
    }

    /// The lines that every report ends with.
    var closing: [String] {
        let sentences = CompareSentences(analysis)
        var lines: [String] = []
        for cost in sentences.blocking {
            lines += sentence("blocking", "what looking blocking costs: \(cost)")
        }
        for text in sentences.noise { lines += sentence("noise", text) }
        for text in sentences.sees { lines += sentence("sees", text) }
        for text in sentences.apart { lines += sentence("apart", text) }
        lines += sentence("method", sentences.method)
        for doubt in analysis.doubts { lines += sentence("doubt", doubt, style.warning) }
        let command = RunRecord.shellWords(record.commandLine)
        if !command.isEmpty { lines += sentence("repeat", command) }
        return lines
    }
}
