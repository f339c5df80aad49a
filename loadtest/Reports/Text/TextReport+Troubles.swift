import Generator

/// The end of the report: everything that went wrong, and whether the figures can be trusted.
extension TextReport {
    /// Wrong connections and errors that are shown; the JSON report has all of them.
    private static let corruptionsMax = 3
    private static let errorsMax = 6

    var troubles: [String] {
        errors + corruptions + thresholds + serverEnd + books + ended + findings + exit
    }

    private var errors: [String] {
        if run.errors.isEmpty { return [] }
        var lines = row("errors", TextReport.errorColumns.map { (style.dim($0.0), $0.1) })
        for error in run.errors.prefix(TextReport.errorsMax) {
            lines += row("", zip(cells(of: error), TextReport.errorColumns).map { ($0, $1.1) })
                .map(style.bad)
            lines += sentence("", "  " + Hints.hint(for: error))
        }
        let rest = run.errors.count - TextReport.errorsMax
        if rest > 0 { lines += sentence("", "and \(rest) kinds more: see --json") }
        return lines
    }

    private static let errorColumns = [
        ("phase", -9), ("errno", -14), ("count", 9), ("share", 9), ("first", 11),
        ("connection", 12),
    ]

    private func cells(of row: ErrorRow) -> [String] {
        let isConnecting = row.phase == .socket || row.phase == .connect
        let all = isConnecting ? run.connects.tried : run.ledger.scheduled
        let share = all > 0 ? Figures.percent(Double(row.count) / Double(all)) : "-"
        return [
            row.phase.rawValue, row.errno, Figures.count(row.count), share,
            "+" + Figures.fixed(row.firstSeen, decimals: 2) + " s",
            Figures.count(row.exampleConnection),
        ]
    }

    private var corruptions: [String] {
        var lines: [String] = []
        for corruption in run.corruptions.prefix(TextReport.corruptionsMax) {
            let label = lines.isEmpty ? "corrupt" : ""
            lines += sentence(label, TextReport.words(for: corruption), style.bad)
            if !corruption.expected.isEmpty {
                lines.append(TextReport.indent + "  expected  " + Figures.hex(corruption.expected))
            }
            lines.append(TextReport.indent + "  got       " + Figures.hex(corruption.got))
        }
        let rest = run.corruptions.count - TextReport.corruptionsMax
        if rest > 0 { lines += sentence("", "and \(rest) connections more: see --json") }
        return lines
    }

    private static func words(for corruption: Corruption) -> String {
        let place =
            "connection \(Figures.count(corruption.connection)) "
            + "at offset \(Figures.count(corruption.offset))"
        let kind = corruption.expected.isEmpty ? "surplus bytes" : "wrong bytes"
        return "\(place): \(kind)" + (corruption.diagnosis.isEmpty ? "" : ": ")
            + corruption.diagnosis
    }

    private var thresholds: [String] {
        record.thresholds.flatMap { result in
            let state = result.isFailure ? "FAILED" : "passed"
            let color = result.isFailure ? style.bad : { $0 }
            return sentence(
                "fail-if",
                "\(state) \(result.threshold.text): \(result.words)",
                color
            )
        }
    }

    /// The bundled server ends with 0 when it is asked to; anything else happened under load.
    private var serverEnd: [String] {
        guard let server = record.server, server.exitCode != 0 || server.wasKilled else {
            return []
        }
        let words =
            server.wasKilled
            ? "the bundled server did not end in time and was killed"
            : "the bundled server ended with exit code \(server.exitCode)"
        let said = server.lastWords.split(whereSeparator: \.isNewline).prefix(3)
        return sentence("server", words, style.bad)
            + said.map { TextReport.indent + $0.prefix(TextReport.width - TextReport.labelWidth) }
    }

    private var books: [String] {
        if run.ledger.isBalanced, run.connects.isBalanced { return [] }
        return sentence(
            "books",
            "do NOT balance: a mistake in loadtest, please report it with the --json file",
            style.bad
        )
    }

    private var ended: [String] {
        let words: String
        switch run.ending {
        case .completed:
            let lost = run.connects.lostEarly
            guard !run.wasAnswered || lost > 0 else { return [] }
            words =
                !run.wasAnswered
                ? "nothing was answered"
                : "with too few: \(Figures.count(lost)) connections were lost before measuring"
        case .interrupted(let signal):
            let name =
                [1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 15: "SIGTERM"][signal]
                ?? "signal \(signal)"
            let part =
                run.phases.measured > 0
                ? "the figures are of the part that was measured" : "nothing was measured yet"
            words = "early, by \(name): \(part)"
        case .allConnectionsLost: words = "early: no connection was left to measure with"
        case .generatorFailed: words = "early: a thread of the generator could not go on"
        case .connectFailed:
            words = "before measuring: not all connections came up"
        }
        return sentence("ended", words, style.warning)
    }

    private var exit: [String] {
        guard record.exitCode != 0 else { return [] }
        let reasons: [Int32: String] = [
            ExitCode.unreachable: "the target could not be measured",
            ExitCode.internalError: "the books do not balance",
            ExitCode.systemLimit: "this machine's limits",
            ExitCode.cannotWrite: "the report could not be written",
            ExitCode.wrongBytes: "echoed bytes were wrong",
            ExitCode.badInput: "a file could not be used",
            ExitCode.invalid: "the measurement is INVALID, and --strict was given",
            ExitCode.threshold: "a --fail-if condition was met or could not be judged",
            129: "interrupted", 130: "interrupted", 131: "interrupted", 143: "terminated",
        ]
        let reason = reasons[record.exitCode].map { ": \($0)" } ?? ""
        return sentence("exit", "\(record.exitCode)\(reason)")
    }
}

// What the instrument says about itself: one line near the top, and each finding at the end.

extension TextReport {
    var verdict: [String] {
        let (level, findings) = (record.verdict.level, record.verdict.findings)
        if findings.isEmpty, run.phases.measured == 0 { return [] }
        func codes(_ isMeant: (Verdict.Finding) -> Bool) -> String {
            findings.filter(isMeant).map(\.code).uniqued.joined(separator: ", ")
        }
        let (grave, noted) = (codes { $0.level > .note }, codes { $0.level <= .note })
        return flow(
            "verdict",
            [style.level(level)] + (grave.isEmpty ? [] : [grave])
                + (noted.isEmpty ? [] : ["noted: \(noted)"]))
    }

    /// Each with its level, what was seen, and what to do about it.
    private var findings: [String] {
        record.verdict.findings.enumerated().flatMap { index, finding in
            let remedy = finding.remedy.isEmpty ? "" : ": \(finding.remedy)"
            let text = "\(finding.level.rawValue): \(finding.text)\(remedy)"
            let label = index == 0 ? "findings" : ""
            if width < TextReport.width {
                return flow(label, [style.level(finding.level, finding.code)]) + sentence("", text)
            }
            return style.detail(
                label, finding.code, text, { style.level(finding.level, $0) }, width: width)
        }
    }
}

extension Style {
    /// A level of the verdict, or another word, in the level's colour.
    func level(_ level: Verdict.Level, _ word: String? = nil) -> String {
        let word = word ?? level.rawValue
        switch level {
        case .valid: return good(word)
        case .note: return dim(word)
        case .suspect: return warning(word)
        case .invalid: return bad(word)
        }
    }
}
