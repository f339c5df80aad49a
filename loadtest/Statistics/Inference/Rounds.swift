import Glibc

/// What one figure was in several rounds: its middle, how surely that is known, and which rounds
/// stand apart.
///
///     ·  · ··|·  ·        °      median |, a round that stands apart °
///         [──|──]                95 % interval of the middle
package struct Rounds: Sendable, Equatable {
    package let values: [Double]

    /// Nil when there is no value, or one that is no number.
    package init?(_ values: [Double]) {
        guard !values.isEmpty, values.allSatisfy(\.isFinite) else { return nil }
        self.values = values
    }

    package var median: Double { Rounds.quantile(0.5, of: values.sorted()) }

    /// The 95 % interval, by Student's t on the logarithms, widened where it leaves the median out;
    /// nil for one round, or where a value is not above zero.
    package var interval: (low: Double, high: Double)? {
        guard values.allSatisfy({ $0 > 0 }), let spread = LogSpread(values.map { log($0) }) else {
            return nil
        }
        let half = StudentT.factor(freedom: Double(values.count - 1)) * spread.error
        let (low, high) = (exp(spread.mean - half), exp(spread.mean + half))
        return (min(low, median), max(high, median))
    }

    /// For each round whether it stands apart: further from the middle half of the rounds than one
    /// and a half times its width (Tukey 1977). It is said, and the round is kept.
    package var standsApart: [Bool] {
        guard values.count >= 4 else { return values.map { _ in false } }
        let sorted = values.sorted()
        let (low, high) = (Rounds.quantile(0.25, of: sorted), Rounds.quantile(0.75, of: sorted))
        let reach = 1.5 * (high - low)
        return values.map { $0 < low - reach || $0 > high + reach }
    }

    /// A quantile of values in order, between two of them where it falls there.
    static func quantile(_ quantile: Double, of sorted: [Double]) -> Double {
        let place = quantile * Double(sorted.count - 1)
        let below = Int(place.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }
}

/// The mean of some values and its standard error.
struct LogSpread {
    let mean: Double
    let error: Double

    /// Nil for fewer than two values.
    init?(_ values: [Double]) {
        guard values.count > 1 else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        error = (squares / (count - 1) / count).squareRoot()
    }
}
