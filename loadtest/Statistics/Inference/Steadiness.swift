/// Says whether a load holds still, from the rate and the median latency of its latest windows.
///
///     windows   … r r r r r r r r r r        ten: the slope through them, and how far one is off
///
/// Independent arrivals differ from window to window by chance, by the root of their number: so
/// much is no change.
///
/// The slope is Theil's and Sen's, the median of the slopes of all pairs: one window that another
/// process disturbed does not tilt it. The bounds leave room for a machine whose cores are shared,
/// on which windows of a steady load differ by a few percent.
package struct Steadiness: Sendable {
    /// Windows that are looked at.
    package static let windowCount = 10
    /// The change across all windows, as a share, that is none.
    private static let slopeMax = 0.05
    /// How far half of the windows may be from the middle one, as a share.
    private static let spreadMax = 0.1

    /// How many standard deviations of chance may be beyond the bounds.
    private static let deviations = 3.0

    /// Whether the answers follow arrivals that are independent of each other.
    private let isPoisson: Bool
    private var counts: [Double] = []
    private var rates: [Double] = []
    private var medians: [Double] = []

    package init(isPoisson: Bool = false) {
        self.isPoisson = isPoisson
        rates.reserveCapacity(Steadiness.windowCount + 1)
        medians.reserveCapacity(Steadiness.windowCount + 1)
    }

    /// Adds a window: answers and answers per second, and the median latency in any unit.
    package mutating func add(count: Int = 0, rate: Double, median: Double) {
        counts.append(Double(count))
        rates.append(rate)
        medians.append(median)
        guard rates.count > Steadiness.windowCount else { return }
        counts.removeFirst()
        rates.removeFirst()
        medians.removeFirst()
    }

    /// Whether both hold still; false before there are enough windows.
    package var isSteady: Bool {
        rates.count == Steadiness.windowCount && Steadiness.holdStill(rates, chance: chance)
            && Steadiness.holdStill(medians, chance: chance)
    }

    /// The share by which chance alone makes windows differ.
    private var chance: Double {
        guard isPoisson else { return 0 }
        return Steadiness.deviations / max(1, Steadiness.median(counts)).squareRoot()
    }

    private static func holdStill(_ values: [Double], chance: Double) -> Bool {
        let middle = median(values)
        guard middle > 0 else { return false }
        var slopes: [Double] = []
        for (index, value) in values.enumerated() {
            for other in values.indices where other > index {
                slopes.append((values[other] - value) / Double(other - index))
            }
        }
        let change = median(slopes) * Double(values.count - 1)
        let spread = median(values.map { abs($0 - middle) })
        return abs(change) < (slopeMax + chance) * middle
            && spread < (spreadMax + chance) * middle
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }
}
