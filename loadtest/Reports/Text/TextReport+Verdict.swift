import Generator

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
