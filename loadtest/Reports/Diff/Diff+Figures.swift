import Generator
import Statistics

// The figures that runs are compared by, and how surely each is known.

extension Diff {
    /// A figure that runs are compared by.
    struct Figure: Sendable {
        enum Kind: Sendable { case time, rate, bytes, share }

        let name: String
        let kind: Kind
        var isHigherBetter = false
        /// The figure of a run; nil when it has none, or too few samples for it.
        let value: @Sendable (Measurement) -> Metric.Value?
        /// Half of its 95 % interval as a share of it, as one run tells it.
        var spread: @Sendable (Measurement) -> Double? = { _ in nil }

        var isShare: Bool { kind == .share }

        /// Both sides are known.
        func change(from old: [Measurement], to new: [Measurement]) -> Change? {
            if old.count > 1, new.count > 1 {
                let (from, to) = (figures(of: old), figures(of: new))
                return isShare ? Change(from: from, to: to) : Change(ratioOf: to, to: from)
            }
            guard let from = old.first, let to = new.first else { return nil }
            if isShare {
                return Change(from: from.ledger.failures, to: to.ledger.failures)
            }
            guard let oldValue = value(from)?.figure, let newValue = value(to)?.figure else {
                return nil
            }
            return Change(
                ratioOf: Change.Figure(newValue, spread: spread(to)),
                to: Change.Figure(oldValue, spread: spread(from)))
        }

        private func figures(of runs: [Measurement]) -> [Double] {
            runs.compactMap { value($0)?.figure }
        }
    }
}

extension Diff.Figure {
    /// What there is to compare; where no request is planned, response and service are the same.
    static func all(isPlanned: Bool, hasServer: Bool) -> [Diff.Figure] {
        let quantiles = [0.5, 0.99, 0.999]
        let response = isPlanned ? quantiles.map { latency("response", .response, $0) } : []
        return [rate] + response + quantiles.map { latency("service", .service, $0) }
            + [errors, clientCPU] + (hasServer ? [serverCPU, memory] : [])
    }

    private static let rate = Diff.Figure(
        name: "rate", kind: .rate, isHigherBetter: true,
        value: { Metric.rate.value(in: $0) }, spread: { $0.blocks.spreadOfRate })

    /// The seconds are known of the response only; the service is as uneven, or nearly.
    private static func latency(
        _ name: String, _ clock: Metric.Clock, _ quantile: Double
    ) -> Diff.Figure {
        let metric = Metric.time(.percentile(quantile), of: clock)
        return Diff.Figure(
            name: "\(name) \(Figures.name(ofQuantile: quantile))", kind: .time,
            value: { run in
                guard let samples = metric.samples(in: run), samples.there >= samples.needed else {
                    return nil
                }
                return metric.value(in: run)
            },
            spread: { run in
                let byRank = run.latency(of: clock).spread(at: quantile)
                return byRank.map { max($0, run.blocks.spread(at: quantile) ?? 0) }
            })
    }

    private static let errors = Diff.Figure(
        name: "errors", kind: .share,
        value: { run in
            let failures = run.ledger.failures
            guard failures.all > 0 else { return nil }
            return Metric.Value(figure: Double(failures.count) / Double(failures.all))
        })

    private static let clientCPU = Diff.Figure(
        name: "client CPU", kind: .time,
        value: { Metric.clientCPU.value(in: $0) }, spread: { $0.blocks.spreadOfCPU })

    private static let serverCPU = Diff.Figure(
        name: "server CPU", kind: .time, value: { Metric.serverCPU.value(in: $0) })

    private static let memory = Diff.Figure(
        name: "memory/conn", kind: .bytes,
        value: { $0.memoryPerConnection.map { Metric.Value(figure: $0) } })
}

extension Ledger {
    /// Requests without their answer, out of all.
    fileprivate var failures: (count: Int, all: Int) { (failed, scheduled) }
}

extension Measurement {
    fileprivate var blocks: Blocks {
        let start = phases.beforeMeasuring
        return Blocks(of: totals.timeline, from: start, to: start + phases.measured)
    }
}
