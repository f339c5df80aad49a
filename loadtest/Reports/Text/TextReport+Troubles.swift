import Generator

/// The end of the report: everything that went wrong, and whether the figures can be trusted.
extension TextReport {
    /// Wrong connections and errors that are shown; the JSON report has all of them.
    private static let corruptionsMax = 3
    private static let errorsMax = 6

    var troubles: [String] {
        errors + corruptions + thresholds + serverEnd + books + ended + verdict + exit
    }

    private var errors: [String] {
        guard !run.errors.isEmpty else { return flow("errors", [style.good("none")]) }
        let title = "phase    errno             count    share      first  connection"
        var lines = [style.bold("errors".left(TextReport.labelWidth)) + style.dim(title)]
        for row in run.errors.prefix(TextReport.errorsMax) {
            lines.append(TextReport.indent + style.bad(cells(of: row)))
            lines.append(TextReport.indent + "  " + Hints.hint(for: row))
        }
        let rest = run.errors.count - TextReport.errorsMax
        if rest > 0 { lines.append(TextReport.indent + "and \(rest) kinds more: see --json") }
        return lines
    }

    private func cells(of row: ErrorRow) -> String {
        let isConnecting = row.phase == .socket || row.phase == .connect
        let all = isConnecting ? run.connects.tried : run.ledger.scheduled
        let share = all > 0 ? Figures.percent(Double(row.count) / Double(all)) : "-"
        return row.phase.rawValue.left(9) + row.errno.left(14) + Figures.count(row.count).right(9)
            + share.right(9) + ("+" + Figures.fixed(row.firstSeen, decimals: 2) + " s").right(11)
            + Figures.count(row.exampleConnection).right(12)
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
        if rest > 0 { lines.append(TextReport.indent + "and \(rest) connections more: see --json") }
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

// What the instrument says about itself: one line when its figures can be trusted.

extension TextReport {
    var verdict: [String] {
        let (level, findings) = (record.verdict.level, record.verdict.findings)
        if findings.isEmpty, run.phases.measured == 0 { return [] }
        let lines = flow("verdict", [style.level(level)] + (level == .valid ? evidence : []))
        return lines
            + findings.flatMap { finding in
                let remedy = finding.remedy.isEmpty ? "" : ": \(finding.remedy)"
                return style.detail(finding.code, finding.text + remedy) {
                    style.level(finding.level, $0)
                }
            }
    }

    /// The figures that a good verdict rests on.
    private var evidence: [String] {
        var parts: [String] = []
        if let busiest = run.threads.map(\.busy).max() {
            parts.append("busiest thread \(Figures.percent(busiest))")
        }
        if run.lag.supports(0.99), let lag = run.lag.value(at: 0.99) {
            parts.append("lag p99 \(Figures.time(nanoseconds: Double(lag)))")
        }
        if let pacing = run.pacing, pacing.sent > 0 {
            parts.append("on schedule \(Figures.part(pacing.onTime, of: pacing.sent))")
        }
        return parts.isEmpty ? [] : [parts.joined(separator: ", ")]
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
