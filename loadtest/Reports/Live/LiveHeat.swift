import Flags
import Statistics

/// How latencies were spread over time, in a few rows: darker is a larger share of its interval.
///
///       10ms+            .
///        3ms+   .   .   ::
///        1ms+  ::. :::::--
///      300us+  ##**####*=+
///     share      . some  : 0.1 %  - 1 %  = 5 %  + 20 %  * 50 %  # 80 %
///
/// Interval by interval, the latest at the right.
struct LiveHeat: Sendable {
    /// The answers of one interval, by latency.
    struct Column: Sendable, Equatable {
        fileprivate var cells = [Int](repeating: 0, count: LiveHeat.bounds.count)

        mutating func add(_ latencies: Histogram) {
            for bin in latencies.occupied where latencies[bin: bin] > 0 {
                let value = Histogram.lowestValue(ofBin: bin)
                let cell = LiveHeat.bounds.lastIndex { $0 <= value } ?? 0
                cells[cell] += latencies[bin: bin]
            }
        }
    }

    /// Where the cells of a column begin, in nanoseconds: half a decade each, the first and the
    /// last open.
    private static let bounds: [Int64] = [
        0, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000,
        100_000_000, 300_000_000, 1_000_000_000, 3_000_000_000,
    ]
    private static let rowCount = 4
    /// Shares from which a darker shade is used: even one slow answer in thousands is seen.
    private static let shades: [(from: Double, mark: Character, color: Int)] = [
        (0, ".", 54), (0.001, ":", 61), (0.01, "-", 67), (0.05, "=", 72), (0.2, "+", 77),
        (0.5, "*", 148), (0.8, "#", 226),
    ]

    /// The rows, the slowest first, and what their shades mean; none when nothing was answered.
    ///
    /// `label` is the width of what stands at the left, and each column is `wide` characters wide.
    static func rows(_ columns: [Column], label: Int, wide: Int, isColored: Bool) -> [String] {
        let used = bounds.indices.filter { cell in columns.contains { $0.cells[cell] > 0 } }
        guard let first = used.first, let last = used.last else { return [] }
        let perRow = (last - first) / rowCount + 1
        // The first row has the slowest answer, and the last one the fastest.
        let starts = stride(from: last + 1, to: first, by: -perRow).map { max(0, $0 - perRow) }
        let rows = starts.map { start in
            let name = Units.text(of: .nanoseconds(bounds[start])) + "+"
            let marks = columns.map { column in
                String(
                    repeating: mark(column, start..<start + perRow, isColored), count: wide)
            }
            return name.right(label - 2) + "  " + marks.joined()
        }
        return rows + [legend(label, isColored)]
    }

    /// What the shades are: "share      . some   : 0.1 %   - 1 % …".
    private static func legend(_ label: Int, _ isColored: Bool) -> String {
        let words = shades.map { shade in
            let share =
                shade.from == 0
                ? "some"
                : Figures.fixed(shade.from * 100, decimals: shade.from < 0.01 ? 1 : 0) + " %"
            return LiveHeat.block(shade.mark, shade.color, isColored) + " " + share
        }
        return "share".left(label) + words.joined(separator: "  ")
    }

    private static func mark(_ column: Column, _ cells: Range<Int>, _ isColored: Bool) -> String {
        let cells = cells.clamped(to: column.cells.indices)
        let (inside, all) = (column.cells[cells].reduce(0, +), column.cells.reduce(0, +))
        let share = all > 0 ? Double(inside) / Double(all) : 0
        guard inside > 0, let shade = shades.last(where: { share >= $0.from }) else { return " " }
        return block(shade.mark, shade.color, isColored)
    }

    private static func block(_ mark: Character, _ color: Int, _ isColored: Bool) -> String {
        isColored ? "\u{1B}[48;5;\(color)m \u{1B}[0m" : String(mark)
    }
}
