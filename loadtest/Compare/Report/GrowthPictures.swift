import Charts
import Reports

/// How each reading grows with the number of connections, where several numbers were measured with
/// the same size of request: a picture for each reading and size, a line for each server.
struct GrowthPictures {
    private let standing: Standing
    private var record: CompareRecord { standing.record }

    init(_ standing: Standing) { self.standing = standing }

    var all: [Chart] {
        let sizes = record.points.map(\.size).uniqued
        let readings = sizes.count > 1 ? Reading.headline : Reading.allCases
        return sizes.flatMap { size -> [Chart] in
            let points = record.points.indices.filter { record.points[$0].size == size }
            let counts = Set(points.map { record.points[$0].connections })
            guard counts.count > 1 else { return [] }
            return readings.compactMap { chart(of: $0, size: size, points) }
        }
    }

    private func chart(of reading: Reading, size: Int, _ points: [Int]) -> Chart? {
        let arms = standing.measured.filter { !record.arms[$0].isControl }
        let values = arms.flatMap { arm in
            points.compactMap { standing.figure(reading, of: arm, at: $0)?.rounds.median }
        }.filter { $0 > 0 }
        guard let low = values.min(), let high = values.max() else { return nil }
        let unit = Unit(reading, typical: high)
        let counts = points.map { Double(record.points[$0].connections) }
        let sizes = Set(record.points.map(\.size)).count
        var chart = Chart(
            name: "growth-\(reading.slug)" + (sizes > 1 ? "-\(size)" : ""),
            title: "\(reading.title) by connections, \(Figures.bytes(Double(size))) each",
            summary: "A dot is the median of the rounds. Both axes are logarithmic: a straight "
                + "line upwards grows with the connections, a level one does not.",
            x: Chart.Axis(
                "connections",
                .log(from: counts.min() ?? 1, to: counts.max() ?? 10, of: .plain)),
            y: Chart.Axis(
                unit.title, .log(from: low * unit.factor, to: high * unit.factor, of: unit.quantity)
            ))
        chart.height = 300
        chart.series = arms.compactMap { series($0, reading, points, unit) }
        return chart
    }

    /// The number of an arm is its place, so that its line looks the same in every picture.
    private func series(
        _ arm: Int, _ reading: Reading, _ points: [Int], _ unit: Unit
    ) -> Series? {
        let dots = points.sorted {
            record.points[$0].connections < record.points[$1].connections
        }.compactMap { point -> Series.Dot? in
            guard let figure = standing.figure(reading, of: arm, at: point),
                figure.rounds.median > 0
            else { return nil }
            let load = record.points[point]
            let words = "\(record.arms[arm].name), \(Wording.point(load)): \(reading.text(figure))"
            let place = Chart.Point(
                Double(load.connections), figure.rounds.median * unit.factor)
            return Series.Dot(place, isHollow: figure.isLowerBound, words: words)
        }
        guard !dots.isEmpty else { return nil }
        var series = Series(
            Wording.name(record.arms[arm]), number: arm,
            strokes: [Series.Stroke(dots.map(\.point))])
        series.dots = dots
        return series
    }
}
