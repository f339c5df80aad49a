import Generator
import Statistics

/// The percentiles of a run's clocks, in columns, each row in one unit.
///
/// A percentile with fewer than ten samples beyond it says nothing about the server; it prints as a
/// dash, and a note says how many samples it needs. One that depends on requests that were never
/// answered prints as ">=".
struct LatencyTable {
    static let quantiles = [0.5, 0.9, 0.99, 0.999, 0.9999]
    private static let column = 9

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

    init(_ record: RunRecord) {
        let run = record.measurement
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

    func lines(_ style: Style) -> [String] {
        var rows = [Row(label: "connect", latency: connect)] + clocks
        rows.append(Row(label: "slow", latency: slowReaders))
        let cells = rows.flatMap { row($0, style) }
        if cells.isEmpty { return [] }
        let names = LatencyTable.quantiles.map(Figures.name(ofQuantile:)) + ["max", "mean"]
        let title = names.map { $0.right(LatencyTable.column) }.joined()
        return [style.dim(TextReport.indent + title)] + cells
            + notes.map { style.dim(TextReport.indent + $0) }
    }

    private func row(_ row: Row, _ style: Style) -> [String] {
        let latency = row.latency
        guard let median = latency.value(at: 0.5), let largest = latency.max,
            let mean = latency.merged.mean
        else { return [] }
        let unit = Figures.unit(
            typical: Double(median.nanoseconds), largest: Double(largest.nanoseconds))
        func cell(_ nanoseconds: Double, isLowerBound: Bool) -> String {
            let text = Figures.short(nanoseconds / unit.nanoseconds)
            return ((isLowerBound ? ">=" : "") + text).right(LatencyTable.column)
        }
        func cell(_ value: Quantile?) -> String {
            guard let value else { return "-".right(LatencyTable.column) }
            return cell(Double(value.nanoseconds), isLowerBound: value.isLowerBound)
        }
        let percentiles = LatencyTable.quantiles.map { quantile in
            cell(latency.supports(quantile) ? latency.value(at: quantile) : nil)
        }
        let cells =
            percentiles.joined() + cell(largest)
            + cell(mean, isLowerBound: latency.censored.count > 0)
        return [style.bold(row.label.left(TextReport.labelWidth)) + cells + "  " + unit.name]
    }

    private var notes: [String] {
        var notes: [String] = []
        if let note = lacking("connect", connect, seconds: nil) { notes.append(note) }
        guard let first = clocks.first else { return notes }
        if let note = lacking(first.label, first.latency, seconds: seconds) { notes.append(note) }
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
    private func lacking(_ label: String, _ latency: Latency, seconds: Double?) -> String? {
        let (count, missing) = (
            latency.count, LatencyTable.quantiles.first { !latency.supports($0) }
        )
        guard count > 0, let quantile = missing else { return nil }
        let needed = Figures.samplesNeeded(for: quantile)
        let time = (seconds ?? 0) / Double(count) * Double(needed)
        let duration = time > 0 ? " (\(Figures.time(seconds: time)))" : ""
        return "- \(label) \(Figures.name(ofQuantile: quantile)) needs "
            + "\(Figures.count(needed)) samples\(duration); there are \(Figures.count(count))"
    }
}
