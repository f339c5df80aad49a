import Charts
import Generator
import Statistics

/// The picture of latency by percentile, in which each nine is as wide as the one before.
extension PagePictures {
    private static let title = "Latency by percentile"

    /// A latency that has a line in a picture.
    struct Curve {
        let label: String
        /// "service", "response".
        let clock: String
        let latency: Latency
        let number: Int
        let dash: Int
    }

    var percentiles: Chart {
        let curves = runs.enumerated().flatMap { number, run in
            // Of several runs, what users waited; of one, the service beside it.
            (runs.count > 1 ? Array(run.latencies.prefix(1)) : run.latencies).enumerated().map {
                Curve(
                    label: label(run, runs.count > 1 ? "" : $1.name), clock: $1.name,
                    latency: $1.latency,
                    number: number, dash: runs.count > 1 ? number : $0)
            }
        }.filter { $0.latency.count > 0 }
        let limits = self.limits
        var chart = PagePictures.percentiles(of: curves, limits: limits.map(\.value))
        if runs.count == 1, curves.count == 2 {
            chart.gap = gap(curves[0].latency, curves[1].latency)
        }
        if chart.emptiness == nil { chart.rules = limits }
        return chart
    }

    /// A curve for each latency that has a sample.
    static func percentiles(of latencies: [(name: String, latency: Latency)]) -> Chart {
        let curves = latencies.filter { $0.latency.count > 0 }.enumerated().map {
            Curve(label: $1.name, clock: $1.name, latency: $1.latency, number: $0, dash: $0)
        }
        return percentiles(of: curves, limits: [])
    }

    private static func percentiles(of curves: [Curve], limits: [Double]) -> Chart {
        let name = "percentiles"
        guard let low = curves.compactMap({ $0.latency.merged.min }).min(),
            let high = curves.compactMap({ $0.latency.merged.max }).max()
        else {
            return Chart(
                name: name, title: PagePictures.title, emptiness: "No request was measured.")
        }
        let samples = curves.map(\.latency.count).max() ?? 0
        // Room for the arrow that says "or more".
        let isOpen = curves.contains { $0.latency.censored.count > 0 }
        let top = max(Double(high) * (isOpen ? 2 : 1), limits.max() ?? 0)
        var chart = Chart(
            name: name, title: PagePictures.title, summary: summary(of: curves),
            x: Chart.Axis("share of the requests", .tail(samples: samples)),
            y: Chart.Axis(
                curves.count == 1 ? curves[0].clock : "latency",
                .log(from: Double(low), to: top, of: .time)))
        chart.height = 300
        chart.series = curves.map { curve in
            Series(
                curve.label, number: curve.number, dash: curve.dash,
                strokes: PagePictures.strokes(of: curve.latency))
        }
        let looks = Set(chart.series.flatMap { $0.strokes.map(\.look) })
        let explained: [(Series.Stroke.Look, String)] = [
            (.weak, "Grey: fewer than ten samples lie beyond."),
            (
                .lowerBound,
                "Dotted, with an arrow: requests that never ended make it that or more."
            ),
        ]
        chart.caption = explained.filter { looks.contains($0.0) }.map(\.1).joined(separator: " ")
        return chart
    }

    /// What `--fail-if` and a search held against a percentile of what the picture shows.
    private var limits: [Chart.Rule] {
        let searches = runs.compactMap(\.record.search?.condition)
        // A condition that this version cannot read has no line.
        let thresholds =
            runs.flatMap { $0.record.thresholds.map(\.threshold) }
            + searches.compactMap { try? Threshold($0, option: "--search") }
        return thresholds.filter(\.isOfLatency).map {
            Chart.Rule(.atY, $0.limit, label: $0.text)
        }.reduce(into: []) { rules, rule in
            if !rules.contains(where: { $0.label == rule.label }) { rules.append(rule) }
        }
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

    private static func summary(of curves: [Curve]) -> String {
        let figures = curves.map { curve in
            let values = [0.5, 0.99, 0.999].filter(curve.latency.supports).compactMap { quantile in
                curve.latency.value(at: quantile).map {
                    "\(Figures.name(ofQuantile: quantile)) \(PagePictures.text($0))"
                }
            }
            let largest = curve.latency.max.map { "max \(PagePictures.text($0))" } ?? ""
            return "\(curve.label): \((values + [largest]).joined(separator: ", "))."
        }
        return figures.joined(separator: " ")
    }

    /// A quantile for people: "1.21 ms", "≥ 5.00 s".
    static func text(_ quantile: Quantile) -> String {
        (quantile.isLowerBound ? "≥ " : "")
            + Figures.time(nanoseconds: Double(quantile.nanoseconds))
    }
}

extension Threshold {
    /// Whether it is a limit of what users wait: of a percentile, or of the longest.
    fileprivate var isOfLatency: Bool {
        switch metric {
        case .time(.percentile, .response), .time(.largest, .response): true
        case .time(.percentile, .service), .time(.largest, .service): true
        default: false
        }
    }
}
