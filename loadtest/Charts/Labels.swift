/// What is kept free beside a plot, in pixels.
struct Room: Equatable {
    /// For the ticks of the y-axis.
    var left: Double
    /// For the names of the lines; a telephone has them above the plot.
    var right: Double

    /// Half of the last tick of an x-axis.
    static let rightMin = 28.0

    init(left: Double, right: Double) {
        self.left = left
        self.right = right
    }

    init(_ chart: Chart) {
        let ticks = chart.y.scale.ticks.map { Drawing.width(of: $0.label) }
        let keys = Keys(chart)
        left = chart.emptiness == nil ? max(36, (ticks.max() ?? 0) + 14) : 8
        right = keys.haveRoom ? max(Room.rightMin, keys.width) : Room.rightMin
    }
}

/// The names of a picture's lines, each beside the end of its line.
///
///     ────╮      ╭── service
///         ╰──────│   response        pushed apart where lines end together
struct Keys {
    struct Key {
        let words: String
        let look: String
        let dash: String
        /// Where the line ends, from 0 at the bottom of the plot to 1 at its top.
        let end: Double?
    }

    let keys: [Key]
    private let height: Double

    private static let lineHeight = 15.0
    private static let leader = 20.0
    /// Longer names stand in a legend.
    private static let wordsMax = 150.0

    init(_ chart: Chart) {
        height = chart.height
        // The title of the picture says what the only one is.
        let isNamed = chart.series.count > 1
        let series = chart.series.filter { _ in isNamed && chart.emptiness == nil }.map { series in
            let points = series.strokes.flatMap(\.points)
            let end = points.last { chart.y.scale.position($0.y) != nil }
            return Key(
                words: series.label, look: "line \(series.color)", dash: series.pattern,
                end: end.flatMap { chart.y.scale.position($0.y) })
        }
        let rules = chart.rules.filter { $0.direction == .atY }.map {
            Key(
                words: $0.label, look: "rule", dash: "",
                end: chart.y.scale.position($0.value))
        }
        keys = series + rules
    }

    /// What they need beside the plot.
    var width: Double {
        (keys.map { Drawing.width(of: $0.words) }.max() ?? 0) + Keys.leader + 12
    }

    /// Whether they can stand there.
    var haveRoom: Bool {
        keys.allSatisfy { Drawing.width(of: $0.words) <= Keys.wordsMax && $0.end != nil }
            && Double(keys.count) * Keys.lineHeight <= height
    }

    func markup(from top: Double, to bottom: Double, right: Double) -> String {
        let ordered = keys.sorted { ($0.end ?? 0) > ($1.end ?? 0) }
        let ends = ordered.map { bottom - ($0.end ?? 0) * (bottom - top) }
        let places = Keys.spread(ends, from: top + 4, to: bottom - 4)
        return zip(ordered, zip(ends, places)).map { key, places in
            let line =
                "M\(Markup.number(right + 3)) \(Markup.number(places.0))"
                + "L\(Markup.number(right + Keys.leader - 3)) \(Markup.number(places.1))"
            return Markup.element(
                "path", ["d": line, "class": key.look, "stroke-dasharray": key.dash])
                + Drawing.text(key.words, x: right + Keys.leader, y: places.1 + 4)
        }.joined()
    }

    /// Places in order, pushed apart so far that a line of text fits between them.
    private static func spread(_ places: [Double], from top: Double, to bottom: Double) -> [Double]
    {
        var spread = places
        for index in spread.indices {
            let least = index == 0 ? top : spread[index - 1] + lineHeight
            spread[index] = max(spread[index], least)
        }
        for index in spread.indices.reversed() {
            let most = index == spread.count - 1 ? bottom : spread[index + 1] - lineHeight
            spread[index] = min(spread[index], most)
        }
        return spread
    }
}

/// The words above a plot, which say what its shaded stretches and upright lines are; in as many
/// rows as they need.
struct Strip {
    private var items: [(x: Double, row: Int, words: String)] = []
    private static let rowHeight = 15.0
    /// What finds no place in so many rows has no name.
    private static let rowsMax = 3

    init(_ chart: Chart, from left: Double, to right: Double) {
        let place = { (value: Double) in
            chart.x.scale.position(value).map { left + $0 * (right - left) }
        }
        let bands = chart.bands.compactMap { band -> (x: Double, words: String)? in
            // What is hardly to be seen needs no name, if nothing is wrong there.
            guard let from = place(band.from), let to = place(band.to),
                to - from >= (band.isAlarm ? 0 : 12)
            else { return nil }
            return (from, band.label)
        }
        let rules = chart.rules.filter { $0.direction == .atX }.compactMap { rule in
            place(rule.value).map {
                (x: $0 - Drawing.width(of: rule.label) / 2, words: rule.label)
            }
        }
        var free = Array(repeating: -Double.infinity, count: Strip.rowsMax)
        for (start, words) in (bands + rules).sorted(by: { $0.x < $1.x }) {
            let width = Drawing.width(of: words)
            let x = max(left, min(start, right - width))
            guard let row = free.firstIndex(where: { $0 <= x }) else { continue }
            items.append((x, row, words))
            free[row] = x + width + 8
        }
    }

    var height: Double { Double((items.map(\.row).max() ?? -1) + 1) * Strip.rowHeight }

    func markup(above top: Double) -> String {
        items.map { item in
            Drawing.text(
                item.words, x: item.x, y: top - 5 - Double(item.row) * Strip.rowHeight,
                class: "dim")
        }.joined()
    }
}
