import Generator
import Statistics

/// The percentiles of a run's clocks, in columns, each row in one unit.
///
/// A percentile with fewer than ten samples beyond it says nothing about the server; it prints as a
/// dash, and a note says how many samples it needs. One that depends on requests that were never
/// answered prints as ">=".
struct LatencyTable {
    /// Those of documents and pages.
    static let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999]

    private struct Row {
        let label: String
        let latency: Latency
    }

    private let connect: Latency
    /// The clocks of requests; the first one is what the report is about.
    private let clocks: [Row]
    private let slowReaders: Latency
    private let isOpenLoop: Bool
    private let seconds: Double
    private let quantiles: [Double]
    /// Columns of a figure: more than eight only for long names of percentiles.
    private let column: Int

    init(_ record: RunRecord) {
        let run = record.measurement
        quantiles = record.percentiles
        column = max(8, (quantiles.map { Figures.name(ofQuantile: $0).count }.max() ?? 0) + 1)
        // A socket for datagrams is connected to nothing that would have to answer.
        let isStream = record.plan.socket == .stream
        connect = isStream ? Latency(answered: run.connectTimes) : Latency()
        slowReaders = run.slowReaders
        isOpenLoop = record.plan.rate != nil
        seconds = run.phases.measured
        let service = Row(label: "service", latency: run.service)
        // Where nothing is planned, the response is the service, and one row says it.
        clocks =
            record.plan.plansRequests
            ? [
                Row(label: "response", latency: run.response), service,
                Row(label: "send delay", latency: run.sendDelay),
            ] : [service]
    }

    func lines(_ style: Style, width: Int) -> [String] {
        let rows =
            [Row(label: "connect", latency: connect)] + clocks
            + [Row(label: "slow", latency: slowReaders)]
        let cells = rows.compactMap { row in self.cells(of: row).map { (row.label, $0) } }
        if cells.isEmpty { return [] }
        let names = quantiles.map(Figures.name(ofQuantile:)) + ["max", "mean", "stddev"]
        let notes = self.notes.flatMap { style.sentence("", $0, style.dim, width: width) }
        // A narrow terminal would break the columns.
        guard width >= TextReport.width else {
            return cells.flatMap { label, cells in
                style.flow(
                    label, zip(names, cells.texts).map { "\($0) \($1) \(cells.unit)" },
                    width: width)
            } + notes
        }
        let title = names.map { $0.right(column) }.joined()
        let table = cells.map { label, cells in
            style.bold(label.left(TextReport.labelWidth))
                + cells.texts.map { $0.right(column) }.joined() + "  " + cells.unit
        }
        return [style.dim(TextReport.indent + title)] + table + notes
    }

    /// The figures of a row, all in one unit; nil when it has no sample.
    private func cells(of row: Row) -> (texts: [String], unit: String)? {
        let latency = row.latency
        guard let median = latency.value(at: 0.5), let largest = latency.max,
            let mean = latency.merged.mean, let deviation = latency.merged.standardDeviation
        else { return nil }
        let isOpen = latency.censored.count > 0
        // A bound takes two columns more.
        let unit = Figures.unit(
            typical: Double(median.nanoseconds),
            largest: Double(largest.nanoseconds) * (isOpen ? 10 : 1))
        func cell(_ nanoseconds: Double, isLowerBound: Bool) -> String {
            (isLowerBound ? ">=" : "") + Figures.short(nanoseconds / unit.nanoseconds)
        }
        func cell(_ value: Quantile?) -> String {
            value.map { cell(Double($0.nanoseconds), isLowerBound: $0.isLowerBound) } ?? "-"
        }
        let texts =
            quantiles.map { cell(latency.supports($0) ? latency.value(at: $0) : nil) }
            + [
                cell(largest), cell(mean, isLowerBound: isOpen),
                // What was given up late spreads further, by nobody knows how much.
                isOpen ? "-" : cell(deviation, isLowerBound: false),
            ]
        return (texts, unit.name)
    }

    private var notes: [String] {
        var notes: [String] = []
        guard let first = clocks.first else { return notes }
        if let note = lacking(first) { notes.append(note) }
        let unanswered = first.latency.censored.count
        if unanswered > 0 {
            notes.append(
                ">= as \(Figures.count(unanswered)) without an answer count with their age at least"
            )
        }
        if slowReaders.count > 0 {
            notes.append("slow: connections that are to read slowly; in no other row")
        }
        if !isOpenLoop, first.latency.count > 0 {
            notes.append("closed loop: it cannot show the queue that users meet; try --rate 70%")
        }
        return notes
    }

    /// How many samples the first percentile needs that has too few, and how long that takes.
    private func lacking(_ row: Row) -> String? {
        let count = row.latency.count
        let missing = quantiles.first { !row.latency.supports($0) }
        guard count > 0, let quantile = missing else { return nil }
        let needed = Figures.samplesNeeded(for: quantile)
        let time = seconds / Double(count) * Double(needed)
        let duration = time > 0 ? " (\(Figures.time(seconds: time)))" : ""
        return "- \(row.label) \(Figures.name(ofQuantile: quantile)) needs "
            + "\(Figures.count(needed)) samples\(duration); there are \(Figures.count(count))"
    }
}
