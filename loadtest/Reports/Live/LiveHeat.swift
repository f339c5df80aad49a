import Flags
import Statistics

/// How latencies were spread over time, in a few rows: darker is a larger share of its interval.
///
///       10ms+            .
///        3ms+   .   .   ::
///        1ms+  ::. :::::--
///      300us+  ##**####*=+
///              interval by interval, the latest at the right
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

    /// The rows, the slowest first; none when nothing was answered. `label` is the width of what
    /// stands at the left.
    static func rows(_ columns: [Column], label: Int, isColored: Bool) -> [String] {
        let used = bounds.indices.filter { cell in columns.contains { $0.cells[cell] > 0 } }
        guard let first = used.first, let last = used.last else { return [] }
        let perRow = (last - first) / rowCount + 1
        // The first row has the slowest answer; rows below the last cell stay empty.
        let start = last + 1 - perRow * rowCount
        return (0..<rowCount).reversed().map { row in
            let end = max(0, start + (row + 1) * perRow)
            let begin = max(0, start + row * perRow)
            let cells = begin..<max(begin, end)
            let name = Units.text(of: .nanoseconds(bounds[begin])) + "+"
            let marks = columns.map { mark($0, cells, isColored) }.joined()
            return name.right(label - 2) + "  " + marks
        }
    }

    private static func mark(_ column: Column, _ cells: Range<Int>, _ isColored: Bool) -> String {
        let (inside, all) = (column.cells[cells].reduce(0, +), column.cells.reduce(0, +))
        let share = all > 0 ? Double(inside) / Double(all) : 0
        guard inside > 0, let shade = shades.last(where: { share >= $0.from }) else { return " " }
        return isColored ? "\u{1B}[48;5;\(shade.color)m \u{1B}[0m" : String(shade.mark)
    }
}
