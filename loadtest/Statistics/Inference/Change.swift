import Glibc

/// The difference between two figures with its 95 % interval: of their logarithms where ratios
/// count, of themselves where they are shares.
///
///     rounds      several values a side         Welch's t on their spread (Welch 1947)
///     one each    a value and its own spread    the spreads add as squares
package struct Change: Sendable, Equatable {
    package var difference: Double
    /// Half of the interval; nil when nothing tells the spread.
    package var halfWidth: Double?

    /// A figure of one run, and half of its 95 % interval as a share of it, when it is known.
    package struct Figure: Sendable, Equatable {
        package var value: Double
        package var spread: Double?
        package init(_ value: Double, spread: Double?) {
            self.value = value
            self.spread = spread
        }
    }

    package init(difference: Double, halfWidth: Double?) {
        self.difference = difference
        self.halfWidth = halfWidth
    }

    /// The ratio of two figures; nil when one of them is not above zero.
    package init?(ratioOf new: Figure, to old: Figure) {
        guard new.value > 0, old.value > 0 else { return nil }
        difference = log(new.value / old.value)
        if let newSpread = new.spread, let oldSpread = old.spread {
            halfWidth = (newSpread * newSpread + oldSpread * oldSpread).squareRoot()
        }
    }

    /// The ratio between rounds; nil when a side has fewer than two or one is not above zero.
    package init?(ratioOf new: [Double], to old: [Double]) {
        guard (new + old).allSatisfy({ $0 > 0 }) else { return nil }
        self.init(from: old.map { log($0) }, to: new.map { log($0) })
    }

    /// The difference of the means; nil when a side has fewer than two values.
    package init?(from old: [Double], to new: [Double]) {
        guard let (oldMean, oldError) = Change.mean(of: old),
            let (newMean, newError) = Change.mean(of: new)
        else { return nil }
        difference = newMean - oldMean
        let error = oldError + newError
        let freedom =
            oldError * oldError / Double(old.count - 1) + newError * newError
            / Double(new.count - 1)
        let degrees = freedom > 0 ? error * error / freedom : Double(old.count + new.count - 2)
        halfWidth = StudentT.factor(freedom: degrees) * error.squareRoot()
    }

    /// The difference of two shares, each of so many: with one more of both outcomes on each side,
    /// the interval is right even where nothing or everything failed (Agresti and Caffo 2000).
    package init?(from old: (count: Int, all: Int), to new: (count: Int, all: Int)) {
        guard old.all > 0, new.all > 0 else { return nil }
        difference = Double(new.count) / Double(new.all) - Double(old.count) / Double(old.all)
        let variance = [old, new].reduce(0) { sum, side in
            let all = Double(side.all) + 2
            let share = (Double(side.count) + 1) / all
            return sum + share * (1 - share) / all
        }
        halfWidth = 1.96 * variance.squareRoot()
    }

    /// The mean, and the square of its standard error.
    private static func mean(of values: [Double]) -> (Double, Double)? {
        guard values.count > 1 else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, squares / (count - 1) / count)
    }

    /// The ratio that a difference of logarithms is.
    package static func ratio(_ difference: Double) -> Double { exp(difference) }

    /// The difference of logarithms that a ratio is; the ratio is above zero.
    package static func difference(_ ratio: Double) -> Double { log(ratio) }
}
