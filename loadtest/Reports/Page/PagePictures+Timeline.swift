import Charts
import Generator
import Statistics

/// The pictures whose x-axis is time: heat maps, rate and errors. All of a run are equally long, so
/// that what stands below each other happened together.
extension PagePictures {
    private static let timeTitle = "seconds since the start of the run"

    /// A heat map for each run: laid over each other they would hide each other.
    var heatMaps: [Chart] {
        runs.enumerated().map { index, run in
            let suffix = runs.count == 1 ? "" : "-\(index + 1)"
            let title = runs.count == 1 ? "Latency over time" : "Latency over time: \(run.name)"
            return heatMap(of: run, name: "timeline" + suffix, title: title)
        }
    }

    private func heatMap(of run: PageRun, name: String, title: String) -> Chart {
        let timeline = run.run.timeline
        let cells = PagePictures.occupiedCells(of: timeline)
        guard let cells else {
            return Chart(name: name, title: title, emptiness: "No answer, so no latency over time.")
        }
        let low = max(1, Double(Timeline.lowestValue(ofCell: cells.lowerBound)))
        let high = Double(Timeline.lowestValue(ofCell: cells.upperBound + 1))
        var chart = Chart(
            name: name, title: title,
            summary: "Columns of \(Figures.time(nanoseconds: Double(timeline.width))), shaded by "
                + "the number of answers; above them the median, p99 and the longest of each. "
                + "A slope that falls to the right is a stall and the queue behind it.",
            x: timeAxis, y: Chart.Axis("latency", .log(from: low, to: high, of: .time)))
        chart.bands = run.bands
        chart.height = 300
        let width = Double(timeline.width) / 1e9
        chart.heat = Heat(
            x: 0...width * Double(timeline.columns.count), y: low...high,
            columns: timeline.columns.count, rows: cells.count,
            cells: PagePictures.cells(of: timeline, rows: cells), noun: "answers")
        chart.series = PagePictures.lines(over: timeline)
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

    private static func cells(of timeline: Timeline, rows: ClosedRange<Int>) -> [Heat.Cell] {
        rows.flatMap { row in
            timeline.columns.indices.compactMap { column in
                let count = timeline.answers(column: column, cell: row)
                guard count > 0 else { return nil }
                return Heat.Cell(column: column, row: row - rows.lowerBound, count: count)
            }
        }
    }

    private static func lines(over timeline: Timeline) -> [Series] {
        let width = Double(timeline.width) / 1e9
        func line(_ value: (Int) -> Int64?) -> [Series.Stroke] {
            [
                Series.Stroke(
                    timeline.columns.indices.map { column in
                        let height = value(column).map(Double.init) ?? .nan
                        return Chart.Point((Double(column) + 0.5) * width, height)
                    })
            ]
        }
        return [
            Series("median", number: 2, strokes: line { timeline.latency(at: 0.5, column: $0) }),
            Series("p99", number: 1, strokes: line { timeline.latency(at: 0.99, column: $0) }),
            Series(
                "longest", number: 3,
                strokes: line { column in
                    let column = timeline.columns[column]
                    return column.answered > 0 ? column.largest : nil
                }),
        ]
    }

    var rates: Chart {
        var chart = strip(
            name: "rate", title: "Rate over time", axis: "answers per second",
            nothing: "Nothing was answered, so there is no rate.",
            isEmpty: runs.allSatisfy { !$0.run.timeline.columns.contains { $0.answered > 0 } }
        ) { $0.answered }
        guard chart.emptiness == nil else { return chart }
        let targets = Set(runs.compactMap(\.plan.rate)).sorted()
        chart.rules = targets.map {
            Chart.Rule(.atY, $0, label: "wanted \(Figures.rate($0))/s")
        }
        return chart
    }

    var errors: Chart {
        strip(
            name: "errors", title: "Errors over time", axis: "errors per second",
            nothing: "No error was met.",
            isEmpty: runs.allSatisfy { !$0.run.timeline.columns.contains { $0.errors > 0 } }
        ) { $0.errors }
    }

    /// A count per second by column of time, a line for each run.
    private func strip(
        name: String, title: String, axis: String, nothing: String, isEmpty: Bool,
        count: (Timeline.Column) -> Int
    ) -> Chart {
        if isEmpty { return Chart(name: name, title: title, emptiness: nothing) }
        let lines = runs.map { PagePictures.perSecond($0, count) }
        let targets = name == "rate" ? runs.compactMap(\.plan.rate) : []
        let tallest = (lines.flatMap { $0 }.map(\.y) + targets).max() ?? 1
        let peaks = zip(runs, lines).map { run, line in
            let peak = "most \(Figures.short(line.map(\.y).max() ?? 0)) \(axis)."
            return (runs.count == 1 ? "At " : "\(run.name): at ") + peak
        }
        var chart = Chart(
            name: name, title: title, summary: peaks.joined(separator: " "), x: timeAxis,
            y: Chart.Axis(axis, .linear(from: 0, to: tallest, of: .plain, steps: 4)))
        chart.height = 130
        if runs.count == 1 { chart.bands = runs[0].bands }
        chart.series = zip(runs, lines).enumerated().map { index, pair in
            var series = Series(
                label(pair.0, runs.count == 1 ? axis : ""), number: index,
                strokes: [Series.Stroke(pair.1)])
            series.isFilled = true
            return series
        }
        return chart
    }

    /// Steps, as wide as the columns. The run may end within the last one, which then counts for
    /// the time it had; a sliver of one would exaggerate.
    private static func perSecond(
        _ run: PageRun, _ count: (Timeline.Column) -> Int
    ) -> [Chart.Point] {
        let phases = run.run.phases
        let total = phases.beforeMeasuring + phases.measured + phases.drain
        let width = Double(run.run.timeline.width) / 1e9
        return run.run.timeline.columns.enumerated().flatMap { index, column -> [Chart.Point] in
            let from = Double(index) * width
            let span = total > from ? min(width, total - from) : width
            guard span > width / 4 || count(column) == 0 else { return [] }
            let rate = Double(count(column)) / span
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
