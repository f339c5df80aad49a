import Charts
import Generator
import Statistics

/// The throughput–latency curve, where several rates were run: how latency grows with the load.
extension PagePictures {
    private static let quantiles = [0.5, 0.99]

    /// Nil when no run has steps, or tries of a search.
    var throughput: Chart? {
        let (name, title) = ("throughput", "Latency by throughput")
        guard runs.contains(where: { !$0.probesByRate.isEmpty }) else { return nil }
        let series = runs.enumerated().flatMap { number, run in
            PagePictures.quantiles.enumerated().map { dash, quantile in
                let name = label(run, Figures.name(ofQuantile: quantile))
                let dots = dots(of: run, at: quantile)
                var series = Series(
                    name, number: number, dash: dash, strokes: [.init(dots.map(\.point))])
                series.dots = dots
                return series
            }
        }.filter { !$0.dots.isEmpty }
        let points = series.flatMap(\.dots).map(\.point)
        guard let low = points.map(\.y).min(), let high = points.map(\.y).max() else {
            return Chart(name: name, title: title, emptiness: "No step was answered.")
        }
        var chart = Chart(
            name: name, title: title,
            summary: series.flatMap(\.dots).map(\.words).joined(separator: "; "),
            x: Chart.Axis(
                "answers per second",
                .linear(from: 0, to: points.map(\.x).max() ?? 1, of: .plain, steps: 10)),
            y: Chart.Axis("latency", .log(from: low, to: high, of: .time)))
        chart.height = 300
        chart.series = series
        chart.rules = runs.compactMap { run in
            knee(of: run).map { rate in
                Chart.Rule(.atX, rate, label: label(run, "knee \(Figures.rate(rate))/s"))
            }
        }
        chart.caption = caption(of: chart)
        return chart
    }

    private func caption(of chart: Chart) -> String {
        let isHollow = chart.series.contains { $0.dots.contains(where: \.isHollow) }
        let hollow =
            "Hollow: the run was not valid, has too few samples, or the value is a lower bound."
        let knee = "Knee: from there on the median grows faster than the rate."
        return [isHollow ? hollow : nil, chart.rules.isEmpty ? nil : knee].compactMap { $0 }
            .joined(separator: " ")
    }

    /// The rate beyond which more load gives latency instead of answers: where the curve is
    /// furthest from the line between its ends (Satopää et al. 2011). Nil where it has no bend, or
    /// too few points to have one.
    private func knee(of run: PageRun) -> Double? {
        let points = dots(of: run, at: PagePictures.quantiles[0]).map(\.point).sorted {
            $0.x < $1.x
        }
        guard points.count >= 5, let first = points.first, let last = points.last,
            let top = points.map(\.y).max(), last.x > first.x, top > 2 * first.y
        else { return nil }
        let distances = points.map {
            ($0.x - first.x) / (last.x - first.x) - ($0.y - first.y) / (top - first.y)
        }
        guard let most = distances.max(), most > 0.25,
            let place = distances.firstIndex(of: most)
        else { return nil }
        return points[place].x
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
