import Charts
import Reports
import Statistics

/// A picture of bars for each reading at each point: one bar for each server.
struct BarPictures {
    private let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }
    /// From this factor between the largest and the smallest on, equal steps show nothing of most.
    private static let spanMax = 25.0

    struct Picture {
        let reading: Reading
        let point: Int
        let bars: Bars
    }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    /// Point by point, in the order of the readings. A page stays below half a megabyte: the more
    /// points it has, the fewer readings have bars at each.
    var all: [Picture] {
        let readings =
            switch record.points.count {
            case ...1: Reading.allCases.filter { $0 != .threads && $0 != .processes }
            case ...4: Reading.headline
            default: [Reading.rate, .cpu]
            }
        return record.points.indices.flatMap { point in
            readings.compactMap { reading -> Picture? in
                guard let bars = bars(reading, at: point)
                else { return nil }
                return Picture(reading: reading, point: point, bars: bars)
            }
        }
    }

    private func bars(_ reading: Reading, at point: Int) -> Bars? {
        let figures = record.arms.indices.map { analysis.figure(reading, of: $0, at: point) }
        let base = figures.indices.contains(record.baseline) ? figures[record.baseline] : nil
        let drawn = figures.map { $0.map { Drawn($0, over: reading.isJudged ? base : nil) } }
        let values = drawn.compactMap { $0 }.flatMap {
            $0.dots.map(\.value) + [$0.interval?.upperBound].compactMap { $0 }
        }
        guard let highest = values.max(), highest > 0 else { return nil }
        let unit = Unit(reading, typical: highest)
        let lowest = values.min() ?? 0
        let isLog = lowest > 0 && highest / lowest > BarPictures.spanMax
        let scale: Scale =
            isLog
            ? .log(from: lowest * unit.factor / 1.5, to: highest * unit.factor, of: unit.quantity)
            : .linear(from: 0, to: highest * unit.factor, of: unit.quantity)
        var bars = Bars(
            name: name(reading, at: point),
            title: CompareTables(analysis).heading(reading, at: point),
            summary: summary(reading, isLog: isLog), axis: Chart.Axis(unit.title, scale),
            rows: record.arms.indices.map { row($0, figures[$0], drawn[$0], reading, unit) })
        if let base {
            let middle = base.rounds.median * unit.factor
            let floor = Change.ratio(analysis.floor(reading, at: point))
            bars.rule = middle
            if reading.isJudged { bars.band = middle / floor...middle * floor }
        }
        return bars
    }

    private func summary(_ reading: Reading, isLog: Bool) -> String {
        let better = reading.isHigherBetter ? "More is better." : "Less is better."
        let judged =
            reading.isJudged
            ? " Of all but the baseline, the ratio within the round is drawn, on the baseline's "
                + "median, which is the dotted line. Shaded: what is no difference."
            : ""
        return "\(better) A bar ends at the middle of the rounds, with its 95 % interval; each dot "
            + "is a round, hollow where it stands apart." + judged
            + (isLog ? " The axis is logarithmic: lengths of bars are no proportions." : "")
    }

    private func row(
        _ arm: Int, _ figure: CompareAnalysis.Figure?, _ drawn: Drawn?, _ reading: Reading,
        _ unit: Unit
    ) -> Bars.Row {
        let name = Wording.name(record.arms[arm])
        guard let figure, let drawn else {
            let reason = Wording.reason(record.arms[arm].outcome)
            return Bars.Row(name, words: reason ?? "not measured")
        }
        // The interval is drawn; how many rounds it would take is in the table.
        let change = [
            figure.ratio.map { Wording.change($0.center) },
            Wording.short(figure.word, of: reading),
        ].compactMap { $0 }.joined(separator: " ")
        let words = [reading.text(figure), change].filter { !$0.isEmpty }
        var bar = Bars.Bar(
            drawn.middle * unit.factor,
            interval: drawn.interval.map {
                $0.lowerBound * unit.factor...$0.upperBound * unit.factor
            },
            number: BarPictures.number(of: figure.word))
        bar.dots = drawn.dots.map { value, round, isApart in
            Bars.Dot(
                value * unit.factor, isHollow: isApart,
                words: reading.text(value) + (isApart ? " in round \(round + 1)" : ""))
        }
        return Bars.Row(name, words: words.joined(separator: ", "), bar: bar)
    }

    /// Green is better and vermilion is worse; the words beside the bar say so too.
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

/// What is drawn of a figure: as it is; or, over the baseline, the ratios within the rounds times
/// the baseline's median, so that what a round did to both is not in the picture.
private struct Drawn {
    let middle: Double
    let interval: ClosedRange<Double>?
    let dots: [(value: Double, round: Int, isApart: Bool)]

    init(_ figure: CompareAnalysis.Figure, over base: CompareAnalysis.Figure?) {
        let pairs = base.map(figure.pairs) ?? []
        guard let base, let ratio = figure.ratio,
            let rounds = Rounds(pairs.map { $0.own / $0.other * base.rounds.median })
        else {
            middle = figure.rounds.median
            interval = figure.rounds.interval.map { $0.low...$0.high }
            dots = Drawn.dots(figure.numbers, figure.rounds)
            return
        }
        let scaled = { (difference: Double) in Change.ratio(difference) * base.rounds.median }
        middle = scaled(ratio.center)
        interval = ratio.interval.map { scaled($0.lowerBound)...scaled($0.upperBound) }
        dots = Drawn.dots(pairs.map(\.number), rounds)
    }

    private static func dots(_ numbers: [Int], _ rounds: Rounds) -> [(Double, Int, Bool)] {
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
        let readings = sizes.count > 1 ? Reading.headline : Reading.allCases
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
