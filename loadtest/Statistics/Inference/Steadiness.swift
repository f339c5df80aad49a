/// Says whether a load holds still, from the rate and the median latency of its latest windows.
///
///     windows   … r r r r r r r r r r        ten: the slope through them, and how far one is off
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

    private var rates: [Double] = []
    private var medians: [Double] = []

    package init() {
        rates.reserveCapacity(Steadiness.windowCount + 1)
        medians.reserveCapacity(Steadiness.windowCount + 1)
    }

    /// Adds a window: answers per second, and the median latency in any unit.
    package mutating func add(rate: Double, median: Double) {
        rates.append(rate)
        medians.append(median)
        guard rates.count > Steadiness.windowCount else { return }
        rates.removeFirst()
        medians.removeFirst()
    }

    /// Whether both hold still; false before there are enough windows.
    package var isSteady: Bool {
        rates.count == Steadiness.windowCount && Steadiness.holdStill(rates)
            && Steadiness.holdStill(medians)
    }

    private static func holdStill(_ values: [Double]) -> Bool {
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
        return abs(change) < slopeMax * middle && spread < spreadMax * middle
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }
}
