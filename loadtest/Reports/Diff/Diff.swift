import Generator
import Statistics

/// What became better or worse from one set of runs to another, and what cannot be told.
///
///     −2 %        0        +2 %        the noise that a change has to leave behind
///      ├──────────┼──────────┤
///      ·       [──┼────]     ·         within noise
///      ·          ·          ·  [──]   called: the whole interval is outside
///
/// With several runs a side, a round each, the interval comes from what rounds differ by. With one
/// each it comes from what the seconds of a run differ by, which knows nothing of what changes
/// between runs; the noise that is allowed for has to cover that.
package struct Diff: Sendable {
    package enum Outcome: String, Sendable {
        case improved
        case regressed
        case withinNoise = "within noise"
        case tooFewSamples = "too few samples"
        /// Unanswered requests leave it open: a figure is only known from below.
        case open = "not known"
        /// The other side has no such figure, or too few samples for it.
        case onlyOld = "only in A"
        case onlyNew = "only in B"

        /// Whether nothing can be said of what both sides should have.
        var isUnjudged: Bool { [.open, .onlyOld, .onlyNew].contains(self) }
    }

    /// One figure of both sides.
    struct Row: Sendable {
        let figure: Figure
        let old: Metric.Value?
        let new: Metric.Value?
        var change: Change?
        /// The smallest change that would have been called four times in five, as the change is
        /// given; nil when nothing tells the spread.
        var smallest: Double?
        var outcome = Outcome.tooFewSamples
    }

    /// What was asked for differently: "rate", "60000", "50000".
    struct Difference: Sendable, Equatable {
        let name: String
        let old: String
        let new: String
    }

    let rows: [Row]
    let differences: [Difference]
    /// What people call the runs of each side, and what they noted of them.
    let labels: (old: Labels, new: Labels)
    /// How many runs each side has.
    let counts: (old: Int, new: Int)
    /// The share that a change has to exceed.
    let noise: Double
    /// Runs whose verdict is not VALID: "B is SUSPECT (G-CPU)".
    let doubts: [String]
    /// Runs that cannot be judged: "B has no answer", "A is INVALID (G-CPU)".
    private let unjudgedRuns: [String]

    /// Each side has one run, or each has several.
    package init(_ old: [RunRecord], _ new: [RunRecord], noise: Double = 0.02) {
        counts = (old.count, new.count)
        labels = (Labels(ofParts: old.map(\.labels)), Labels(ofParts: new.map(\.labels)))
        self.noise = noise
        differences = Diff.differences(old, new)
        doubts = Diff.doubts("A", old) + Diff.doubts("B", new)
        unjudgedRuns = Diff.unjudged("A", old) + Diff.unjudged("B", new)
        let all = old + new
        let figures = Figure.all(
            isPlanned: all.contains { $0.plan.plansRequests },
            hasServer: all.contains { $0.measurement.server != nil })
        rows = figures.map { figure in
            Diff.row(figure, old.map(\.measurement), new.map(\.measurement), noise)
        }
    }

    /// Why runs cannot be compared at all; nil where they can.
    package static func objection(_ old: [RunRecord], _ new: [RunRecord]) -> String? {
        let all = named("A", old) + named("B", new)
        guard let closed = all.first(where: { $1.plan.rate == nil }),
            let open = all.first(where: { $1.plan.rate != nil }), let rate = open.1.plan.rate
        else { return nil }
        return "\(closed.0) is a closed loop and \(open.0) an open one, at "
            + "\(Figures.rate(rate))/s: a closed loop sends no faster than it is answered, so "
            + "neither rates nor latencies of the two say what changed; compare runs of one kind"
    }

    /// Whether any figure is worse than noise explains.
    package var hasRegression: Bool { rows.contains { $0.outcome == .regressed } }

    /// What cannot be judged, runs and figures; a gate that cannot see must not be open.
    package var unjudged: [String] {
        unjudgedRuns + rows.filter(\.outcome.isUnjudged).map(\.figure.name)
    }

    var isOneEach: Bool { counts == (1, 1) }

    private static func row(
        _ figure: Figure, _ old: [Measurement], _ new: [Measurement], _ noise: Double
    ) -> Row {
        let (oldValues, newValues) = (old.map(figure.value), new.map(figure.value))
        var row = Row(
            figure: figure, old: typical(oldValues, figure), new: typical(newValues, figure))
        guard let oldValue = row.old, let newValue = row.new else {
            if row.old != nil { row.outcome = .onlyOld }
            if row.new != nil { row.outcome = .onlyNew }
            return row
        }
        guard let change = figure.change(from: old, to: new) else {
            // Nothing is left of it, and there is no ratio to nothing.
            let isLost = figure.isHigherBetter && oldValue.figure > 0 && newValue.figure == 0
            if isLost { row.outcome = .regressed }
            return row
        }
        row.change = change
        let floor = figure.isShare ? 0 : Change.difference(1 + noise)
        row.smallest = change.halfWidth.map { floor + 1.5 * $0 }
        row.outcome = outcome(change, floor, isHigherBetter: figure.isHigherBetter)
        // The true figure is at least the bound: that a bound is worse is sure, and nothing else.
        if newValue.isLowerBound, row.outcome != .regressed { row.outcome = .open }
        if oldValue.isLowerBound, row.outcome != .improved { row.outcome = .open }
        return row
    }

    private static func outcome(
        _ change: Change, _ floor: Double, isHigherBetter: Bool
    ) -> Outcome {
        guard let half = change.halfWidth else {
            return abs(change.difference) <= floor ? .withinNoise : .tooFewSamples
        }
        if change.difference - half > floor { return isHigherBetter ? .improved : .regressed }
        if change.difference + half < -floor { return isHigherBetter ? .regressed : .improved }
        return .withinNoise
    }

    /// The middle of several runs: the geometric mean, as ratios are compared; of shares, which may
    /// be zero, the mean.
    private static func typical(_ values: [Metric.Value?], _ figure: Figure) -> Metric.Value? {
        let known = values.compactMap { $0 }
        guard !known.isEmpty, known.count == values.count else { return nil }
        let isLowerBound = known.contains(where: \.isLowerBound)
        let figures = known.map(\.figure)
        if figures.count == 1 { return known[0] }
        if figure.isShare || figures.contains(where: { $0 <= 0 }) {
            let mean = figures.reduce(0, +) / Double(figures.count)
            return Metric.Value(figure: mean, isLowerBound: isLowerBound)
        }
        let sum = figures.reduce(0) { $0 + Change.difference($1) }
        let mean = Change.ratio(sum / Double(figures.count))
        return Metric.Value(figure: mean, isLowerBound: isLowerBound)
    }
}

// Runs that were asked for differently answer another question; both sides are shown.

extension Diff {
    /// Where a run was made is no part of what it was asked for.
    private static let ignored: Set = ["target", "server_pid"]

    /// What differs between the first runs of the sides, or between two of one side.
    static func differences(_ old: [RunRecord], _ new: [RunRecord]) -> [Difference] {
        guard let first = old.first, let other = new.first else { return [] }
        let pairs =
            [(first, other)]
            + [old, new].flatMap { side in
                side.dropFirst().compactMap { run in side.first.map { ($0, run) } }
            }
        var found: [Difference] = []
        for (one, another) in pairs {
            for (old, new) in zip(settings(of: one), settings(of: another))
            where old.1 != new.1 && !found.contains(where: { $0.name == old.0 }) {
                found.append(Difference(name: old.0, old: old.1, new: new.1))
            }
        }
        return found
    }

    /// Every setting as a text; in the same order for every run.
    private static func settings(of record: RunRecord) -> [(String, String)] {
        let settings = LoadPlan.fields.filter { !ignored.contains($0.name) }.map {
            ($0.name, $0.text(of: record.plan))
        }
        let environment = record.environment
        return settings + [
            ("server", record.server.map { "\($0.model), \($0.driver)" } ?? "not ours"),
            ("CPU", environment.cpuModel), ("cores", "\(environment.cores)"),
            ("kernel", environment.kernel), ("version", environment.version),
            ("build", environment.build.rawValue),
        ]
    }

    /// The runs of a side that say of themselves that they are not to be trusted.
    static func doubts(_ side: String, _ runs: [RunRecord]) -> [String] {
        named(side, runs).compactMap { name, run in
            run.verdict.level == .valid ? nil : "\(name) is \(doubt(run.verdict))"
        }
    }

    /// The runs of a side that no figure can be taken from.
    static func unjudged(_ side: String, _ runs: [RunRecord]) -> [String] {
        named(side, runs).compactMap { name, run in
            if run.measurement.ledger.answered == 0 { return "\(name) has no answer" }
            return run.verdict.level == .invalid ? "\(name) is \(doubt(run.verdict))" : nil
        }
    }

    private static func named(_ side: String, _ runs: [RunRecord]) -> [(String, RunRecord)] {
        runs.enumerated().map { (runs.count > 1 ? "run \($0 + 1) of \(side)" : side, $1) }
    }

    private static func doubt(_ verdict: Verdict) -> String {
        let codes = verdict.findings.filter { $0.level > .note }.map(\.code)
        return "\(verdict.level.rawValue) (\(codes.joined(separator: ", ")))"
    }
}
