import Charts
import Generator
import Statistics

/// The pictures whose x-axis is time: heat maps, rate, processor time and errors. All are equally
/// long, so that what stands below each other happened together.
extension PagePictures {
    private static let timeTitle = "seconds since the start of the run"

    /// A heat map for each run: laid over each other they would hide each other. All have the same
    /// axes and shades.
    var heatMaps: [Chart] {
        let cells = runs.compactMap { PagePictures.occupiedCells(of: $0.run.timeline) }
        let (low, high) = (cells.map(\.lowerBound).min(), cells.map(\.upperBound).max())
        var charts = runs.enumerated().map { index, run in
            let suffix = runs.count == 1 ? "" : "-\(index + 1)"
            let title = runs.count == 1 ? "Latency over time" : "Latency over time: \(run.name)"
            guard let low, let high, run.run.timeline.columns.contains(where: { $0.answered > 0 })
            else {
                return Chart(
                    name: "timeline" + suffix, title: title,
                    emptiness: "No answer, so no latency over time.")
            }
            return heatMap(of: run, cells: low...high, name: "timeline" + suffix, title: title)
        }
        let largest = charts.compactMap(\.heat?.largest).max() ?? 0
        for index in charts.indices { charts[index].heat?.largest = largest }
        return charts
    }

    private func heatMap(
        of run: PageRun, cells: ClosedRange<Int>, name: String, title: String
    ) -> Chart {
        let timeline = run.run.timeline
        let low = max(1, Double(Timeline.lowestValue(ofCell: cells.lowerBound)))
        let high = Double(Timeline.lowestValue(ofCell: cells.upperBound + 1))
        var chart = Chart(
            name: name, title: title,
            summary: "Columns of \(Figures.time(nanoseconds: Double(timeline.width))), shaded by "
                + "the number of answers; above them the median, p99 and the longest of each.",
            x: timeAxis, y: Chart.Axis("latency", .log(from: low, to: high, of: .time)))
        chart.bands = run.bands
        chart.height = 240
        chart.heat = PagePictures.heat(of: timeline, from: low, to: high)
        chart.series = PagePictures.lines(over: run)
        return chart
    }

    /// The rows of cells that have an answer; nil when none has.
    private static func occupiedCells(of timeline: Timeline) -> ClosedRange<Int>? {
        let columns = timeline.columns.indices
        let rows = (0..<Timeline.cellCount).filter { cell in
            columns.contains { timeline.answers(column: $0, cell: cell) > 0 }
        }
        guard let first = rows.first, let last = rows.last else { return nil }
        return first...last
    }

    /// A row is about as high as the highest cell, an eighth of its value.
    private static let (rowFactor, rowsMax) = (1.125, 64)

    /// The answers of a timeline in rows that are equally high on a logarithmic axis.
    static func heat(of timeline: Timeline, from low: Double, to high: Double) -> Heat {
        let empty = LogColumns(from: low, to: high, narrowest: rowFactor, most: rowsMax)
        var cells: [Heat.Cell] = []
        for column in timeline.columns.indices {
            var rows = empty
            for cell in 0..<Timeline.cellCount {
                rows.add(
                    timeline.answers(column: column, cell: cell),
                    from: Double(Timeline.lowestValue(ofCell: cell)),
                    to: Double(Timeline.lowestValue(ofCell: cell + 1)))
            }
            for (row, count) in rows.counts.enumerated() where count > 0 {
                cells.append(Heat.Cell(column: column, row: row, count: count))
            }
        }
        let width = Double(timeline.width) / 1e9
        return Heat(
            x: 0...width * Double(timeline.columns.count), y: low...high,
            columns: timeline.columns.count, rows: empty.counts.count,
            cells: cells.sorted { ($0.row, $0.column) < ($1.row, $1.column) }, noun: "answers")
    }

    /// In ink, as the heat has the colours; until measuring ends, behind which is hardly an answer.
    private static func lines(over run: PageRun) -> [Series] {
        let (timeline, phases) = (run.run.timeline, run.run.phases)
        let width = Double(timeline.width) / 1e9
        let end = phases.beforeMeasuring + phases.measured
        func line(_ name: String, dash: Int, _ value: (Int) -> Int64?) -> Series {
            let columns = timeline.columns.indices.filter { end == 0 || Double($0) * width < end }
            let points = columns.map { column in
                let height = value(column).map(Double.init) ?? .nan
                return Chart.Point((Double(column) + 0.5) * width, height)
            }
            return Series(name, number: nil, dash: dash, strokes: [Series.Stroke(points)])
        }
        return [
            line("median", dash: 0) { timeline.latency(at: 0.5, column: $0) },
            line("p99", dash: 1) { timeline.latency(at: 0.99, column: $0) },
            line("longest", dash: 2) { column in
                let column = timeline.columns[column]
                return column.answered > 0 ? column.largest : nil
            },
        ]
    }

    var rates: Chart {
        guard runs.contains(where: { $0.run.timeline.columns.contains { $0.answered > 0 } }) else {
            return Chart(
                name: "rate", title: "Rate over time",
                emptiness: "Nothing was answered, so there is no rate.")
        }
        let targets = Set(runs.compactMap(\.plan.rate)).sorted()
        var chart = strip(
            name: "rate", title: "Rate over time", axis: "answers per second",
            lines: lines { Double($0.answered) }, atLeast: targets)
        chart.rules = targets.map {
            Chart.Rule(.atY, $0, label: "wanted \(Figures.rate($0))/s")
        }
        return chart
    }

    /// What the generator's threads took, and the server where that is known; nil in documents from
    /// before it was counted.
    var usage: Chart? {
        guard runs.contains(where: { $0.run.timeline.columns.contains { $0.cpu > 0 } }) else {
            return nil
        }
        let knowsServer = runs.contains {
            $0.run.timeline.columns.contains { $0.serverCPU > 0 }
        }
        guard knowsServer else {
            return strip(
                name: "cpu", title: "Processor time of the generator", axis: "% of a processor",
                lines: lines { Double($0.cpu) / 1e7 })
        }
        return strip(
            name: "cpu", title: "Processor time", axis: "% of a processor",
            lines: lines("server", dash: 0) { Double($0.serverCPU) / 1e7 }
                + lines("generator", dash: 1) { Double($0.cpu) / 1e7 })
    }

    /// Of one run by kind, one upon the other; nil when no error was met.
    var errors: Chart? {
        guard runs.contains(where: { $0.run.timeline.columns.contains { $0.errors > 0 } }) else {
            return nil
        }
        let kinds = runs.count == 1 ? stackedErrors(of: runs[0]) : []
        return strip(
            name: "errors", title: "Errors over time", axis: "errors per second",
            lines: kinds.isEmpty ? lines { Double($0.errors) } : kinds)
    }

    /// The highest first, so that each lies before the one above it.
    private func stackedErrors(of run: PageRun) -> [Series] {
        let columns = run.run.timeline.columns
        let met = ErrorKinds.Kind.allCases.filter { kind in columns.contains { $0.kinds[kind] > 0 }
        }
        let stacked = met.indices.map { place in
            var series = Series(
                met[place].words, number: place,
                strokes: [
                    .init(
                        PagePictures.perSecond(run) { column in
                            met[...place].reduce(0) { $0 + Double(column.kinds[$1]) }
                        })
                ])
            series.fill = .full
            return series
        }
        return stacked.reversed()
    }

    /// A line for each run, of what a column has, for each second of it.
    private func lines(
        _ word: String = "", dash: Int? = nil, _ value: (Timeline.Column) -> Double
    ) -> [Series] {
        runs.enumerated().map { number, run in
            Series(
                label(run, word), number: number, dash: dash,
                strokes: [.init(PagePictures.perSecond(run, value))])
        }
    }

    /// A low picture of something per second by column of time.
    private func strip(
        name: String, title: String, axis: String, lines: [Series], atLeast limits: [Double] = []
    ) -> Chart {
        let heights = lines.map { $0.strokes.flatMap(\.points).map(\.y).max() ?? 0 }
        let peaks = zip(lines, heights).map { line, height in
            (runs.count == 1 ? "At " : "\(line.label): at ")
                + "most \(Figures.short(height)) \(axis)."
        }
        let tallest = (heights + limits).max() ?? 1
        var chart = Chart(
            name: name, title: title, summary: peaks.joined(separator: " "), x: timeAxis,
            y: Chart.Axis(axis, .linear(from: 0, to: tallest, of: .plain, steps: 4)))
        chart.height = 110
        if runs.count == 1 { chart.bands = runs[0].bands }
        chart.series = lines
        if runs.count == 1, lines.count == 1 {
            chart.series[0].label = axis
            chart.series[0].fill = .tint
        }
        return chart
    }

    /// Steps, as wide as the columns. The run may end within the last one, which then counts for
    /// the time it had; a sliver of one would exaggerate.
    private static func perSecond(
        _ run: PageRun, _ value: (Timeline.Column) -> Double
    ) -> [Chart.Point] {
        let phases = run.run.phases
        let total = phases.beforeMeasuring + phases.measured + phases.drain
        let width = Double(run.run.timeline.width) / 1e9
        return run.run.timeline.columns.enumerated().flatMap { index, column -> [Chart.Point] in
            let from = Double(index) * width
            let span = total > from ? min(width, total - from) : width
            // Of a run that is shorter than a column nothing else is left.
            guard span > width / 4 || value(column) == 0 || index == 0 else { return [] }
            let rate = value(column) / span
            return [Chart.Point(from, rate), Chart.Point(from + span, rate)]
        }
    }

    /// One axis for all, as long as the longest run.
    private var timeAxis: Chart.Axis {
        let ends = runs.map { run in
            let phases = run.run.phases
            let columns = run.run.timeline.columns.count
            return max(
                phases.beforeMeasuring + phases.measured + phases.drain,
                Double(columns) * Double(run.run.timeline.width) / 1e9)
        }
        return Chart.Axis(
            PagePictures.timeTitle,
            .span(to: ends.max() ?? 1, of: .plain))
    }
}

extension ErrorKinds.Kind {
    /// Its name in a picture.
    fileprivate var words: String {
        switch self {
        case .unconnected: "not connected"
        case .timedOut: "timed out"
        case .broken: "broken off"
        case .wrong: "wrong bytes"
        case .lost: "lost"
        case .other: "others"
        }
    }
}
