import Reports

// The tables of a point: who answers how fast, what an answer takes, and what being there takes.

extension CompareText.Page {
    /// The rate of everybody busy, with the difference and the word; who has no figure says why.
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
            guard let figure = standing.figure(.rate, of: arm, at: point) else {
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
                standing.measured.contains { standing.figure(entry.0, of: $0, at: point) != nil }
            }
            return there.isEmpty ? [] : grid(there, at: point) + [""]
        }
    }

    private func name(_ arm: Int) -> String {
        CompareText.printable(Wording.name(record.arms[arm]))
    }

    private func grid(_ table: [(Reading, [String])], at point: Int) -> [String] {
        let rows = standing.measured.map { arm in
            let cells = table.map { reading, _ -> TextGrid.Cell in
                guard let figure = standing.figure(reading, of: arm, at: point) else {
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

    private func color(_ word: Standing.Word) -> @Sendable (String) -> String {
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
            guard standing.has(reading) else { return [] }
            let columns = record.points.map { point in
                TextGrid.Column(lines: [
                    "\(Figures.count(point.connections)) x",
                    Figures.bytes(Double(point.size)),
                ])
            }
            let rows = standing.measured.map { arm in
                TextGrid.Row.cells(
                    name(arm),
                    record.points.indices.map { point in
                        let figure = standing.figure(reading, of: arm, at: point)
                        return .init(figure.map(reading.text) ?? "-")
                    })
            }
            return ["", style.bold("growth of \(reading.title)"), ""]
                + TextGrid(columns: columns, rows: rows).lines(width: width, style: style)
        }
    }
}
