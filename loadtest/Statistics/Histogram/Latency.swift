import Glibc

/// Durations of requests, those included that never ended: of them only the age is known.
///
///     answered   [ 180 us, 181 us, … 1.2 ms ]     known
///     censored   [ ≥ 5 s, ≥ 812 ms ]              timed out, reset, unanswered, never sent
///
/// A loss of 2 % makes p99 honest by itself: the lost ones are at the far end, and a quantile that
/// falls among them is known only from below.
package struct Latency: Sendable, Equatable {
    package var answered = Histogram()
    /// The ages at which requests were given up, in nanoseconds.
    package var censored = Histogram()

    package init(answered: Histogram = Histogram()) { self.answered = answered }

    /// Samples of both kinds.
    package var count: Int { answered.count + censored.count }

    package mutating func add(_ other: Latency) {
        answered.add(other.answered)
        censored.add(other.censored)
    }

    package mutating func clear() {
        answered.clear()
        censored.clear()
    }

    /// The value at or below which a share `quantile` of all samples lies.
    ///
    /// It is computed twice: with the censored ones at their age, and at infinity. Where both agree
    /// the value is known, and otherwise the first is a lower bound. Nil when there is no sample.
    package func value(at quantile: Double) -> Quantile? {
        guard count > 0 else { return nil }
        let rank = Histogram.rank(of: quantile, in: count)
        guard let lower = merged.value(ofRank: rank) else { return nil }
        guard rank <= answered.count, let upper = answered.value(ofRank: rank),
            Histogram.bin(of: upper) == Histogram.bin(of: lower)
        else { return .atLeast(lower) }
        return .exactly(upper)
    }

    /// The largest value, where one that was given up makes it a lower bound.
    package var max: Quantile? {
        guard let censoredMax = censored.max else { return answered.max.map(Quantile.exactly) }
        return .atLeast(Swift.max(censoredMax, answered.max ?? 0))
    }

    /// Whether at least ten samples lie beyond `quantile`, so that it means something.
    package func supports(_ quantile: Double) -> Bool {
        Histogram.supports(quantile, count: count)
    }

    /// Both kinds together, the censored ones at their age.
    package var merged: Histogram {
        if censored.count == 0 { return answered }
        var all = answered
        all.add(censored)
        return all
    }
}

/// A quantile, in nanoseconds.
package enum Quantile: Sendable, Equatable {
    case exactly(Int64)
    /// It depends on requests that never ended: it is this or more.
    case atLeast(Int64)

    /// The figure, whether it is the value or its lower bound.
    package var nanoseconds: Int64 {
        switch self {
        case .exactly(let value), .atLeast(let value): value
        }
    }

    /// Whether the figure is only a lower bound.
    package var isLowerBound: Bool { if case .atLeast = self { true } else { false } }
}

// How surely a quantile is known from its samples alone.

extension Latency {
    /// Half of the 95 % interval of a quantile as a share of it, from the ranks that it may have as
    /// well: `nq ± 1.96 √(nq(1−q))` of `n` samples. Nil when there are too few.
    package func spread(at quantile: Double) -> Double? {
        guard supports(quantile), let middle = value(at: quantile)?.nanoseconds else { return nil }
        let reach = 1.96 * (quantile * (1 - quantile) / Double(count)).squareRoot()
        guard let low = value(at: quantile - reach)?.nanoseconds,
            let high = value(at: Swift.min(1, quantile + reach))?.nanoseconds
        else { return nil }
        return log(Double(Swift.max(high, middle)) / Double(Swift.min(low, middle))) / 2
    }
}
