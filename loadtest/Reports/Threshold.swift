import Flags
import Generator

/// A condition that makes a run a failure: `p99>2ms`, `errors>0`, `rate<50k`.
package struct Threshold: Sendable, Equatable {
    /// As the user wrote it.
    package let text: String
    let metric: Metric
    let comparison: Comparison
    /// In nanoseconds, a count, or per second, as the metric has it.
    let limit: Double

    enum Comparison: String, CaseIterable, Sendable {
        // The longer ones first, so that ">=" is not read as ">" and "=5".
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"

        func holds(_ value: Double, _ limit: Double) -> Bool {
            switch self {
            case .atLeast: value >= limit
            case .atMost: value <= limit
            case .above: value > limit
            case .below: value < limit
            }
        }
    }

    /// Reads an expression; the error says what is wrong with the option and gives an example.
    package init(_ text: String, option: String = "--fail-if") throws(UsageError) {
        func mistake(_ reason: String) -> UsageError {
            UsageError("\(option) '\(text)' \(reason); write for example 'p99>2ms' or 'errors>0'")
        }
        guard let start = text.firstIndex(where: { "<>=".contains($0) }),
            let comparison = Comparison.allCases.first(where: {
                text[start...].hasPrefix($0.rawValue)
            })
        else { throw mistake("compares nothing: it needs >, >=, < or <=") }
        let name = Threshold.trim(text[..<start])
        let value = Threshold.trim(text[start...].dropFirst(comparison.rawValue.count))
        guard let metric = Metric(name) else {
            let near = nearest(to: name, among: Metric.names).map { "; did you mean \($0)?" }
            throw mistake("has no figure called '\(name)'" + (near ?? ""))
        }
        do {
            limit = try metric.read(value)
        } catch {
            throw UsageError("\(option) '\(text)': the limit '\(value)' \(error)")
        }
        self.text = text
        self.metric = metric
        self.comparison = comparison
    }

    /// Whether it can only be judged when the server's process is known.
    package var needsServer: Bool { metric == .serverCPU }

    /// How many samples a run must have for it to be judged.
    package var samplesNeeded: Int {
        if case .percentile(let quantile, _) = metric {
            Figures.samplesNeeded(for: quantile)
        } else {
            1
        }
    }

    /// Judges a run. What cannot be judged is a failure: a gate that cannot see must not be open.
    package func judge(_ measurement: Measurement) -> ThresholdResult {
        if case .percentile(let quantile, let isConnect) = metric {
            let histogram = isConnect ? measurement.connectTimes : measurement.response.answered
            guard histogram.supports(quantile) else {
                let needed = Figures.count(Figures.samplesNeeded(for: quantile))
                let there = Figures.count(histogram.count)
                return ThresholdResult(
                    threshold: self,
                    value: nil,
                    words: "not enough samples: \(there) of the \(needed) needed"
                )
            }
        }
        guard let value = metric.value(in: measurement) else {
            return ThresholdResult(threshold: self, value: nil, words: "was not measured")
        }
        return ThresholdResult(threshold: self, value: value, words: "was \(metric.print(value))")
    }

    private static func trim(_ text: Substring) -> String {
        let start = text.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}

/// What became of a threshold.
package struct ThresholdResult: Sendable, Equatable {
    package let threshold: Threshold
    /// The figure, in nanoseconds, a count or per second; nil when it could not be judged.
    package let value: Double?
    /// The figure for people: "was 1.21 ms".
    package let words: String

    /// Whether the condition was met; not so when it could not be judged.
    package var isMet: Bool {
        value.map { threshold.comparison.holds($0, threshold.limit) } ?? false
    }

    /// Whether the condition was met, or could not be judged.
    package var isFailure: Bool { isMet || value == nil }

    /// The figure in seconds, a count or per second.
    package var valueInBaseUnits: Double? { value.map { threshold.metric.inBaseUnits($0) } }
}
