import Generator
import Statistics

// What a metric was in a run, and how surely that is known.

extension Metric {
    /// A figure, in nanoseconds, per second, as a share or a count.
    struct Value: Equatable {
        var figure: Double
        /// Whether requests that never ended leave it open how much more it is.
        var isLowerBound = false
    }

    /// The figure; nil when the run has none.
    func value(in run: Measurement) -> Value? {
        switch self {
        case .time(let statistic, let clock):
            statistic.value(in: run.latency(of: clock))
        case .rate: Value(figure: run.rate)
        case .jain: run.served.jain.map { Value(figure: $0) }
        case .count(let count): Value(figure: Double(count.value(in: run)))
        case .clientCPU: run.clientCPUPerRequest.map { Value(figure: $0 * 1e9) }
        case .serverCPU: run.serverCPUPerRequest.map { Value(figure: $0 * 1e9) }
        }
    }

    /// How many samples there are and how many it needs; nil when it needs but one.
    func samples(in run: Measurement) -> (there: Int, needed: Int)? {
        guard case .time(.percentile(let quantile), let clock) = self else { return nil }
        return (run.latency(of: clock).count, Figures.samplesNeeded(for: quantile))
    }
}

extension Metric.Statistic {
    fileprivate func value(in latency: Latency) -> Metric.Value? {
        switch self {
        case .percentile(let quantile): latency.value(at: quantile).map(Metric.Value.init)
        // What was given up may have been anything; what was answered is at least known.
        case .smallest: latency.answered.min.map { Metric.Value(figure: Double($0)) }
        case .largest: latency.max.map(Metric.Value.init)
        case .mean:
            latency.merged.mean.map {
                Metric.Value(figure: $0, isLowerBound: latency.censored.count > 0)
            }
        }
    }
}

extension Metric.Value {
    fileprivate init(_ quantile: Quantile) {
        self.init(figure: Double(quantile.nanoseconds), isLowerBound: quantile.isLowerBound)
    }
}

extension Metric.Count {
    fileprivate func value(in run: Measurement) -> Int {
        switch self {
        case .errors: run.errorCount
        case .corrupt: run.ledger.corrupt
        case .timedOut: run.ledger.timedOut
        case .reset: run.ledger.reset
        case .closedEarly: run.ledger.closedEarly
        case .unanswered: run.ledger.unanswered
        case .neverSent: run.ledger.neverSent
        case .failed: run.ledger.failed
        case .connectFailed: run.connects.failed
        }
    }
}

extension Measurement {
    /// Answered requests per second of the measured time; 0 when there was none.
    package var rate: Double {
        phases.measured > 0 ? Double(ledger.answered) / phases.measured : 0
    }

    /// Errors of all kinds.
    var errorCount: Int { errors.reduce(0) { $0 + $1.count } }

    func latency(of clock: Metric.Clock) -> Latency {
        switch clock {
        case .response: response
        case .service: service
        case .delay: sendDelay
        case .connect: Latency(answered: connectTimes)
        case .lag: Latency(answered: lag)
        }
    }
}
