/// Counts of durations in log-linear bins: 1 ns to 1 h with a relative error of at most 1 %.
///
///     value   0 … 127   128 … 255   256 … 511   512 … 1023   …
///     bins     128 of     128 of      128 of       128 of
///             width 1     width 1     width 2      width 4
///
/// A bin is at most 1/128 of its value wide. This is the layout of HdrHistogram with two
/// significant digits (hdrhistogram.org), so counts go over to its formats as they are. Recording
/// is an index and an increment: no allocation, no floating point, no lock. Values outside the
/// range are clamped to it and counted as clamped; minimum, maximum and sum are exact.
package struct Histogram: Sendable, Equatable {
    /// The largest value that keeps its place: one hour, in nanoseconds.
    @inlinable package static var highest: Int64 { 3_600_000_000_000 }
    /// The digits of a value that its bin keeps.
    package static let digits = 2
    /// More samples than a file may claim, so that thousands of files add up without an overflow.
    package static let countMax = 1 << 48
    @inlinable static var bitsPerOctave: Int { 7 }
    /// The number of bins.
    package static let binCount = bin(of: highest) + 1

    @usableFromInline var bins: [UInt64]
    package private(set) var count = 0
    /// Values that were outside 1 ns to 1 h.
    package private(set) var clamped = 0
    @usableFromInline var smallest = Int64.max
    @usableFromInline var largest = Int64.min
    private var sum = 0.0

    package init() { bins = Array(repeating: 0, count: Histogram.binCount) }

    /// Counts one duration, in nanoseconds.
    package mutating func record(_ nanoseconds: Int64) { record(nanoseconds, times: 1) }

    /// Counts a duration several times.
    package mutating func record(_ nanoseconds: Int64, times: Int) {
        guard times > 0 else { return }
        let value = Swift.min(Swift.max(nanoseconds, 1), Histogram.highest)
        if value != nanoseconds { clamped += times }
        bins[Histogram.bin(of: value)] += UInt64(times)
        count += times
        smallest = Swift.min(smallest, value)
        largest = Swift.max(largest, value)
        sum += Double(value) * Double(times)
    }

    /// Adds everything that `other` counted.
    package mutating func add(_ other: Histogram) {
        for index in other.occupied { bins[index] += other.bins[index] }
        count += other.count
        clamped += other.clamped
        smallest = Swift.min(smallest, other.smallest)
        largest = Swift.max(largest, other.largest)
        sum += other.sum
    }

    /// Puts exact figures in the place of those that only the bins told, where it was read from a
    /// file; false, and nothing has changed, when they contradict the bins.
    package mutating func correct(
        smallest: Int64, largest: Int64, sum: Double, clamped: Int
    ) -> Bool {
        guard count > 0, (0...count).contains(clamped), 1 <= smallest, smallest <= largest,
            largest <= Histogram.highest, Histogram.bin(of: smallest) == occupied.first,
            Histogram.bin(of: largest) == occupied.last
        else { return false }
        // A sum of many values is rounded now and then.
        let (least, most) = occupied.reduce((0.0, 0.0)) { sums, bin in
            let (values, times) = (Histogram.values(ofBin: bin), Double(bins[bin]))
            return (
                sums.0 + times * Double(values.lowerBound),
                sums.1 + times * Double(values.upperBound)
            )
        }
        guard sum >= least * (1 - 1e-9), sum <= most * (1 + 1e-9) else { return false }
        self.smallest = smallest
        self.largest = largest
        self.sum = sum
        self.clamped = clamped
        return true
    }

    /// Forgets everything.
    package mutating func clear() {
        for index in occupied { bins[index] = 0 }
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
    /// The sum of all values, in nanoseconds.
    package var total: Double { sum }
    /// The mean, in nanoseconds; nil when there is none.
    package var mean: Double? { count == 0 ? nil : sum / Double(count) }

    /// The standard deviation, in nanoseconds, as the bins have it: to 1 %; nil when there is no
    /// sample.
    package var standardDeviation: Double? {
        guard count > 0 else { return nil }
        func sum(_ term: (Double) -> Double) -> Double {
            occupied.reduce(0) { sum, bin in
                let values = Histogram.values(ofBin: bin)
                let middle = Double(values.lowerBound + values.upperBound) / 2
                return sum + Double(bins[bin]) * term(middle)
            }
        }
        let mean = sum { $0 } / Double(count)
        return (sum { ($0 - mean) * ($0 - mean) } / Double(count)).squareRoot()
    }

    /// The value, in nanoseconds, at or below which a share `quantile` of the samples lies.
    ///
    /// Nil when there is no sample. The highest value of the bin is given, so the error is upwards
    /// and at most 1/128, and never beyond the exact maximum.
    package func value(at quantile: Double) -> Int64? {
        count == 0 ? nil : value(ofRank: Histogram.rank(of: quantile, in: count))
    }

    /// The `rank`-th smallest value, from 1 on; the maximum beyond the last one.
    package func value(ofRank rank: Int) -> Int64? {
        guard count > 0 else { return nil }
        var seen = 0
        for index in occupied where bins[index] > 0 {
            seen += Int(bins[index])
            if seen >= rank { return Swift.min(Histogram.highestValue(ofBin: index), largest) }
        }
        return largest
    }

    /// Which of `count` samples, from 1 on, a quantile asks for.
    package static func rank(of quantile: Double, in count: Int) -> Int {
        Swift.max(1, Swift.min(count, Int((quantile * Double(count)).rounded(.up))))
    }

    /// Whether at least ten samples lie beyond `quantile`, so that it means something.
    package func supports(_ quantile: Double) -> Bool {
        Histogram.supports(quantile, count: count)
    }

    /// Whether at least ten of `count` samples lie beyond `quantile`.
    package static func supports(_ quantile: Double, count: Int) -> Bool {
        Double(count) * (1 - quantile) >= 10 - 1e-6
    }

    /// How many samples lie in `range`, in nanoseconds, to the width of a bin.
    package func count(in range: Range<Int64>) -> Int {
        occupied.reduce(0) { total, index in
            range.contains(Histogram.highestValue(ofBin: index)) ? total + Int(bins[index]) : total
        }
    }

    // The bins, for what goes through all of them.

    /// The bins that may hold something.
    package var occupied: Range<Int> {
        count == 0 ? 0..<0 : Histogram.bin(of: smallest)..<Histogram.bin(of: largest) + 1
    }

    /// How many samples a bin holds.
    package subscript(bin bin: Int) -> Int { Int(bins[bin]) }

    /// The bin of a value of 1 ns to 1 h.
    ///
    /// Values below 128 have a bin each; above, the leading 8 bits and the octave choose it.
    @inlinable
    package static func bin(of value: Int64) -> Int {
        let octave = Swift.max(0, 63 - value.leadingZeroBitCount - bitsPerOctave)
        return octave << bitsPerOctave + Int(value >> Int64(octave))
    }

    /// The smallest value of a bin, in nanoseconds.
    package static func lowestValue(ofBin bin: Int) -> Int64 {
        let octave = Swift.max(0, bin >> bitsPerOctave - 1)
        return Int64(bin - octave << bitsPerOctave) << Int64(octave)
    }

    /// The largest value of a bin, in nanoseconds.
    package static func highestValue(ofBin bin: Int) -> Int64 { lowestValue(ofBin: bin + 1) - 1 }

    /// The values of a bin, in nanoseconds.
    package static func values(ofBin bin: Int) -> ClosedRange<Int64> {
        lowestValue(ofBin: bin)...highestValue(ofBin: bin)
    }
}
