import Charts
import Generator
import Statistics

/// The throughput–latency curve, where several rates were run: how latency grows with the load.
extension PagePictures {
    private static let quantiles = [0.5, 0.99]

    /// Nil when no run has steps, or tries of a search.
    var throughput: Chart? {
        let (name, title) = ("throughput", "Latency by throughput")
        let swept = runs.filter { !$0.probesByRate.isEmpty }
        guard !swept.isEmpty else { return nil }
        let series = swept.flatMap { run in
            PagePictures.quantiles.map { quantile in
                (label(run, Figures.name(ofQuantile: quantile)), dots(of: run, at: quantile))
            }
        }
        let points = series.flatMap { $0.1 }.map(\.point)
        guard let low = points.map(\.y).min(), let high = points.map(\.y).max() else {
            return Chart(name: name, title: title, emptiness: "No step was answered.")
        }
        var chart = Chart(
            name: name, title: title,
            summary: "A point for each rate that was run, at what was achieved. Hollow: the run "
                + "was not valid, has too few samples, or the value is only a lower bound.",
            x: Chart.Axis(
                "answers per second",
                .linear(from: 0, to: points.map(\.x).max() ?? 1, of: .plain, steps: 10)),
            y: Chart.Axis("latency", .log(from: low, to: high, of: .time)))
        chart.height = 300
        chart.series = series.enumerated().map { index, entry in
            let stroke = Series.Stroke(entry.1.map(\.point))
            var series = Series(entry.0, number: index, strokes: [stroke])
            series.dots = entry.1
            return series
        }
        return chart
    }

    private func dots(of run: PageRun, at quantile: Double) -> [Series.Dot] {
        run.probesByRate.compactMap { probe in
            let latency = probe.measurement.response
            guard let value = latency.value(at: quantile) else { return nil }
            let isWeak = probe.verdict.level != .valid || !latency.supports(quantile)
            let wanted = probe.plan.rate.map { " of \(Figures.rate($0))/s wanted" } ?? ""
            let words =
                "\(Figures.rate(probe.measurement.rate))/s\(wanted): "
                + "\(Figures.name(ofQuantile: quantile)) \(PagePictures.text(value)), "
                + probe.verdict.level.rawValue
            return Series.Dot(
                Chart.Point(probe.measurement.rate, Double(value.nanoseconds)),
                isHollow: isWeak || value.isLowerBound, words: words)
        }
    }
}

extension PageRun {
    /// The steps in the order in which they were run, or the tries of a search by their rate.
    var probesByRate: [RunRecord.Probe] {
        let steps = record.probes.filter { $0.purpose == .step }
        if !steps.isEmpty { return steps }
        return record.probes.filter { $0.purpose == .search }.sorted {
            ($0.plan.rate ?? 0, $0.measurement.rate) < ($1.plan.rate ?? 0, $1.measurement.rate)
        }
    }
}
