import Generator
import Statistics

/// The percentiles of latency and of connecting, in columns, each row in one unit.
///
/// A percentile with fewer than ten samples beyond it says nothing about the server; it prints as a
/// dash, and a note says how many samples it needs.
struct LatencyTable {
    let latency: Histogram
    let connect: Histogram

    static let quantiles = [0.5, 0.9, 0.99, 0.999, 0.9999]
    private static let column = 9

    func lines(_ style: Style) -> [String] {
        if latency.count == 0 && connect.count == 0 { return [] }
        let names = LatencyTable.quantiles.map(Figures.name(ofQuantile:)) + ["max", "mean"]
        let title = names.map { $0.right(LatencyTable.column) }.joined()
        var lines = [style.dim(String(repeating: " ", count: TextReport.labelWidth) + title)]
        lines += row("connect", connect, style) + row("latency", latency, style)
        lines += notes.map { style.dim(String(repeating: " ", count: TextReport.labelWidth) + $0) }
        return lines
    }

    private func row(_ label: String, _ histogram: Histogram, _ style: Style) -> [String] {
        guard let median = histogram.value(at: 0.5), let largest = histogram.max,
            let mean = histogram.mean
        else { return [] }
        let unit = Figures.unit(typical: Double(median), largest: Double(largest))
        func cell(_ nanoseconds: Double?) -> String {
            let text = nanoseconds.map { Figures.short($0 / unit.nanoseconds) } ?? "-"
            return text.right(LatencyTable.column)
        }
        let percentiles = LatencyTable.quantiles.map { quantile in
            cell(
                histogram.supports(quantile) ? histogram.value(at: quantile).map(Double.init) : nil
            )
        }
        let cells = percentiles.joined() + cell(Double(largest)) + cell(mean)
        return [style.bold(label.left(TextReport.labelWidth)) + cells + "  " + unit.name]
    }

    private var notes: [String] {
        var notes: [String] = []
        for (name, histogram) in [("connect", connect), ("latency", latency)]
        where histogram.count > 0 {
            let unsupported = LatencyTable.quantiles.first { !histogram.supports($0) }
            guard let quantile = unsupported else { continue }
            let needed = Figures.count(Figures.samplesNeeded(for: quantile))
            notes.append(
                "- \(name) \(Figures.name(ofQuantile: quantile)) needs \(needed) samples; "
                    + "there are \(Figures.count(histogram.count))"
            )
        }
        if latency.count > 0 {
            notes.append("closed loop: service time only; a server that stalls is asked less")
        }
        return notes
    }
}
