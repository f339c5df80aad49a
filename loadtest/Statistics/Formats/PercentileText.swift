/// A histogram as the percentile text of HdrHistogram (`.hgrm`), which its plotter draws
/// (hdrhistogram.github.io/HdrHistogram/plotFiles.html).
///
///            Value     Percentile TotalCount 1/(1-Percentile)
///
///         0.182000 0.500000000000       5000           2.00
///
/// Values are milliseconds. Steps grow finer towards the end: five for each half of what is left.
package struct PercentileText {
    /// Steps between a percentile and the one that halves its distance to 100 %.
    static let stepsPerHalf = 5.0
    private let histogram: Histogram

    package init(_ histogram: Histogram) { self.histogram = histogram }

    package var text: String {
        let columns = [("Value", 12), ("Percentile", 14), ("TotalCount", 10)]
        let title = columns.map { FixedPoint.right($0.0, $0.1) } + ["1/(1-Percentile)"]
        return title.joined(separator: " ") + "\n\n" + rows.joined() + footer
    }

    /// A row for each step that a bin reaches; in the last bin one, and the end.
    private var rows: [String] {
        guard let largest = histogram.max else { return [] }
        var rows: [String] = []
        var (level, seen) = (0.0, 0)
        for bin in histogram.occupied where histogram[bin: bin] > 0 {
            seen += histogram[bin: bin]
            let value = min(Histogram.highestValue(ofBin: bin), largest)
            let reached = 100 * Double(seen) / Double(histogram.count)
            while level <= reached, level < 100 {
                rows.append(row(value, level, seen))
                if seen == histogram.count { break }
                // Next to 100 a step is too small to be added.
                level = max(level + step(at: level), level.nextUp)
            }
        }
        rows.append(row(largest, 100, seen))
        return rows
    }

    /// How far it is to the next step, in percent: less for each halving of the rest to 100.
    private func step(at level: Double) -> Double {
        let halvings = (100 / (100 - level)).exponent + 1
        return 100 / PercentileText.stepsPerHalf
            / Double(sign: .plus, exponent: Int(halvings), significand: 1)
    }

    private func row(_ value: Int64, _ level: Double, _ seen: Int) -> String {
        var columns = [
            FixedPoint.text(Double(value) / 1e6, decimals: 6, width: 12),
            FixedPoint.text(level / 100, decimals: 12),
            FixedPoint.right("\(seen)", 10),
        ]
        if level < 100 {
            columns.append(FixedPoint.text(1 / (1 - level / 100), decimals: 2, width: 14))
        }
        return columns.joined(separator: " ") + "\n"
    }

    private var footer: String {
        func milliseconds(_ nanoseconds: Double) -> String {
            FixedPoint.text(nanoseconds / 1e6, decimals: 6, width: 12)
        }
        let octaves = (Histogram.binCount - 1) >> Histogram.bitsPerOctave
        let (mean, deviation) = (histogram.mean ?? 0, histogram.deviation ?? 0)
        return """
            #[Mean    = \(milliseconds(mean)), StdDeviation   = \(milliseconds(deviation))]
            #[Max     = \(milliseconds(Double(histogram.max ?? 0))), \
            Total count    = \(FixedPoint.right("\(histogram.count)", 12))]
            #[Buckets = \(FixedPoint.right("\(octaves)", 12)), \
            SubBuckets     = \(FixedPoint.right("\(2 << Histogram.bitsPerOctave)", 12))]

            """
    }
}

extension Histogram {
    /// The standard deviation, in nanoseconds, each value taken for the middle of its bin.
    var deviation: Double? {
        guard let mean else { return nil }
        let squares = occupied.reduce(0.0) { sum, bin in
            let values = Histogram.values(ofBin: bin)
            let distance = Double(values.lowerBound + values.upperBound) / 2 - mean
            return sum + distance * distance * Double(self[bin: bin])
        }
        return (squares / Double(count)).squareRoot()
    }
}

/// Prints numbers for files of columns: a fixed number of decimals, without an exponent.
package enum FixedPoint {
    /// At least `width` characters, filled up at the left.
    package static func text(_ value: Double, decimals: Int, width: Int = 0) -> String {
        let power = (0..<decimals).reduce(1) { power, _ in power * 10 }
        // Beyond that an Int has no room; no figure of a histogram comes near.
        let scaled = min((value.magnitude * Double(power)).rounded(), 9e18)
        guard scaled.isFinite else { return "-" }
        let digits = Int(scaled)
        var text = value < 0 && digits > 0 ? "-" : ""
        text += String(digits / power)
        if decimals > 0 {
            let fraction = String(digits % power)
            text += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
        }
        return right(text, width)
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
}
