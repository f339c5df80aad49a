import Glibc

/// How two servers differ that were measured in the same rounds: the ratios of the rounds, as
/// logarithms.
///
///     round          1      2      3   …        what a round does to both falls out
///     baseline    118k   116k   121k
///     other       124k   123k   127k
///     ratio       1.05   1.06   1.05  →  +5.2 % [+4.6, +5.8]
///
/// The center is the trimmed mean, without the fifth of the rounds at either end: a round in which
/// something else ran for a moment is far off and says nothing about the servers. The interval and
/// the probability are Yuen's, Student's t on what is left with the spread of the winsorized rounds
/// (Yuen 1974). Below five rounds nothing is left out, and they are Student's own.
package struct PairedRatio: Sendable, Equatable {
    /// Rounds in which both were measured.
    package let count: Int
    /// The trimmed mean of the rounds' ratios, as a logarithm.
    package let center: Double
    /// The 95 % interval, as logarithms; nil for one round.
    package let interval: ClosedRange<Double>?
    /// How likely chance alone gives as much; 1 for one round.
    package let probability: Double
    /// The standard error of the center; nil for one round.
    package let error: Double?
    private let freedom: Int

    /// Of the rounds, so many are left out at either end.
    private static let trimmed = 0.2

    /// Each pair is a round; nil when there is none, or a figure that is not above zero.
    package init?(_ pairs: [(new: Double, old: Double)]) {
        let logarithms = pairs.map { pair in
            pair.new > 0 && pair.old > 0 ? log(pair.new) - log(pair.old) : .nan
        }.sorted()
        guard !logarithms.isEmpty, logarithms.allSatisfy(\.isFinite) else { return nil }
        count = logarithms.count
        let cut = Int(PairedRatio.trimmed * Double(count))
        let kept = logarithms[cut..<count - cut]
        center = kept.reduce(0, +) / Double(kept.count)
        freedom = kept.count - 1
        guard freedom > 0 else {
            (interval, probability, error) = (nil, 1, nil)
            return
        }
        let error = PairedRatio.error(of: logarithms, kept)
        self.error = error
        (interval, probability) = PairedRatio.inference(center, error, freedom)
    }

    /// How two differ that were in no round together, from what each differs by from a third that
    /// was in the rounds of both.
    package init(_ new: PairedRatio, over old: PairedRatio) {
        count = min(new.count, old.count)
        center = new.center - old.center
        freedom = min(new.freedom, old.freedom)
        guard let one = new.error, let other = old.error else {
            (interval, probability, error) = (nil, 1, nil)
            return
        }
        let error = (one * one + other * other).squareRoot()
        self.error = error
        (interval, probability) = PairedRatio.inference(center, error, freedom)
    }

    private static func inference(
        _ center: Double, _ error: Double, _ freedom: Int
    ) -> (ClosedRange<Double>, Double) {
        let half = StudentT.factor(freedom: Double(freedom)) * error
        // Where every round gave the same, either nothing differs or it cannot be chance.
        let probability =
            error > 0
            ? StudentT.probability(beyond: center / error, freedom: freedom) : center == 0 ? 1 : 0
        return (center - half...center + half, probability)
    }

    /// The spread of all rounds, each end as far out as what was kept, as an error of the mean of
    /// those.
    private static func error(of sorted: [Double], _ kept: ArraySlice<Double>) -> Double {
        guard let low = kept.first, let high = kept.last else { return 0 }
        let values = sorted.map { min(max($0, low), high) }
        let (count, left) = (Double(values.count), Double(kept.count))
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / (left * (left - 1))).squareRoot()
    }

    /// The smallest difference that would have been found four times in five, as a logarithm: at
    /// `level` after the correction, and beyond `floor`, which noise reaches alone. Nil for one
    /// round.
    package func smallest(level: Double, floor: Double) -> Double? {
        guard let error else { return nil }
        let surely = StudentT.factor(probability: 0.4, freedom: freedom) * error
        let called = StudentT.factor(probability: level, freedom: freedom) * error
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
