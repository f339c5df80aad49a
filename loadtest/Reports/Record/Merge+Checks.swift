import Generator

// Whether parts belong together, and what the whole must be told of them.

extension Merge {
    /// What is dealt among the parts, or is each machine's own.
    private static let shared: Set<String> = [
        "connections", "idle", "requests", "rate", "connect_rate", "first_connection", "threads",
        "server_pid", "source",
    ]

    /// Throws for the first thing that two parts of one run must have in common and do not.
    static func check(_ part: RunRecord, against first: RunRecord) throws(MergeError) {
        func expect(_ what: String, _ ours: String, _ other: String) throws(MergeError) {
            guard ours != other else { return }
            throw .differs(part: number(part), what: what, first: ours, other: other)
        }
        try expect("run id", first.id, part.id)
        try expect(
            "number of parts", "\(first.shard?.count ?? 0)", "\(part.shard?.count ?? 0)")
        try expect("version", first.environment.version, part.environment.version)
        try expect("build", build(first), build(part))
        guard case .object(let ours) = first.plan.document,
            case .object(let others) = part.plan.document
        else { return }
        for (member, other) in zip(ours, others) where !shared.contains(member.0) {
            try expect(member.0, member.1.serialized, other.1.serialized)
        }
        let conditions = [first, part].map { $0.thresholds.map(\.threshold.text) }
        try expect(
            "--fail-if", conditions[0].joined(separator: " "), conditions[1].joined(separator: " "))
        guard abs(part.started - first.started) <= distanceMax else {
            throw .differs(
                part: number(part), what: "start", first: first.startedAt, other: part.startedAt)
        }
    }

    private static func build(_ record: RunRecord) -> String {
        record.environment.isDebugBuild ? "debug" : "release"
    }

    /// The findings of all parts, each with the name of its part, and those of the merge.
    static func verdict(of parts: [RunRecord], missing: [Int]) -> Verdict {
        var verdict = Verdict()
        for part in parts {
            for finding in part.verdict.findings {
                var named = finding
                named.text = "part \(number(part)): \(finding.text)"
                verdict.findings.append(named)
            }
        }
        if !missing.isEmpty { verdict.findings.append(finding(missing: missing, of: parts)) }
        if let finding = overlap(of: parts) { verdict.findings.append(finding) }
        // A stable order: the worst first, and as they came where they are as bad.
        verdict.findings = Verdict.Level.allCases.reversed().flatMap { level in
            verdict.findings.filter { $0.level == level }
        }
        return verdict
    }

    private static func finding(missing: [Int], of parts: [RunRecord]) -> Verdict.Finding {
        let count = parts[0].shard?.count ?? 0
        return Verdict.Finding(
            code: "M-MISSING", level: .invalid, value: Double(parts.count), limit: Double(count),
            text: "\(parts.count) of \(count) parts are here; \(MergeError.list(missing)) missing",
            remedy: "merge again when the others are there, or run again without that machine")
    }

    /// How much of their measured time the parts have in common.
    private static func overlap(of parts: [RunRecord]) -> Verdict.Finding? {
        let longest = parts.map(\.measurement.phases.measured).max() ?? 0
        guard parts.count > 1, longest > 0 else { return nil }
        let isKnown = parts.allSatisfy { $0.started > 0 }
        let starts = parts.map { $0.started + $0.measurement.phases.beforeMeasuring }
        let ends = zip(starts, parts).map { $0 + $1.measurement.phases.measured }
        let common = isKnown ? max(0, (ends.min() ?? 0) - (starts.max() ?? 0)) : 0
        // Instants since 1970 are exact to less than a microsecond.
        guard common / longest < overlapMin - 1e-6 else { return nil }
        let seen =
            isKnown
            ? "the parts measured together for \(Figures.time(seconds: common)) of "
                + Figures.time(seconds: longest) : "it is not known when the parts measured"
        return Verdict.Finding(
            code: "M-OVERLAP", level: .suspect, value: common / longest, limit: overlapMin,
            text: seen + "; the rate is their sum over the longest of them",
            remedy: "start them together with --start-at, and set the machines' clocks (chrony)")
    }
}
