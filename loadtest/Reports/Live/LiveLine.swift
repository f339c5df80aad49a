import Generator

/// The one line that is shown while a run goes on, where there is no terminal or a small one.
///
/// It says what fits the width, the most important first, and keeps its words, so that a log can be
/// searched.
package struct LiveLine: Sendable {
    private let plan: LoadPlan
    /// Answers of the latest intervals, a second in all: shorter ones do not end where the
    /// generator's books do.
    private var recent: [(seconds: Double, answers: Int)] = []

    package init(_ plan: LoadPlan) { self.plan = plan }

    /// The line for an interval of `seconds`, at most `width` columns, without a line feed.
    package mutating func text(_ progress: Progress, seconds: Double, width: Int) -> String {
        recent.append((seconds, progress.response.count))
        while recent.count > 1, recent.dropFirst().reduce(0, { $0 + $1.seconds }) >= 1 {
            recent.removeFirst()
        }
        var line = width < LiveLine.roomMin ? brief(progress) : phase(progress)
        for part in parts(progress) {
            guard line.count + 2 + part.count <= width else { break }
            line += "  " + part
        }
        // The last column stays free: some terminals go to the next line when it is written.
        return String(line.prefix(max(0, width)))
    }

    /// A line that is shorter has room for latencies only where the phase is said in brief.
    private static let roomMin = 60

    /// How far the run is, in less than twenty columns.
    private func brief(_ progress: Progress) -> String {
        let elapsed = Figures.fixed(progress.elapsed, decimals: 1)
        switch progress.phase {
        case .connecting: return "up \(Figures.count(progress.connectionsUp))"
        case .warmup: return "warm-up \(elapsed) s"
        case .measuring:
            if plan.requests != nil { return Figures.count(progress.answered) }
            return plan.duration.map { "\(elapsed) of \(LiveLine.seconds($0))" } ?? "\(elapsed) s"
        case .draining, .done: return phase(progress)
        }
    }

    private func phase(_ progress: Progress) -> String {
        let elapsed = Figures.fixed(progress.elapsed, decimals: 1) + " s"
        switch progress.phase {
        case .connecting:
            return
                "connecting  \(Figures.count(progress.connectionsUp)) of "
                + Figures.count(plan.connections)
        case .warmup: return "warm-up   \(elapsed) of \(LiveLine.seconds(plan.fixedWarmup))"
        case .measuring:
            if let requests = plan.requests {
                return "measuring \(Figures.count(progress.answered)) of \(Figures.count(requests))"
            }
            return "measuring \(elapsed)"
                + (plan.duration.map { " of \(LiveLine.seconds($0))" } ?? "")
        case .draining: return "draining  \(elapsed)"
        case .done: return "done"
        }
    }

    private func parts(_ progress: Progress) -> [String] {
        let interval = progress.response
        var parts: [String] = []
        let seconds = recent.reduce(0) { $0 + $1.seconds }
        let answers = recent.reduce(0) { $0 + $1.answers }
        if interval.count > 0, seconds > 0 {
            parts.append("\(Figures.short(Double(answers) / seconds))/s")
            for quantile in [0.5, 0.99] where interval.supports(quantile) {
                guard let value = interval.value(at: quantile) else { continue }
                let time = Figures.time(nanoseconds: Double(value))
                parts.append("\(Figures.name(ofQuantile: quantile)) \(time)")
            }
        }
        parts.append("errors \(Figures.count(progress.errors.occurrences))")
        if progress.phase != .connecting {
            parts.append("up \(Figures.count(progress.connectionsUp))")
        }
        return parts
    }

    private static func seconds(_ duration: Duration) -> String {
        Figures.short(
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        ) + " s"
    }
}

extension Progress {
    /// Adds what was answered before an earlier look.
    package mutating func addAnswers(of earlier: Progress) {
        response.add(earlier.response)
    }
}
