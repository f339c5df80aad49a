import Charts
import Reports
import Statistics

/// A picture of dots for each reading at each point: a row for each server, on an axis of ratios to
/// the baseline, the best one first.
struct DotPictures {
    private let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }

    struct Picture {
        let reading: Reading
        let point: Int
        let plot: DotPlot
    }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    /// Point by point, the reading that answers the question first. A page stays below 300 kB: the
    /// more points it has, the fewer readings have pictures at each.
    var all: [Picture] {
        let readings: [Reading] =
            switch record.points.count {
            case ...1:
                [.cpu] + Reading.allCases.filter { ![.cpu, .threads, .processes].contains($0) }
            case ...4: [.cpu, .rate]
            default: [.cpu]
            }
        return record.points.indices.flatMap { point in
            readings.compactMap { reading -> Picture? in
                guard let plot = plot(reading, at: [point]) else { return nil }
                return Picture(reading: reading, point: point, plot: plot)
            }
        }
    }

    /// What a message costs at every point, in one picture; nil where there is one point, whose
    /// first picture it is.
    var overview: DotPlot? {
        guard (2...DotPictures.pointsMax).contains(record.points.count) else { return nil }
        return plot(.cpu, at: Array(record.points.indices))
    }

    /// More points are not told apart in a row.
    private static let pointsMax = 4

    /// Of several points, each is a mark in the row of a server.
    private func plot(_ reading: Reading, at points: [Int]) -> DotPlot? {
        let rows = record.arms.indices.map { arm in
            points.map { analysis.figure(reading, of: arm, at: $0) }
        }
        let bases = rows.indices.contains(record.baseline) ? rows[record.baseline] : []
        guard let first = points.first else { return nil }
        let isRatio = hasRatios(rows, to: bases)
        let drawn: [[Drawn?]] = rows.map { row in
            zip(row, bases).map { figure, base -> Drawn? in
                guard let figure else { return nil }
                return isRatio ? Drawn(figure, over: base) : Drawn(figure)
            }
        }
        let all: [Drawn] = drawn.flatMap { $0 }.compactMap { $0 }
        guard all.contains(where: { $0.middle > 0 }) else { return nil }
        let unit = Unit(reading, typical: all.map(\.middle).max() ?? 0)
        let (range, factor) = (range(of: all), isRatio ? 1 : unit.factor)
        var plot = DotPlot(
            name: points.count == 1 ? name(reading, at: first) : "overview",
            title: points.count == 1
                ? CompareTables(analysis).heading(reading, at: first)
                : "\(reading.title), all busy, at every load",
            summary: summary(reading), axis: axis(reading, all, isRatio ? nil : unit),
            rows: order(drawn, isHigherBetter: reading.isHigherBetter).map { arm in
                row(arm, rows[arm], drawn[arm].map { $0?.within(range) }, reading, factor)
            })
        if isRatio { plot.rule = 1 }
        if isRatio, reading.isJudged, points.count == 1 {
            let floor = Change.ratio(analysis.floor(reading, at: first))
            plot.band = 1 / floor...floor
        }
        if points.count > 1 { plot.shapes = points.map { Wording.point(record.points[$0]) } }
        plot.caption = caption(plot, all)
        return plot
    }

    /// Whether each figure has a ratio to the baseline's; 0 has none.
    private func hasRatios(
        _ rows: [[CompareAnalysis.Figure?]], to bases: [CompareAnalysis.Figure?]
    ) -> Bool {
        let figures = rows.indices.filter { $0 != record.baseline }.flatMap { rows[$0] }
        return figures.allSatisfy { $0 == nil || $0?.ratio != nil }
            && bases.contains { ($0?.rounds.median ?? 0) > 0 }
    }

    /// The best first; what has no figure last.
    private func order(_ drawn: [[Drawn?]], isHigherBetter: Bool) -> [Int] {
        func key(_ arm: Int) -> Double {
            guard let middle = drawn[arm].compactMap({ $0?.middle }).first else {
                return .infinity
            }
            return isHigherBetter ? -middle : middle
        }
        return drawn.indices.sorted { (key($0), $0) < (key($1), $1) }
    }

    /// What is drawn at all: what is further off would make a point of all that lies together.
    private func range(of drawn: [Drawn]) -> ClosedRange<Double> {
        let middles = drawn.map(\.middle)
        return (middles.min() ?? 1) / 2...(middles.max() ?? 1) * 2
    }

    private func axis(_ reading: Reading, _ drawn: [Drawn], _ unit: Unit?) -> Chart.Axis {
        let ends = drawn.flatMap { [$0.middle, $0.interval?.lowerBound, $0.interval?.upperBound] }
        let rounds = drawn.flatMap { $0.rounds.map(\.value) }
        let range = range(of: drawn)
        let all = (ends.compactMap { $0 } + rounds).filter(range.contains)
        let (low, high) = (all.min() ?? 1, all.max() ?? 1)
        let better = reading.isHigherBetter ? "more is better" : "less is better"
        guard let unit else {
            let law = high / max(low, 1e-9) >= 4 ? ", logarithmic" : ""
            let base = record.arms[record.baseline].name
            return Chart.Axis(
                "times \(base)\(law); \(better)",
                .ratios(from: low, to: high))
        }
        return Chart.Axis(
            "\(unit.title); \(better)",
            .linear(from: 0, to: high * unit.factor, of: unit.quantity))
    }

    private func summary(_ reading: Reading) -> String {
        let better = reading.isHigherBetter ? "More is better" : "Less is better"
        return "\(better). A row for each server, the best first; the table below has the figures."
    }

    private func caption(_ plot: DotPlot, _ drawn: [Drawn]) -> String {
        var parts: [String] = []
        if drawn.contains(where: { $0.interval != nil }) {
            parts.append("A line is the 95 % interval of the middle.")
        }
        if plot.shapes.isEmpty, drawn.contains(where: { $0.rounds.count > 1 }) {
            parts.append("Each small dot is a round, hollow where it stands apart.")
        }
        let range = range(of: drawn)
        let far = drawn.reduce(0) { $0 + $1.rounds.count { !range.contains($0.value) } }
        if plot.shapes.isEmpty, far > 0 {
            parts.append("\(Wording.rounds(far)) further off \(far == 1 ? "is" : "are") left out.")
        }
        if plot.band != nil { parts.append("Shaded: what is no difference.") }
        return parts.joined(separator: " ")
    }

    private func row(
        _ arm: Int, _ figures: [CompareAnalysis.Figure?], _ drawn: [Drawn?], _ reading: Reading,
        _ factor: Double
    ) -> DotPlot.Row {
        let name = Wording.name(record.arms[arm])
        let known = figures.compactMap { $0 }
        guard !known.isEmpty else {
            let reason = Wording.reason(record.arms[arm].outcome)
            return DotPlot.Row(name, words: reason ?? "not measured")
        }
        let words =
            known.count == 1
            ? self.words(known[0], reading) : known.map { ratio(of: $0) }.joined(separator: ", ")
        let marks = zip(figures, drawn).enumerated().compactMap { shape, pair -> DotPlot.Mark? in
            guard let figure = pair.0, let drawn = pair.1 else { return nil }
            var mark = DotPlot.Mark(
                drawn.middle * factor,
                interval: drawn.interval.map { $0.lowerBound * factor...$0.upperBound * factor },
                number: DotPictures.number(of: figure.word))
            mark.shape = figures.count > 1 ? shape : 0
            mark.words = figures.count > 1 ? self.words(figure, reading) : ""
            mark.rounds = figures.count > 1 ? [] : rounds(drawn, figure, factor, reading)
            return mark
        }
        return DotPlot.Row(name, words: words, marks: marks)
    }

    private func rounds(
        _ drawn: Drawn, _ figure: CompareAnalysis.Figure, _ factor: Double, _ reading: Reading
    ) -> [DotPlot.Round] {
        // One round is the middle itself.
        guard drawn.rounds.count > 1 else { return [] }
        return drawn.rounds.map { round in
            let value = round.value * drawn.unit
            return DotPlot.Round(
                round.value * factor, isHollow: round.isApart,
                words: round.isApart ? "\(reading.text(value)) in round \(round.number + 1)" : "")
        }
    }

    /// "4.12 us, +7.2 % slower"; the interval is drawn, and how many rounds it would take is in the
    /// table.
    private func words(_ figure: CompareAnalysis.Figure, _ reading: Reading) -> String {
        let change = [
            figure.ratio.map { Wording.change($0.center) },
            Wording.short(figure.word, of: reading),
        ].compactMap { $0 }.joined(separator: " ")
        return [reading.text(figure), change].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func ratio(of figure: CompareAnalysis.Figure) -> String {
        figure.ratio.map { Figures.fixed(Change.ratio($0.center), decimals: 2) } ?? "1.00"
    }

    /// Green is better and vermilion is worse; the words beside the row say so too.
    private static func number(of word: CompareAnalysis.Word) -> Int {
        switch word {
        case .better: 2
        case .worse: 1
        default: 0
        }
    }

    /// "cpu-100x64"; with one point, the reading alone.
    private func name(_ reading: Reading, at point: Int) -> String {
        let load = record.points[point]
        guard record.points.count > 1 else { return reading.slug }
        return "\(reading.slug)-\(load.connections)x\(load.size)"
    }
}

/// What is drawn of a figure: as it is; or, over the baseline, the ratios within the rounds, so
/// that what a round did to both is not in the picture.
private struct Drawn {
    let middle: Double
    let interval: ClosedRange<Double>?
    private(set) var rounds: [(value: Double, number: Int, isApart: Bool)]
    /// What makes a figure again of what is drawn.
    let unit: Double

    init(_ figure: CompareAnalysis.Figure) {
        middle = figure.rounds.median
        interval = figure.rounds.interval.map { $0.low...$0.high }
        rounds = Drawn.rounds(figure.numbers, figure.rounds)
        unit = 1
    }

    /// The baseline itself is 1, and has no spread.
    init(_ figure: CompareAnalysis.Figure, over base: CompareAnalysis.Figure?) {
        unit = base?.rounds.median ?? 1
        let pairs = base.map(figure.pairs) ?? []
        guard let ratio = figure.ratio, let shares = Rounds(pairs.map { $0.own / $0.other }) else {
            (middle, interval, rounds) = (1, nil, [])
            return
        }
        middle = Change.ratio(ratio.center)
        interval = ratio.interval.map { Change.ratio($0.lowerBound)...Change.ratio($0.upperBound) }
        rounds = Drawn.rounds(pairs.map(\.number), shares)
    }

    /// The same without the rounds that are beyond a range.
    func within(_ range: ClosedRange<Double>) -> Drawn {
        var drawn = self
        drawn.rounds.removeAll { !range.contains($0.value) }
        return drawn
    }

    private static func rounds(_ numbers: [Int], _ rounds: Rounds) -> [(Double, Int, Bool)] {
        zip(zip(rounds.values, numbers), rounds.standsApart).map { ($0.0, $0.1, $1) }
    }
}

/// In what a picture shows a reading.
struct Unit {
    /// What a value is multiplied with.
    let factor: Double
    let quantity: Quantity
    /// What stands at the axis.
    let title: String

    init(_ reading: Reading, typical: Double) {
        switch reading {
        case .cpu, .p50, .p99, .sparseCPU, .sparseP99:
            (factor, quantity, title) = (1e9, .time, reading.title)
        case .idleMemory, .connectionMemory:
            let isLarge = typical >= 2_097_152
            factor = isLarge ? 1.0 / 1_048_576 : 1.0 / 1024
            (quantity, title) = (.plain, reading.title + (isLarge ? ", MiB" : ", KiB"))
        case .idleCPU: (factor, quantity, title) = (100, .percent, reading.title)
        case .rate: (factor, quantity, title) = (1, .plain, "answers per second")
        case .switches, .calls, .threads, .processes:
            (factor, quantity, title) = (1, .plain, reading.title)
        }
    }
}

extension Reading {
    /// What to show of many.
    static let headline: [Reading] = [
        .rate, .cpu, .p99, .sparseCPU, .connectionMemory, .idleCPU,
    ]

    /// Its name in the name of a file.
    var slug: String {
        title.lowercased().replacing("/", with: "-per-").replacing(" ", with: "-")
    }
}

/// How each reading grows with the number of connections, where several numbers were measured with
/// the same size of request: a picture for each reading and size, a line for each server.
struct GrowthPictures {
    private let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    var all: [Chart] {
        let sizes = record.points.map(\.size).uniqued
        let readings: [Reading] =
            switch sizes.count {
            case ...1: Reading.headline
            case 2: [.cpu, .rate]
            default: [.cpu]
            }
        return sizes.flatMap { size -> [Chart] in
            let points = record.points.indices.filter { record.points[$0].size == size }
            let counts = Set(points.map { record.points[$0].connections })
            guard counts.count > 1 else { return [] }
            return readings.compactMap { chart(of: $0, size: size, points) }
        }
    }

    private func chart(of reading: Reading, size: Int, _ points: [Int]) -> Chart? {
        let arms = analysis.measured.filter { !record.arms[$0].isControl }
        let values = arms.flatMap { arm in
            points.compactMap { analysis.figure(reading, of: arm, at: $0)?.rounds.median }
        }.filter { $0 > 0 }
        guard let low = values.min(), let high = values.max() else { return nil }
        let unit = Unit(reading, typical: high)
        let counts = points.map { Double(record.points[$0].connections) }
        let sizes = Set(record.points.map(\.size)).count
        var chart = Chart(
            name: "growth-\(reading.slug)" + (sizes > 1 ? "-\(size)" : ""),
            title: "\(reading.title) by connections, \(Figures.bytes(Double(size))) each",
            summary: "A line for each server, from point to point.",
            x: Chart.Axis(
                "connections",
                .log(from: counts.min() ?? 1, to: counts.max() ?? 10, of: .plain)),
            y: Chart.Axis(
                unit.title, .log(from: low * unit.factor, to: high * unit.factor, of: unit.quantity)
            ))
        chart.height = 300
        chart.series = arms.compactMap { series($0, reading, points, unit) }
        chart.caption = "A dot is the median of the rounds; both axes are logarithmic."
        return chart
    }

    /// The number of an arm is its place, so that its line looks the same in every picture.
    private func series(
        _ arm: Int, _ reading: Reading, _ points: [Int], _ unit: Unit
    ) -> Series? {
        let dots = points.sorted {
            record.points[$0].connections < record.points[$1].connections
        }.compactMap { point -> Series.Dot? in
            guard let figure = analysis.figure(reading, of: arm, at: point),
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
