import Charts
import Generator
import Statistics

/// The pictures of how often which latency was met: of requests and of connects.
extension PagePictures {
    /// A histogram that has a line in a picture.
    private struct Outline {
        let label: String
        let histogram: Histogram
        let number: Int
        let dash: Int
    }

    var histogram: Chart {
        let all = runs.enumerated().flatMap { number, run in
            // Several runs are told apart better with one line each.
            (runs.count > 1 ? Array(run.latencies.prefix(1)) : run.latencies).enumerated().map {
                Outline(
                    label: label(run, runs.count > 1 ? "" : $1.name),
                    histogram: $1.latency.answered,
                    number: number, dash: runs.count > 1 ? number : $0)
            }
        }
        var chart = histogram(
            name: "histogram", title: "How often which latency was met", noun: "answered requests",
            of: all, nothing: "No request was answered.")
        let censored = runs.reduce(0) { $0 + $1.run.response.censored.count }
        if censored > 0 {
            chart.caption =
                "\(Figures.count(censored)) requests that were never answered are not "
                + "in it."
            chart.summary += " " + chart.caption
        }
        if runs.count == 1, let latency = runs[0].latencies.first?.latency.answered {
            chart.rules = [0.5, 0.99].filter(latency.supports).compactMap { quantile in
                latency.value(at: quantile).map {
                    Chart.Rule(.atX, Double($0), label: Figures.name(ofQuantile: quantile))
                }
            }
        }
        return chart
    }

    var connects: Chart {
        let all = runs.enumerated().map { number, run in
            Outline(
                label: runs.count > 1 ? run.name : "connects", histogram: run.run.connectTimes,
                number: number, dash: number)
        }
        var chart = histogram(
            name: "connects", title: "How long connecting took", noun: "connects", of: all,
            nothing: "No connection came up.")
        // Linux sends a lost SYN again after 1, 3 and 7 s (tcp(7), tcp_syn_retries).
        let slowest = runs.compactMap(\.run.connectTimes.max).max() ?? 0
        if slowest >= 1_000_000_000 {
            chart.rules = [1, 3, 7].filter { $0 * 1_000_000_000 <= slowest }.map {
                Chart.Rule(.atX, Double($0) * 1e9, label: "SYN again, \($0) s")
            }
        }
        return chart
    }

    private func histogram(
        name: String, title: String, noun: String, of outlines: [Outline], nothing: String
    ) -> Chart {
        let filled = outlines.filter { $0.histogram.count > 0 }
        guard let columns = PagePictures.columns(for: filled.map(\.histogram)) else {
            return Chart(name: name, title: title, emptiness: nothing)
        }
        let lines = filled.map { PagePictures.outline(of: $0.histogram, in: columns) }
        let words = filled.map { outline in
            let (low, high) = (outline.histogram.min ?? 0, outline.histogram.max ?? 0)
            return "\(outline.label): \(Figures.count(outline.histogram.count)) \(noun), "
                + "\(Figures.time(nanoseconds: Double(low))) to "
                + "\(Figures.time(nanoseconds: Double(high)))."
        }
        let width = Figures.percent(columns.factor - 1)
        let highest = columns.lowestValue(ofColumn: columns.counts.count)
        var chart = Chart(
            name: name, title: title, summary: words.joined(separator: " "),
            x: Chart.Axis(
                "time; a column is \(width) wide",
                .log(from: columns.lowestValue(ofColumn: 0), to: highest, of: .time)),
            y: Chart.Axis(
                "share of the \(noun)",
                .linear(
                    from: 0, to: lines.flatMap { $0 }.map(\.y).max() ?? 1, of: .percent, steps: 5)))
        chart.height = 200
        chart.series = zip(filled, lines).map { outline, line in
            var series = Series(
                outline.label, number: outline.number, dash: outline.dash,
                strokes: [Series.Stroke(line)])
            // Of several, one would hide the other.
            series.fill = filled.count == 1 ? .tint : .none
            return series
        }
        return chart
    }

    /// So many columns at most, each at least about as wide as a bin.
    private static let (columnsMax, narrowest) = (96, 1.01)

    /// Empty columns that cover some histograms; nil when those are empty.
    private static func columns(for histograms: [Histogram]) -> LogColumns? {
        let bins = histograms.map(\.occupied)
        guard let low = bins.map(\.lowerBound).min(), let high = bins.map(\.upperBound).max() else {
            return nil
        }
        return LogColumns(
            from: Double(max(1, Histogram.lowestValue(ofBin: low))),
            to: Double(Histogram.lowestValue(ofBin: high)), narrowest: narrowest, most: columnsMax)
    }

    /// The steps of a histogram, in percent of its samples.
    static func outline(of histogram: Histogram, in empty: LogColumns) -> [Chart.Point] {
        var columns = empty
        columns.add(histogram)
        let ends = columns.counts.indices.map { columns.lowestValue(ofColumn: $0 + 1) }
        var points = [Chart.Point(columns.lowestValue(ofColumn: 0), 0)]
        for (column, end) in ends.enumerated() {
            let share = columns.counts[column] / Double(histogram.count) * 100
            points.append(Chart.Point(columns.lowestValue(ofColumn: column), share))
            points.append(Chart.Point(end, share))
        }
        return points + [Chart.Point(ends[ends.count - 1], 0)]
    }
}

/// The picture of fairness: the connections in a row, the least served first.
extension PagePictures {
    var fairness: Chart {
        let (name, title) = ("fairness", "Answers by connection")
        let served = runs.enumerated().filter { $0.element.run.served.most > 0 }
        guard let most = served.map(\.element.run.served.most).max() else {
            return Chart(name: name, title: title, emptiness: "No connection got an answer.")
        }
        var chart = Chart(
            name: name, title: title,
            summary: served.map { summary(of: $0.element) }.joined(separator: " "),
            x: Chart.Axis(
                "share of the connections, the least served first",
                .linear(from: 0, to: 100, of: .percent, steps: 10)),
            y: Chart.Axis("answers", .linear(from: 0, to: Double(most), of: .plain)))
        chart.height = 160
        if served.contains(where: { $0.element.run.served.hardly > 0 }) {
            chart.caption = "A foot at the left is connections that got hardly any answer."
        }
        chart.series = served.map { number, run in
            Series(
                label(run, runs.count == 1 ? "answers" : ""), number: number,
                strokes: [Series.Stroke(PagePictures.row(of: run.run.served))])
        }
        return chart
    }

    private static func row(of served: Served) -> [Chart.Point] {
        let count = min(200, max(1, served.connections))
        var points = (0..<count).map { step in
            let answers = served.answers(at: (Double(step) + 0.5) / Double(count))
            return Chart.Point((Double(step) + 0.5) / Double(count) * 100, Double(answers))
        }
        points.insert(Chart.Point(0, Double(served.least)), at: 0)
        return points + [Chart.Point(100, Double(served.most))]
    }

    private func summary(of run: PageRun) -> String {
        let served = run.run.served
        let jain = served.jain.map { "Jain's index \(Figures.fixed($0, decimals: 3)), " } ?? ""
        return
            "\(run.name): \(Figures.count(served.connections)) connections, \(jain)"
            + "least \(Figures.count(served.least)), most \(Figures.count(served.most)), "
            + "never served \(Figures.count(served.never))."
    }
}
