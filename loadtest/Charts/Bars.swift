/// Bars beside each other, one for each name: where its middle is, how surely that is known, and
/// what each round gave.
///
///     coroutine-epoll  ██████████████├─·┤  118,210/s  baseline
///     threads          █████████├·─┤       88,120/s  -25 %, slower
///     io_uring         skipped: it is disabled on this machine
///                      0       50,000      100,000
///
/// A band shows what noise reaches alone around the rule of what all are compared with.
package struct Bars: Sendable {
    /// Lower-case letters, digits and dashes; it names the file and the element.
    package var name: String
    package var title: String
    /// What is to be seen, in words: what a screen reader says.
    package var summary: String
    package var axis: Chart.Axis
    package var rows: [Row]
    /// A line across all bars, in the unit of the axis.
    package var rule: Double?
    /// A stretch of the axis that is shaded.
    package var band: ClosedRange<Double>?

    package init(name: String, title: String, summary: String, axis: Chart.Axis, rows: [Row]) {
        self.name = name
        self.title = title
        self.summary = summary
        self.axis = axis
        self.rows = rows
    }

    package struct Row: Sendable {
        package var label: String
        /// What stands behind the bar, or in its place where there is none.
        package var words: String
        package var bar: Bar?
        package init(_ label: String, words: String, bar: Bar? = nil) {
            self.label = label
            self.words = words
            self.bar = bar
        }
    }

    /// In the unit of the axis.
    package struct Bar: Sendable {
        package var value: Double
        package var interval: ClosedRange<Double>?
        /// What it was made of.
        package var dots: [Dot] = []
        /// Chooses the colour.
        package var number: Int
        package init(_ value: Double, interval: ClosedRange<Double>?, number: Int) {
            self.value = value
            self.interval = interval
            self.number = number
        }
    }

    package struct Dot: Sendable {
        package var value: Double
        /// A hollow one stands apart from the others.
        package var isHollow: Bool
        package var words: String
        package init(_ value: Double, isHollow: Bool, words: String) {
            self.value = value
            self.isHollow = isHollow
            self.words = words
        }
    }

    /// The picture without its colours, for a page that has `ChartStyle.css`.
    package var svg: String { BarsDrawing(self).svg(background: "") }

    /// The picture as a file of its own.
    package var file: String {
        BarsDrawing(self).svg(background: ChartStyle.element + ChartStyle.background) + "\n"
    }
}

/// Bars laid out on the page: names at the left, words at the right, the plot between.
struct BarsDrawing {
    private let bars: Bars
    /// Where the plot begins and ends.
    private let left: Double
    private let right: Double

    private static let top = 34.0
    private static let rowHeight = 26.0
    private static let barHeight = 13.0
    private static let bottomHeight = 42.0
    /// Names and words take at most this much; what is longer is cut.
    private static let labelMax = 168.0
    private static let wordsMax = 290.0

    init(_ bars: Bars) {
        self.bars = bars
        let labels = bars.rows.map { Drawing.width(of: $0.label) }.max() ?? 0
        let words = bars.rows.filter { $0.bar != nil }.map { Drawing.width(of: $0.words) }
        left = min(labels, BarsDrawing.labelMax) + 18
        right = Drawing.width - min(words.max() ?? 0, BarsDrawing.wordsMax) - 18
    }

    private var bottom: Double {
        BarsDrawing.top + max(1, Double(bars.rows.count)) * BarsDrawing.rowHeight
    }
    private var height: Double { bottom + BarsDrawing.bottomHeight }

    func svg(background: String) -> String {
        let label = Markup.escape(bars.name)
        let words =
            Markup.element("title", ["id": "\(bars.name)-title"], Markup.escape(bars.title))
            + Markup.element("desc", ["id": "\(bars.name)-desc"], Markup.escape(bars.summary))
        let content =
            words + background + Drawing.text(bars.title, x: 8, y: 17, class: "title") + band
            + ticks + bars.rows.enumerated().map(row).joined() + rule
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 "
            + Markup.number(height) + "\" class=\"chart\" role=\"img\" "
            + "aria-labelledby=\"\(label)-title \(label)-desc\">" + content + "</svg>"
    }

    private func x(_ value: Double) -> Double? {
        bars.axis.scale.position(value).map { left + $0 * (right - left) }
    }

    private var ticks: String {
        var (markup, free) = ("", -Double.infinity)
        for tick in bars.axis.scale.ticks {
            guard let x = x(tick.value) else { continue }
            markup += Drawing.line(x, BarsDrawing.top, x, bottom, class: "grid")
            let half = Drawing.width(of: tick.label) / 2
            guard !tick.label.isEmpty, x - half > free else { continue }
            markup += Drawing.text(tick.label, x: x, y: bottom + 16, anchor: "middle")
            free = x + half + 6
        }
        return markup
            + Drawing.text(bars.axis.title, x: right, y: bottom + 35, class: "dim", anchor: "end")
    }

    private var band: String {
        guard let band = bars.band, let from = x(band.lowerBound), let to = x(band.upperBound),
            to > from
        else { return "" }
        return Drawing.rectangle(
            x: from, y: BarsDrawing.top, width: to - from, height: bottom - BarsDrawing.top,
            class: "band")
    }

    private var rule: String {
        guard let value = bars.rule, let x = x(value) else { return "" }
        return Drawing.line(x, BarsDrawing.top, x, bottom, class: "rule")
    }

    private func row(_ index: Int, _ row: Bars.Row) -> String {
        let middle = BarsDrawing.top + (Double(index) + 0.5) * BarsDrawing.rowHeight
        let label = Drawing.text(
            BarsDrawing.cut(row.label, BarsDrawing.labelMax), x: left - 8, y: middle + 4,
            anchor: "end")
        guard let bar = row.bar, let end = x(bar.value) else {
            let words = BarsDrawing.cut(row.words, Drawing.width - left - 12)
            return label + Drawing.text(words, x: left + 6, y: middle + 4, class: "halo dim")
        }
        let color = "c\(Palette.color(of: bar.number))"
        return label
            + Drawing.rectangle(
                x: left, y: middle - BarsDrawing.barHeight / 2, width: max(1, end - left),
                height: BarsDrawing.barHeight, class: "bar \(color)")
            + dots(bar, middle, color) + whisker(bar, middle)
            + Drawing.text(
                BarsDrawing.cut(row.words, BarsDrawing.wordsMax), x: right + 10, y: middle + 4)
    }

    /// The interval as a line with an end at each side, and the middle as a stroke.
    private func whisker(_ bar: Bars.Bar, _ y: Double) -> String {
        var path = ""
        if let middle = x(bar.value) {
            path += "M\(Markup.number(middle)) \(Markup.number(y - 8))v16"
        }
        if let interval = bar.interval, let low = x(interval.lowerBound),
            let high = x(interval.upperBound)
        {
            let (from, to) = (Markup.number(low), Markup.number(high))
            let (middle, end) = (Markup.number(y), Markup.number(y - 4))
            path += "M\(from) \(middle)H\(to)M\(from) \(end)v8M\(to) \(end)v8"
        }
        return path.isEmpty ? "" : Markup.element("path", ["d": path, "class": "whisker"])
    }

    /// One for each round, in turn above and below the line of the interval. Those that stand apart
    /// are hollow and have words; the others are one path and have none, as a page has thousands.
    private func dots(_ bar: Bars.Bar, _ y: Double, _ color: String) -> String {
        var (full, hollow) = ("", "")
        for (index, dot) in bar.dots.enumerated() {
            guard let x = x(dot.value) else { continue }
            let place = "M\(Markup.number(x)) \(Markup.number(index % 2 == 0 ? y - 4 : y + 4))"
            guard dot.isHollow else {
                full += place + "h0"
                continue
            }
            let circle = place + "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0"
            hollow += Markup.element(
                "path", ["d": circle, "class": "hollow \(color)"],
                Markup.element("title", [:], Markup.escape(dot.words)))
        }
        guard !full.isEmpty else { return hollow }
        return Markup.element("path", ["d": full, "class": "dots \(color)"]) + hollow
    }

    /// The text, or its beginning where it is wider than there is room.
    private static func cut(_ text: String, _ room: Double) -> String {
        guard Drawing.width(of: text) > room else { return text }
        var (kept, width) = ("", Drawing.width(of: "…"))
        for character in text {
            width += Drawing.width(of: String(character))
            if width > room { break }
            kept.append(character)
        }
        return kept + "…"
    }
}
