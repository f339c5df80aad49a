import Glibc

/// Columns that are equally wide on a logarithmic axis, filled from cells that are not.
///
///     cells     |·|·|·|·|·|·|·|·|··|··|··|··|··|··|····|    equally wide inside an octave
///     columns   |---|---|---|---|---|---|---|---|---|---|   equally wide to the eye
///
/// A count per cell, drawn on such an axis, has a false step at each power of two, where cells
/// become twice as wide. Spread over columns that are equally wide, a count is a density.
package struct LogColumns: Sendable, Equatable {
    /// What fell into each column, a share of a cell where it lies across an edge.
    package private(set) var counts: [Double]
    /// Natural logarithms: of the lower end, and how wide a column is.
    private let start: Double
    private let width: Double

    /// `low` and `high` are above zero, the first below the second; there is one column at least.
    package init(from low: Double, to high: Double, count: Int) {
        precondition(low > 0 && low < high && high.isFinite && count > 0, "no range of columns")
        start = log(low)
        width = (log(high) - log(low)) / Double(count)
        counts = Array(repeating: 0, count: count)
    }

    /// Columns that are no narrower than `narrowest`, a factor, and no more than `most`.
    package init(from low: Double, to high: Double, narrowest: Double, most: Int) {
        let fitting = Int(log(high / low) / log(narrowest))
        self.init(from: low, to: high, count: min(most, max(1, fitting)))
    }

    /// Spreads a count evenly over the columns that a cell lies on; what is beyond an end belongs
    /// to the column there.
    package mutating func add(_ count: Int, from low: Double, to high: Double) {
        guard count > 0, low < high else { return }
        let from = (log(max(low, 0.5)) - start) / width
        let to = (log(max(high, 0.5)) - start) / width
        let last = Double(counts.count - 1)
        let columns = Int(min(last, max(0, from)))...Int(min(last, max(0, to)))
        guard columns.count > 1, to > from else {
            counts[columns.lowerBound] += Double(count)
            return
        }
        for column in columns {
            let begin = column == columns.lowerBound ? from : Double(column)
            let end = column == columns.upperBound ? to : Double(column + 1)
            counts[column] += Double(count) * (end - begin) / (to - from)
        }
    }

    /// Adds all of a histogram.
    package mutating func add(_ histogram: Histogram) {
        for bin in histogram.occupied {
            let values = Histogram.values(ofBin: bin)
            add(
                histogram[bin: bin], from: Double(values.lowerBound),
                to: Double(values.upperBound + 1))
        }
    }

    /// The value at which a column begins, or at which the one before ends.
    package func lowestValue(ofColumn column: Int) -> Double {
        exp(start + Double(column) * width)
    }

    /// How much wider than its lower end a column is, as a factor.
    package var factor: Double { exp(width) }
}
