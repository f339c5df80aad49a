import Flags
import Generator

/// A figure of a run that a threshold can name.
enum Metric: Sendable, Equatable {
    case percentile(Double, isConnect: Bool)
    case smallest, largest, mean
    case connectLargest
    case rate
    case errors, corrupt, timedOut, reset, closedEarly, unanswered, failed, connectFailed
    case clientCPU, serverCPU

    private static let named: [(name: String, metric: Metric)] = [
        ("min", .smallest), ("max", .largest), ("mean", .mean), ("connect.max", .connectLargest),
        ("rate", .rate), ("errors", .errors), ("corrupt", .corrupt), ("timed_out", .timedOut),
        ("reset", .reset), ("closed_early", .closedEarly), ("unanswered", .unanswered),
        ("failed", .failed), ("connect.failed", .connectFailed), ("cpu.client", .clientCPU),
        ("cpu.server", .serverCPU),
    ]

    /// What a suggestion is chosen from.
    static var names: [String] { ["p50", "p90", "p99", "p99.9", "p99.99"] + named.map(\.name) }

    /// `p99.9`, `connect.p99`, or one of the names.
    init?(_ name: String) {
        if let known = Metric.named.first(where: { $0.name == name }) {
            self = known.metric
            return
        }
        let isConnect = name.hasPrefix("connect.")
        let rest = name.dropFirst(isConnect ? "connect.".count : 0)
        guard rest.first == "p",
            rest.dropFirst().allSatisfy({ $0 == "." || ("0"..."9").contains($0) }),
            let percent = Double(rest.dropFirst()), percent > 0, percent < 100
        else { return nil }
        self = .percentile(percent / 100, isConnect: isConnect)
    }

    private enum Kind { case time, rate, count }

    private var kind: Kind {
        switch self {
        case .percentile, .smallest, .largest, .mean, .connectLargest, .clientCPU, .serverCPU: .time
        case .rate: .rate
        default: .count
        }
    }

    /// Reads a limit in the metric's unit.
    func read(_ text: String) throws(Units.Mistake) -> Double {
        switch kind {
        case .time:
            let (seconds, attoseconds) = try Units.duration(text).components
            return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
        case .rate: return try Units.rate(text)
        case .count: return Double(try Units.count(text))
        }
    }

    func print(_ value: Double) -> String {
        switch kind {
        case .time: Figures.time(nanoseconds: value)
        case .rate: Figures.short(value) + "/s"
        case .count: Figures.count(Int(value))
        }
    }

    func inBaseUnits(_ value: Double) -> Double { kind == .time ? value / 1e9 : value }

    /// The figure; nil when the run has none.
    func value(in run: Measurement) -> Double? {
        switch self {
        case .percentile(let quantile, let isConnect):
            (isConnect ? run.connectTimes : run.response.answered).value(at: quantile).map(
                Double.init)
        case .smallest: run.response.answered.min.map(Double.init)
        case .largest: run.response.answered.max.map(Double.init)
        case .mean: run.response.answered.mean
        case .connectLargest: run.connectTimes.max.map(Double.init)
        case .rate: run.rate
        case .clientCPU: run.clientCPUPerRequest.map { $0 * 1e9 }
        case .serverCPU: run.serverCPUPerRequest.map { $0 * 1e9 }
        default: Double(count(in: run))
        }
    }

    private func count(in run: Measurement) -> Int {
        switch self {
        case .errors: run.errors.reduce(0) { $0 + $1.count }
        case .corrupt: run.ledger.corrupt
        case .timedOut: run.ledger.timedOut
        case .reset: run.ledger.reset
        case .closedEarly: run.ledger.closedEarly
        case .unanswered: run.ledger.unanswered
        case .failed: run.ledger.failed
        case .connectFailed: run.connects.failed
        default: 0
        }
    }
}

extension Measurement {
    /// Answered requests per second of the measured time; 0 when there was none.
    package var rate: Double {
        phases.measured > 0 ? Double(ledger.answered) / phases.measured : 0
    }
}
