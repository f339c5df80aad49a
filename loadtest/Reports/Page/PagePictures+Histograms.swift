import Charts
import Generator
import Statistics

/// The pictures of how often which latency was met: of requests and of connects.
extension PagePictures {
    var histogram: Chart {
        let several = runs.count > 1
        let all = runs.flatMap { run in
            // Several runs are told apart better with one line each.
            (several ? Array(run.latencies.prefix(1)) : run.latencies).map {
                (label(run, $0.name), $0.latency.answered)
            }
        }
        var chart = histogram(
            name: "histogram", title: "Histogram of latency", noun: "answered requests", of: all,
            nothing: "No request was answered.")
        let censored = runs.reduce(0) { $0 + $1.run.response.censored.count }
        if censored > 0 {
            chart.summary +=
                " \(Figures.count(censored)) requests that were never answered are not in it."
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
        var chart = histogram(
            name: "connects", title: "Histogram of connect times", noun: "connects",
            of: runs.map { (label($0, "connect"), $0.run.connectTimes) },
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
        name: String, title: String, noun: String, of histograms: [(String, Histogram)],
        nothing: String
    ) -> Chart {
        let filled = histograms.filter { $0.1.count > 0 }
        guard let low = filled.compactMap({ $0.1.min }).min(),
            let high = filled.compactMap({ $0.1.max }).max()
        else { return Chart(name: name, title: title, emptiness: nothing) }
        let outlines = filled.map { PagePictures.outline(of: $0.1) }
        let tallest = outlines.flatMap { $0 }.map(\.y).max() ?? 1
        let words = filled.map { label, histogram in
            "\(label): \(Figures.count(histogram.count)) \(noun), "
                + "\(Figures.time(nanoseconds: Double(histogram.min ?? 0))) to "
                + "\(Figures.time(nanoseconds: Double(histogram.max ?? 0)))."
        }
        var chart = Chart(
            name: name, title: title,
            summary: words.joined(separator: " ")
                + " Eight steps to a doubling.",
            x: Chart.Axis("time", .log(from: Double(low), to: Double(high), of: .time)),
            y: Chart.Axis("share of \(noun)", .linear(from: 0, to: tallest, of: .percent)))
        chart.series = zip(filled, outlines).enumerated().map { index, pair in
            var series = Series(pair.0.0, number: index, strokes: [Series.Stroke(pair.1)])
            series.isFilled = true
            return series
        }
        return chart
    }

    /// The steps of a histogram, in percent of its samples by the cells of a timeline.
    private static func outline(of histogram: Histogram) -> [Chart.Point] {
        let size = Timeline.binsPerCell
        let cells =
            histogram.occupied.lowerBound / size...(histogram.occupied.upperBound - 1) / size
        var points = [Chart.Point(lowest(ofCell: cells.lowerBound), 0)]
        for cell in cells {
            let bins = (cell * size..<(cell + 1) * size).clamped(to: histogram.occupied)
            let count = bins.reduce(0) { $0 + histogram[bin: $1] }
            let share = Double(count) / Double(histogram.count) * 100
            points.append(Chart.Point(lowest(ofCell: cell), share))
            points.append(Chart.Point(lowest(ofCell: cell + 1), share))
        }
        return points + [Chart.Point(lowest(ofCell: cells.upperBound + 1), 0)]
    }

    /// A logarithm has no place for the 0 at which the first cell begins.
    private static func lowest(ofCell cell: Int) -> Double {
        max(1, Double(Timeline.lowestValue(ofCell: cell)))
    }
}

/// The picture of fairness: the connections in a row, the least served first.
extension PagePictures {
    var fairness: Chart {
        let (name, title) = ("fairness", "Answers by connection")
        let served = runs.filter { $0.run.served.most > 0 }
        guard let most = served.map(\.run.served.most).max() else {
            return Chart(name: name, title: title, emptiness: "No connection got an answer.")
        }
        var chart = Chart(
            name: name, title: title,
            summary: served.map(summary).joined(separator: " ")
                + " All the same is a flat line; a foot at the left is starvation.",
            x: Chart.Axis(
                "share of the connections, the least served first",
                .linear(from: 0, to: 100, of: .percent, steps: 10)),
            y: Chart.Axis("answers", .linear(from: 0, to: Double(most), of: .plain)))
        chart.series = served.enumerated().map { index, run in
            Series(
                label(run, "answers"), number: index,
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
