import Generator
import Statistics

/// A histogram drawn with characters: at most ten rows, their bounds round numbers, each wider by
/// the same factor.
struct HistogramDrawing {
    let histogram: Histogram

    private static let rowsMax = 10
    /// Columns beside the bar: the bound, the share and what stands between them.
    private static let margins = 32
    /// Round numbers in a power of ten, from coarse to fine; the finest that needs few enough rows
    /// is taken.
    private static let steps: [[Double]] = [
        [1, 10], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8],
        [
            1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2, 2.2, 2.4, 2.7, 3, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6,
            6.2, 6.8, 7.5, 8.2, 9.1,
        ],
    ]

    private struct Row {
        let label: String
        let count: Int
    }

    init(_ histogram: Histogram) { self.histogram = histogram }

    func lines(width: Int) -> [String] {
        let rows = self.rows
        let barMax = max(4, width - HistogramDrawing.margins)
        guard let tallest = rows.map(\.count).max(), tallest > 0 else { return [] }
        return rows.map { row in
            let share = Double(row.count) / Double(histogram.count)
            let length = Double(row.count) / Double(tallest) * Double(barMax)
            // Few are not none: a row that has any shows at least a dot.
            let full = Int(length.rounded())
            let bar =
                full == 0 && row.count > 0 ? "." : String(repeating: "#", count: full)
            return row.label.right(TextReport.labelWidth + 1) + " |"
                + bar.left(barMax + 1)
                + (Figures.fixed(share * 100, decimals: 1) + " %").right(8)
        }
    }

    private var rows: [Row] {
        guard let low = histogram.value(at: 0.01), let high = histogram.value(at: 0.99),
            let smallest = histogram.min, let largest = histogram.max
        else { return [] }
        let bounds = HistogramDrawing.bounds(from: Double(low), to: Double(high))
        guard let first = bounds.first, let last = bounds.last else { return [] }
        var rows: [Row] = []
        if smallest < first {
            rows.append(Row(label: "< " + label(first), count: histogram.count(in: 0..<first)))
        }
        for (bound, next) in zip(bounds, bounds.dropFirst()) {
            rows.append(Row(label: label(bound), count: histogram.count(in: bound..<next)))
        }
        // The range ends behind the largest value that a histogram keeps, whatever the last bound
        // is.
        let end = max(last, largest, Histogram.highest) + 1
        let rest = histogram.count(in: last..<end)
        if rest > 0 { rows.append(Row(label: ">= " + label(last), count: rest)) }
        return rows.filter { $0.count > 0 || rows.count <= HistogramDrawing.rowsMax }
    }

    private func label(_ bound: Int64) -> String { Figures.time(nanoseconds: Double(bound)) }

    /// Round bounds around two values, in nanoseconds, as fine as the rows allow.
    private static func bounds(from low: Double, to high: Double) -> [Int64] {
        var best: [Int64] = []
        for mantissas in steps {
            let all = candidates(mantissas)
            let start = all.lastIndex { Double($0) <= low } ?? 0
            let end = all.firstIndex { Double($0) > high } ?? all.count - 1
            // One row more may stand below and one above.
            if end - start > rowsMax - 2, !best.isEmpty { break }
            best = Array(all[start...max(start, end)])
        }
        return best
    }

    private static func candidates(_ mantissas: [Double]) -> [Int64] {
        var (all, power): ([Int64], Double) = ([], 1)
        while power < 1e13 {
            all += mantissas.filter { $0 < 10 }.map { Int64(($0 * power).rounded()) }
            power *= 10
        }
        return Array(Set(all)).sorted()
    }
}
