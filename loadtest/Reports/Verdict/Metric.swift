import Flags
import Generator
import Statistics

/// A figure of a run that a threshold can name.
///
///     p99   max   mean           response: what a user waits
///     p99.service   p99.delay    the other two clocks of a request
///     connect.p99   lag.p99      connecting, and turns of the generator's loops
///     rate   jain   errors       and what else stands in the table below
enum Metric: Sendable, Equatable {
    case time(Statistic, of: Clock)
    case rate, jain
    case count(Count)
    case clientCPU, serverCPU

    enum Statistic: Sendable, Equatable { case percentile(Double), smallest, largest, mean }

    enum Clock: CaseIterable { case response, service, delay, connect, lag }

    enum Count: String, CaseIterable {
        case errors, corrupt, reset, unanswered, failed, lost, late, duplicated, reordered
        case timedOut = "timed_out"
        case closedEarly = "closed_early"
        case neverSent = "never_sent"
        case connectFailed = "connect.failed"
    }

    private static let named: [(name: String, metric: Metric)] =
        [
            ("rate", .rate), ("jain", .jain), ("cpu.client", .clientCPU),
            ("cpu.server", .serverCPU),
        ] + Count.allCases.map { ($0.rawValue, .count($0)) }

    /// What a suggestion is chosen from.
    static let names: [String] =
        Clock.allCases.flatMap { clock in
            ["p50", "p90", "p99", "p99.9", "p99.99", "min", "max", "mean"].map(clock.name)
        } + named.map(\.name)

    /// `p99.9`, `p99.service`, `connect.max`, or one of the other names.
    init?(_ name: String) {
        if let known = Metric.named.first(where: { $0.name == name }) {
            self = known.metric
            return
        }
        for clock in Clock.allCases {
            guard let rest = clock.statistic(in: name), let statistic = Statistic(rest) else {
                continue
            }
            self = .time(statistic, of: clock)
            return
        }
        return nil
    }

    private enum Kind { case time, rate, share, count }

    private var kind: Kind {
        switch self {
        case .time, .clientCPU, .serverCPU: .time
        case .rate: .rate
        case .jain: .share
        case .count: .count
        }
    }

    /// Reads a limit in the metric's unit; the error says what is wrong, in words that follow it.
    func read(_ text: String) throws(UsageError) -> Double {
        do {
            switch kind {
            case .time:
                let (seconds, attoseconds) = try Units.duration(text).components
                return Double(seconds) * 1e9 + Double(attoseconds) / 1e9
            case .rate: return try Units.rate(text)
            case .count: return Double(try Units.count(text))
            case .share: break
            }
        } catch {
            throw UsageError("\(error)")
        }
        guard let share = Double(plain: text), share <= 1 else {
            throw UsageError("is no number from 0 to 1; write for example 0.95")
        }
        return share
    }

    func print(_ value: Double) -> String {
        switch kind {
        case .time: Figures.time(nanoseconds: value)
        case .rate: Figures.short(value) + "/s"
        case .share: Figures.fixed(value, decimals: 3)
        case .count: Figures.count(Int(value))
        }
    }

    func inBaseUnits(_ value: Double) -> Double { kind == .time ? value / 1e9 : value }
}

extension Metric.Clock {
    /// The name of one of its statistics: "p99" of the response, "p99.service", "connect.p99".
    func name(_ statistic: String) -> String {
        switch self {
        case .response: statistic
        case .service: statistic + ".service"
        case .delay: statistic + ".delay"
        case .connect: "connect." + statistic
        case .lag: "lag." + statistic
        }
    }

    /// The part of a name that names the statistic; nil when the name is not of this clock.
    func statistic(in name: String) -> Substring? {
        let frame = self.name("")
        if frame.hasPrefix(".") { return name.hasSuffix(frame) ? name.dropLast(frame.count) : nil }
        return name.hasPrefix(frame) ? name.dropFirst(frame.count) : nil
    }
}

extension Metric.Statistic {
    /// `p99.9`, `min`, `max` or `mean`.
    init?(_ name: Substring) {
        switch name {
        case "min": self = .smallest
        case "max": self = .largest
        case "mean": self = .mean
        default:
            guard name.first == "p", let percent = Double(plain: name.dropFirst()),
                percent > 0, percent < 100
            else { return nil }
            self = .percentile(percent / 100)
        }
    }
}

extension Double {
    /// A number of digits and a point; no sign, exponent or word.
    fileprivate init?(plain text: some StringProtocol) {
        guard text.allSatisfy({ $0 == "." || ("0"..."9").contains($0) }) else { return nil }
        self.init(text)
    }
}

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
        case .errors: run.failures
        case .corrupt: run.ledger.corrupt
        case .timedOut: run.ledger.timedOut
        case .reset: run.ledger.reset
        case .closedEarly: run.ledger.closedEarly
        case .unanswered: run.ledger.unanswered
        case .neverSent: run.ledger.neverSent
        case .failed: run.ledger.failed
        case .lost: run.ledger.lost
        case .late: run.datagrams.late
        case .duplicated: run.datagrams.duplicated
        case .reordered: run.datagrams.reordered
        case .connectFailed: run.connects.failed
        }
    }
}

extension Measurement {
    func latency(of clock: Metric.Clock) -> Latency {
        switch clock {
        case .response: totals.response
        case .service: totals.service
        case .delay: totals.sendDelay
        case .connect: Latency(answered: totals.connectTimes)
        case .lag: Latency(answered: totals.lag)
        }
    }
}
