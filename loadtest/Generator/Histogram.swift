/// Counts of durations in log-linear bins: 1 ns to 1 h with a relative error of at most 1 %.
///
/// Each power of two is cut into 128 bins of equal width, so a bin is at most 1/128 of its value
/// wide. Recording is an index and an increment: no allocation, no floating point, no lock. Values
/// outside the range are clamped to it and counted as clamped; minimum, maximum and sum are exact.
package struct Histogram: Sendable, Equatable {
    /// The largest value that keeps its place: one hour, in nanoseconds.
    package static let highest: Int64 = 3_600_000_000_000
    private static let bitsPerOctave = 7

    private var bins: [UInt64]
    package private(set) var count = 0
    /// Values that were outside 1 ns to 1 h.
    package private(set) var clamped = 0
    private var smallest = Int64.max
    private var largest = Int64.min
    private var sum = 0.0

    package init() {
        bins = Array(repeating: 0, count: Histogram.bin(of: Histogram.highest) + 1)
    }

    /// Counts one duration, in nanoseconds.
    package mutating func record(_ nanoseconds: Int64) {
        let value = Swift.min(Swift.max(nanoseconds, 1), Histogram.highest)
        if value != nanoseconds { clamped += 1 }
        bins[Histogram.bin(of: value)] += 1
        count += 1
        smallest = Swift.min(smallest, value)
        largest = Swift.max(largest, value)
        sum += Double(value)
    }

    /// Adds everything that `other` counted.
    package mutating func add(_ other: Histogram) {
        for index in bins.indices { bins[index] += other.bins[index] }
        count += other.count
        clamped += other.clamped
        smallest = Swift.min(smallest, other.smallest)
        largest = Swift.max(largest, other.largest)
        sum += other.sum
    }

    /// Forgets everything.
    package mutating func clear() {
        for index in bins.indices { bins[index] = 0 }
        count = 0
        clamped = 0
        smallest = .max
        largest = .min
        sum = 0
    }

    /// The smallest value, in nanoseconds, exact; nil when there is none.
    package var min: Int64? { count == 0 ? nil : smallest }
    /// The largest value, in nanoseconds, exact; nil when there is none.
    package var max: Int64? { count == 0 ? nil : largest }
    /// The mean, in nanoseconds; nil when there is none.
    package var mean: Double? { count == 0 ? nil : sum / Double(count) }

    /// The value, in nanoseconds, at or below which a share `quantile` of the samples lies.
    ///
    /// Nil when there is no sample. The highest value of the bin is given, so the error is upwards
    /// and at most 1/128, and never beyond the exact maximum.
    package func value(at quantile: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = Swift.max(1, Int((quantile * Double(count)).rounded(.up)))
        var seen = 0
        for (index, binCount) in bins.enumerated() where binCount > 0 {
            seen += Int(binCount)
            if seen >= rank { return Swift.min(Histogram.highestValue(ofBin: index), largest) }
        }
        return largest
    }

    /// Whether at least ten samples lie beyond `quantile`, so that it means something.
    package func supports(_ quantile: Double) -> Bool {
        Double(count) * (1 - quantile) >= 10 - 1e-6
    }

    /// How many samples lie in `range`, in nanoseconds, to the width of a bin.
    package func count(in range: Range<Int64>) -> Int {
        var total = 0
        for (index, binCount) in bins.enumerated() where binCount > 0 {
            if range.contains(Histogram.highestValue(ofBin: index)) { total += Int(binCount) }
        }
        return total
    }

    /// Values below 128 have a bin each; above, the leading 8 bits and the octave choose it.
    private static func bin(of value: Int64) -> Int {
        let octave = Swift.max(0, 63 - value.leadingZeroBitCount - bitsPerOctave)
        return octave << bitsPerOctave + Int(value >> Int64(octave))
    }

    private static func highestValue(ofBin bin: Int) -> Int64 {
        let octave = Swift.max(0, bin >> bitsPerOctave - 1)
        return (Int64(bin - octave << bitsPerOctave) + 1) << Int64(octave) - 1
    }
}
