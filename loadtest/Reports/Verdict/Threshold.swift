import Flags
import Generator
import Statistics

/// A condition that makes a run a failure: `p99>2ms`, `errors>0`, `rate<50k`.
package struct Threshold: Sendable, Equatable {
    /// As the user wrote it.
    package let text: String
    let metric: Metric
    let relation: Relation
    /// In nanoseconds, a count, a share, or per second, as the metric has it.
    let limit: Double

    enum Relation: String, CaseIterable, Sendable {
        // The longer ones first, so that ">=" is not read as ">" and "=5".
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"

        /// Whether any value from `bound` on gives the same answer.
        func isDecided(byLowerBound bound: Double, _ limit: Double) -> Bool {
            switch self {
            case .atLeast, .below: bound >= limit
            case .atMost, .above: bound > limit
            }
        }

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
            let relation = Relation.allCases.first(where: {
                text[start...].hasPrefix($0.rawValue)
            })
        else { throw mistake("compares nothing: it needs >, >=, < or <=") }
        let name = Threshold.trim(text[..<start])
        let value = Threshold.trim(text[start...].dropFirst(relation.rawValue.count))
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
        self.relation = relation
    }

    /// Whether it can only be judged when the server's process is known.
    package var needsServer: Bool { metric == .serverCPU }

    /// How many samples a run must have for it to be judged.
    package var samplesNeeded: Int {
        guard case .time(.percentile(let quantile), _) = metric else { return 1 }
        return Figures.samplesNeeded(for: quantile)
    }

    /// Judges a run. What cannot be judged is a failure: a gate that cannot see must not be open.
    ///
    /// A lower bound says enough when it is beyond the limit already, and otherwise nothing.
    package func judge(_ measurement: Measurement) -> ThresholdResult {
        if let samples = metric.samples(in: measurement), samples.there < samples.needed {
            let (there, needed) = (Figures.count(samples.there), Figures.count(samples.needed))
            return unknown("not enough samples: \(there) of the \(needed) needed")
        }
        guard let value = metric.value(in: measurement) else { return unknown("was not measured") }
        let text = metric.print(value.figure)
        guard value.isLowerBound else {
            return ThresholdResult(threshold: self, value: value.figure, words: "was \(text)")
        }
        guard relation.isDecided(byLowerBound: value.figure, limit) else {
            return unknown("was at least \(text), which leaves it open")
        }
        return ThresholdResult(threshold: self, value: value.figure, words: "was at least \(text)")
    }

    private func unknown(_ words: String) -> ThresholdResult {
        ThresholdResult(threshold: self, value: nil, words: words)
    }

    private static func trim(_ text: Substring) -> String {
        let start = text.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}

/// What became of a threshold.
package struct ThresholdResult: Sendable, Equatable {
    package let threshold: Threshold
    /// The figure, in nanoseconds, a count, a share or per second; nil when it could not be judged.
    package let value: Double?
    /// The figure for people: "was 1.21 ms".
    package let words: String

    /// Whether the condition was met; not so when it could not be judged.
    package var isMet: Bool {
        value.map { threshold.relation.holds($0, threshold.limit) } ?? false
    }

    /// Whether the condition was met, or could not be judged.
    package var isFailure: Bool { isMet || value == nil }

    /// The figure in seconds, a count, a share or per second.
    package var valueInBaseUnits: Double? { value.map { threshold.metric.inBaseUnits($0) } }
}

extension ThresholdResult: Codable {
    package init(from decoder: any Decoder) throws {
        let members = try Members(decoder)
        do {
            threshold = try Threshold(try members.at("expr", .text) ?? "")
        } catch let error as UsageError {
            throw members.error("expr", "cannot be judged by this version: \(error)")
        }
        let metric = threshold.metric
        value = try members.at("value", .number).map { ThresholdResult.value($0, of: metric) }
        words = try members.at("words", .text) ?? ""
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        try members.encode(threshold.text, forKey: Name("expr"))
        try members.encode(valueInBaseUnits, forKey: Name("value"))
        try members.encode(!isFailure, forKey: Name("passed"))
        try members.encode(words, forKey: Name("words"))
    }

    /// A value of base units in the metric's own: the one that gives the same base units again.
    private static func value(_ value: Double, of metric: Metric) -> Double {
        let near = value / metric.inBaseUnits(1)
        let candidates = [near, near.rounded(), near.nextUp, near.nextDown]
        return candidates.first { metric.inBaseUnits($0) == value } ?? near
    }
}
