import Glibc

/// How two servers differ that were measured in the same rounds: the ratios of the rounds, as
/// logarithms.
///
///     round          1      2      3   …        what a round does to both falls out
///     baseline    118k   116k   121k
///     other       124k   123k   127k
///     ratio       1.05   1.06   1.05  →  +5.2 % [+4.6, +5.8]
///
/// The interval and the probability are Student's t on the logarithms. Sign flips would assume
/// less, but among eight rounds they reach no probability below 2/256, and corrected for a dozen
/// servers that is never a find.
package struct PairedRatio: Sendable, Equatable {
    /// Rounds in which both were measured.
    package let count: Int
    /// The middle of the rounds' ratios, as a logarithm.
    package let center: Double
    /// The 95 % interval, as logarithms, widened where it leaves the center out; nil for one round.
    package let interval: ClosedRange<Double>?
    /// How likely chance alone gives as much; 1 for one round.
    package let probability: Double
    /// The standard error of the logarithms' mean; nil for one round.
    package let error: Double?

    /// Each pair is a round; nil when there is none, or a figure that is not above zero.
    package init?(_ pairs: [(new: Double, old: Double)]) {
        let logarithms = pairs.map { pair in
            pair.new > 0 && pair.old > 0 ? log(pair.new) - log(pair.old) : .nan
        }
        guard let rounds = Rounds(logarithms) else { return nil }
        count = pairs.count
        center = rounds.median
        guard let spread = LogSpread(logarithms) else {
            (interval, probability, error) = (nil, 1, nil)
            return
        }
        let half = StudentT.factor(freedom: Double(count - 1)) * spread.error
        interval = min(spread.mean - half, center)...max(spread.mean + half, center)
        error = spread.error
        probability = PairedRatio.probability(of: spread, count: count)
    }

    /// Where every round gave the same, either nothing differs or it cannot be chance.
    private static func probability(of spread: LogSpread, count: Int) -> Double {
        guard spread.error > 0 else { return spread.mean == 0 ? 1 : 0 }
        return StudentT.probability(beyond: spread.mean / spread.error, freedom: count - 1)
    }

    /// The smallest difference that would have been found four times in five, as a logarithm: at
    /// `level` after the correction, and beyond `floor`, which noise reaches alone. Nil for one
    /// round.
    package func smallest(level: Double, floor: Double) -> Double? {
        guard let error else { return nil }
        let surely = StudentT.factor(probability: 0.4, freedom: count - 1) * error
        let called = StudentT.factor(probability: level, freedom: count - 1) * error
        return surely + max(called, floor)
    }
}

/// Corrects probabilities for having asked several questions: of twenty, one looks like a find by
/// chance alone (Holm 1979).
package enum Holm {
    /// Each probability as it counts among all of them, in the same order.
    ///
    /// The smallest is multiplied by how many there are, the next one by one less, and so on; none
    /// comes out below one that was smaller. Any of them is under 5 % by chance in one of twenty
    /// cases at most, however they depend on each other.
    package static func corrected(_ probabilities: [Double]) -> [Double] {
        var corrected = probabilities
        var floor = 0.0
        let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
        for (rank, index) in order.enumerated() {
            let factor = Double(probabilities.count - rank)
            floor = min(1, max(floor, probabilities[index] * factor))
            corrected[index] = floor
        }
        return corrected
    }
}
