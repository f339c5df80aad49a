import Charts
import Generator
import Statistics

/// The picture of latency by percentile, in which each nine is as wide as the one before.
extension PagePictures {
    private static let title = "Latency by percentile"

    var percentiles: Chart {
        let curves = runs.flatMap { run in
            run.latencies.map { (label(run, $0.name), $0.latency) }
        }.filter { $0.1.count > 0 }
        var chart = PagePictures.percentiles(of: curves)
        if runs.count == 1, curves.count == 2 { chart.gap = gap(curves[0].1, curves[1].1) }
        return chart
    }

    /// A curve for each latency that has a sample.
    static func percentiles(of latencies: [(name: String, latency: Latency)]) -> Chart {
        let curves = latencies.filter { $0.latency.count > 0 }
        let name = "percentiles"
        guard !curves.isEmpty, let low = curves.compactMap({ $0.1.merged.min }).min(),
            let high = curves.compactMap({ $0.1.merged.max }).max()
        else {
            return Chart(
                name: name, title: PagePictures.title, emptiness: "No request was measured.")
        }
        let samples = curves.map(\.1.count).max() ?? 0
        // Room for the arrow that says "or more".
        let top = curves.contains { $0.1.censored.count > 0 } ? high * 2 : high
        var chart = Chart(
            name: name, title: PagePictures.title,
            summary: summary(of: curves),
            x: Chart.Axis("share of the requests, as the log of 1/(1-p)", .tail(samples: samples)),
            y: Chart.Axis("latency", .log(from: Double(low), to: Double(top), of: .time)))
        chart.height = 300
        chart.series = curves.enumerated().map { index, curve in
            Series(curve.0, number: index, strokes: PagePictures.strokes(of: curve.1))
        }
        return chart
    }

    /// What a user waits beyond what the server takes.
    private func gap(_ response: Latency, _ service: Latency) -> Chart.Gap {
        func points(_ latency: Latency) -> [Chart.Point] {
            PagePictures.quantiles(samples: min(response.count, service.count)).compactMap {
                quantile in
                latency.value(at: quantile).map { Chart.Point(quantile, Double($0.nanoseconds)) }
            }
        }
        return Chart.Gap(
            upper: points(response), lower: points(service), label: "waiting to be sent")
    }

    /// A curve in up to three parts: what is known, what too few samples say, and what is known
    /// only from below. Each part begins where the one before ends.
    private static func strokes(of latency: Latency) -> [Series.Stroke] {
        var strokes: [Series.Stroke] = []
        for quantile in quantiles(samples: latency.count) {
            guard let value = latency.value(at: quantile) else { continue }
            let isWeak = !latency.supports(quantile)
            let look: Series.Stroke.Look =
                value.isLowerBound ? .lowerBound : isWeak ? .weak : .plain
            let point = Chart.Point(quantile, Double(value.nanoseconds))
            if strokes.last?.look == look {
                strokes[strokes.count - 1].points.append(point)
            } else {
                let joint = strokes.last?.points.last
                strokes.append(Series.Stroke((joint.map { [$0] } ?? []) + [point], look))
            }
        }
        return strokes
    }

    /// From 0 to the last quantile that so many samples can tell, 32 to a decade of 1-p.
    static func quantiles(samples: Int) -> [Double] {
        guard samples > 0 else { return [] }
        var (quantiles, rest) = ([Double](), 1.0)
        while rest > 1 / Double(samples) {
            quantiles.append(1 - rest)
            // The 32nd root of a tenth.
            rest *= 0.930_572_040_929_699
        }
        return quantiles + [1 - 1 / Double(samples)]
    }

    private static func summary(of curves: [(name: String, latency: Latency)]) -> String {
        let figures = curves.map { name, latency in
            let values = [0.5, 0.99, 0.999].filter(latency.supports).compactMap { quantile in
                latency.value(at: quantile).map {
                    "\(Figures.name(ofQuantile: quantile)) \(PagePictures.text($0))"
                }
            }
            let largest = latency.max.map { "max \(PagePictures.text($0))" } ?? ""
            return "\(name): \((values + [largest]).joined(separator: ", "))."
        }
        return figures.joined(separator: " ")
            + " Grey: fewer than ten samples lie beyond. Hatched, with an arrow: requests that"
            + " never ended make the value that or more."
    }

    /// A quantile for people: "1.21 ms", "≥ 5.00 s".
    static func text(_ quantile: Quantile) -> String {
        (quantile.isLowerBound ? "≥ " : "")
            + Figures.time(nanoseconds: Double(quantile.nanoseconds))
    }
}

/// The throughput–latency curve, where several rates were run: how latency grows with the load.
extension PagePictures {
    private static let quantiles = [0.5, 0.99]

    /// Nil when no run has steps, or tries of a search.
    var throughput: Chart? {
        let (name, title) = ("throughput", "Latency by throughput")
        let stepped = runs.filter { !$0.probesByRate.isEmpty }
        guard !stepped.isEmpty else { return nil }
        let series = stepped.flatMap { run in
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
