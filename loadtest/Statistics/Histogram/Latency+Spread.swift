import Glibc

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
