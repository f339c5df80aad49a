import Syscalls

/// How long something took, many times over: counts in bins that are at most an eighth of their
/// value wide.
///
///     nanoseconds   0 … 1023   1024 … 1151   1152 … 1279   …   60 s … 69 s and more
///     bins             1        8 for each power of two, up to 2 to the 36th
///
/// Counting is an index and an increment. The bins are made with the first duration; from then on
/// nothing is allocated. Count, sum and longest are exact.
public struct LatencyHistogram: Sendable, Equatable {
    /// Below two to this power, in nanoseconds, all is one bin; from the other power on, too.
    private static let leastPower = 10
    private static let mostPower = 36
    /// Bins for each power of two, as a power of two.
    private static let splits = 3
    private static let binCount = (mostPower - leastPower) << splits + 2

    private var bins: [Int] = []
    /// How many durations were counted.
    public private(set) var count = 0
    /// The sum of all of them, in nanoseconds; saturates after 292 years.
    public private(set) var sum: Int64 = 0
    /// The longest of them, in nanoseconds; 0 when there is none.
    public private(set) var longest: Int64 = 0

    /// Nothing was counted.
    public init() {}

    /// Counts a duration, in nanoseconds; a negative one is 0.
    public mutating func record(_ nanoseconds: Int64) {
        if bins.isEmpty { bins = Array(repeating: 0, count: LatencyHistogram.binCount) }
        let value = max(nanoseconds, 0)
        bins[LatencyHistogram.bin(of: value)] += 1
        count += 1
        sum = LatencyHistogram.add(sum, value)
        longest = max(longest, value)
    }

    /// Adds what another one has counted, such as that of another loop.
    public mutating func merge(_ other: LatencyHistogram) {
        if bins.isEmpty {
            bins = other.bins
        } else {
            for index in other.bins.indices { bins[index] += other.bins[index] }
        }
        count += other.count
        sum = LatencyHistogram.add(sum, other.sum)
        longest = max(longest, other.longest)
    }

    /// The duration, in nanoseconds, at or below which a share of all durations lies: 0.99 for
    /// the 99th percentile, 0.5 for the median. Nil when there is none.
    ///
    /// It is the upper end of a bin, and the longest duration if that is less. So it is never too
    /// low, and from a microsecond on at most an eighth too high, up to 69 seconds; beyond, it is
    /// the longest.
    public func quantile(_ share: Double) -> Int64? {
        guard count > 0 else { return nil }
        let wanted = ((share > 0 ? min(share, 1) : 0) * Double(count)).rounded(.up)
        let rank = min(max(Int(wanted), 1), count)
        return buckets.first { $0.count >= rank }.map { min($0.upTo, longest) } ?? longest
    }

    /// How many durations are at most so long, for the end of each bin that holds any, the
    /// shortest first: what Prometheus calls cumulative buckets. Durations are in nanoseconds, that
    /// of the last bin is the longest.
    public var buckets: [(upTo: Int64, count: Int)] {
        var below = 0
        return bins.indices.filter { bins[$0] > 0 }.map { index in
            below += bins[index]
            let end = LatencyHistogram.end(ofBin: index)
            return (index == LatencyHistogram.binCount - 1 ? longest : end, below)
        }
    }

    private static func bin(of value: Int64) -> Int {
        let power = Int64.bitWidth - 1 - value.leadingZeroBitCount
        if power < leastPower { return 0 }
        if power >= mostPower { return binCount - 1 }
        // The bits behind the first one say which of its power's bins.
        let split = Int(value >> Int64(power - splits)) & (1 << splits - 1)
        return (power - leastPower) << splits + split + 1
    }

    /// The largest value of a bin that is not the last one.
    private static func end(ofBin index: Int) -> Int64 {
        // Of the bin before the next one's least value.
        let power = leastPower + index >> splits
        let split = Int64(index & (1 << splits - 1))
        return 1 << Int64(power) + split << Int64(power - splits) - 1
    }

    private static func add(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
