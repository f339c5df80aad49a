import Generator
import Statistics

/// Why reports are not the parts of one run.
package enum MergeError: Error, Equatable, CustomStringConvertible {
    case nothing
    /// It was not made with `--shard`; counted from 1 as they were given.
    case noPart(place: Int)
    /// A part says something else than the first one.
    case differs(part: Int, what: String, first: String, other: String)
    case twice(part: Int)
    case missing(parts: [Int], of: Int)
    case tooMany

    package var description: String {
        switch self {
        case .nothing: "there is nothing to merge"
        case .noPart(let place):
            "report \(place) is all of a run: only parts made with --shard can be merged"
        case .differs(let part, let what, let first, let other):
            "part \(part) is of another run: its \(what) is \(other), not \(first)"
        case .twice(let part): "part \(part) is there twice"
        case .missing(let parts, let count):
            "of \(count) parts \(MergeError.list(parts)) missing: add them, or give --allow-missing"
        case .tooMany: "more than \(Merge.partsMax) parts"
        }
    }

    static func list(_ parts: [Int]) -> String {
        let names = parts.prefix(20).map(String.init).joined(separator: ", ")
        let more = parts.count > 20 ? " and \(parts.count - 20) more" : ""
        return names + more + (parts.count == 1 ? " is" : " are")
    }
}

/// Makes one record of the parts of a run that several machines have made.
///
/// The parts must have the same run id, version and configuration, but for what is dealt among
/// them. Counts and bins add exactly; the verdict has every part's findings, by name. Runs that
/// were made besides (`--steps` and the like) stay with the parts.
package enum Merge {
    /// More parts than that might not add up without an overflow.
    static let partsMax = 4096
    /// The least share of its measured time that a part must have in common with all others.
    static let overlapMin = 0.9
    /// Parts that began more seconds apart are not of one run.
    static let distanceMax = 86_400.0

    package static func records(
        _ records: [RunRecord], allowsMissing: Bool
    ) throws(MergeError) -> RunRecord {
        let parts = try sorted(records)
        guard let first = parts.first, let count = first.shard?.count else { throw .nothing }
        for part in parts.dropFirst() { try check(part, against: first) }
        let missing = try missing(in: parts, of: count)
        if !missing.isEmpty, !allowsMissing { throw .missing(parts: missing, of: count) }

        var whole = first
        whole.shard = nil
        whole.labels = Labels(ofParts: parts.map(\.labels))
        whole.probes = []
        whole.plan = plan(of: parts)
        whole.measurement = measurement(of: parts)
        let start = parts.min { $0.started < $1.started } ?? first
        (whole.started, whole.startedAt) = (start.started, start.startedAt)
        if parts.count > 1 { whole.server = nil }
        whole.shards = parts.map(RunRecord.ShardPart.init)
        whole.verdict = verdict(of: parts, missing: missing)
        whole.thresholds = first.thresholds.map { $0.threshold.judge(whole.measurement) }
        whole.exitCode = ExitCode.of(whole.measurement, thresholds: whole.thresholds)
        return whole
    }

    /// The parts in the order of their numbers, each there once.
    private static func sorted(_ records: [RunRecord]) throws(MergeError) -> [RunRecord] {
        guard records.count <= partsMax else { throw .tooMany }
        if let place = records.firstIndex(where: { $0.shard == nil }) {
            throw .noPart(place: place + 1)
        }
        let parts = records.sorted { number($0) < number($1) }
        for (part, next) in zip(parts, parts.dropFirst()) where number(part) == number(next) {
            throw .twice(part: number(part))
        }
        return parts
    }

    static func number(_ part: RunRecord) -> Int { part.shard?.index ?? 0 }

    private static func missing(
        in parts: [RunRecord], of count: Int
    ) throws(MergeError) -> [Int] {
        guard count <= partsMax else { throw .tooMany }
        let there = Set(parts.map(number))
        return (1...count).filter { !there.contains($0) }
    }

    private static func plan(of parts: [RunRecord]) -> LoadPlan {
        var plan = parts[0].plan
        for other in parts.dropFirst().map(\.plan) {
            plan.connections += other.connections
            plan.idle += other.idle
            plan.threads += other.threads
            plan.requests = plan.requests.map { $0 + (other.requests ?? 0) }
            plan.rate = plan.rate.map { $0 + (other.rate ?? 0) }
            plan.connectRate = plan.connectRate.map { $0 + (other.connectRate ?? 0) }
        }
        if parts.count > 1 { plan.serverProcess = nil }
        return plan
    }

    private static func measurement(of parts: [RunRecord]) -> Measurement {
        let start = parts.map(\.started).min() ?? 0
        var whole = Measurement()
        whole.phases.isSteady = parts[0].measurement.phases.isSteady
        for part in parts {
            let offset = (part.started - start) * 1e9
            whole.add(part.measurement, offset: Int64(offset.rounded()))
        }
        return whole
    }
}

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
        try expect("build", first.environment.build.rawValue, part.environment.build.rawValue)
        for field in LoadPlan.fields where !shared.contains(field.name) {
            try expect(field.name, field.text(of: first.plan), field.text(of: part.plan))
        }
        let conditions = [first, part].map { $0.thresholds.map(\.threshold.text) }
        try expect(
            "--fail-if", conditions[0].joined(separator: " "), conditions[1].joined(separator: " "))
        guard abs(part.started - first.started) <= distanceMax else {
            throw .differs(
                part: number(part), what: "start", first: first.startedAt, other: part.startedAt)
        }
    }

    /// The findings of the parts, each once with the parts that have it, and those of the merge.
    static func verdict(of parts: [RunRecord], missing: [Int]) -> Verdict {
        var verdict = Verdict()
        let all = parts.flatMap { part in part.verdict.findings.map { (number(part), $0) } }
        for code in all.map(\.1.code).uniqued {
            let same = all.filter { $0.1.code == code }
            if let finding = finding(same, of: parts.count) { verdict.findings.append(finding) }
        }
        if !missing.isEmpty { verdict.findings.append(finding(missing: missing, of: parts)) }
        if let finding = overlap(of: parts) { verdict.findings.append(finding) }
        // A stable order: the worst first, and as they came where they are as bad.
        verdict.findings = Verdict.Level.allCases.reversed().flatMap { level in
            verdict.findings.filter { $0.level == level }
        }
        return verdict
    }

    /// What several parts found, in the words of the worst of them.
    private static func finding(
        _ same: [(part: Int, finding: Verdict.Finding)], of count: Int
    ) -> Verdict.Finding? {
        let level = same.map(\.finding.level).max()
        guard let worst = same.first(where: { $0.finding.level == level }) else { return nil }
        var whole = worst.finding
        let names = same.map { "\($0.part)" }
        let listed = names.prefix(5).joined(separator: ", ")
        let more = names.count > 5 ? " and \(names.count - 5) more" : ""
        let parts =
            names.count == 1
            ? "part \(listed)" : names.count == count ? "every part" : "parts \(listed)\(more)"
        let isSame = same.allSatisfy { $0.finding.text == whole.text }
        whole.text = (isSame ? parts : "\(parts), the worst is \(worst.part)") + ": \(whole.text)"
        return whole
    }

    private static func finding(missing: [Int], of parts: [RunRecord]) -> Verdict.Finding {
        let count = parts[0].shard?.count ?? 0
        return Verdict.Finding(
            code: "M-MISSING", level: .invalid, value: Double(parts.count), limit: Double(count),
            .count,
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
            text: seen
                + ", and \(Figures.percent(overlapMin)) are needed; the rate is their sum over "
                + "the longest of them",
            remedy: "start them together with --start-at, and set the machines' clocks (chrony)")
    }
}
