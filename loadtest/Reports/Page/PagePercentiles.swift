import Charts
import Statistics

/// The picture of latency by percentile, in which each nine is as wide as the one before.
extension PagePictures {
    private static let title = "Latency by percentile"

    var percentiles: Chart {
        let curves = runs.flatMap { run in
            run.latencies.map { (label(run, $0.name), $0.latency) }
        }.filter { $0.1.count > 0 }
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
        if runs.count == 1, curves.count == 2 { chart.gap = gap(curves[0].1, curves[1].1) }
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

    private func summary(of curves: [(String, Latency)]) -> String {
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
