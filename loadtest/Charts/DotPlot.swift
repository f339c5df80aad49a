/// Dots along an axis, a row for each name: where its middle is, how surely that is known, and what
/// each round gave.
///
///                     :
///     epoll        ·-●·                    0.93  less
///     baseline        ●                    4.12 us
///     threads         :        ··-●-··     2.21  more
///     io_uring        : skipped: it is disabled on this machine
///                   1.00       2.00
///
/// A band shows what noise reaches alone around the rule of what all are compared with. The place
/// of a dot is read, never a length, so that the axis may begin anywhere.
package struct DotPlot: Sendable {
    /// Lower-case letters, digits and dashes; it names the file and the element.
    package var name: String
    package var title: String
    /// What is to be seen, in words: what a screen reader says.
    package var summary: String
    /// What a reader must know to read it; empty where nothing needs to be said.
    package var caption = ""
    package var axis: Chart.Axis
    package var rows: [Row]
    /// A line across all rows, in the unit of the axis.
    package var rule: Double?
    /// A stretch of the axis that is shaded.
    package var band: ClosedRange<Double>?
    /// What the marks of a row are, in their order, where a row has several.
    package var shapes: [String] = []

    package init(name: String, title: String, summary: String, axis: Chart.Axis, rows: [Row]) {
        self.name = name
        self.title = title
        self.summary = summary
        self.axis = axis
        self.rows = rows
    }

    package struct Row: Sendable {
        package var label: String
        /// What stands behind the dots, or in their place where there are none.
        package var words: String
        package var marks: [Mark]
        package init(_ label: String, words: String, marks: [Mark] = []) {
            self.label = label
            self.words = words
            self.marks = marks
        }
    }

    /// In the unit of the axis.
    package struct Mark: Sendable {
        package var value: Double
        package var interval: ClosedRange<Double>?
        /// What it was made of.
        package var rounds: [Round] = []
        /// Chooses the colour.
        package var number: Int
        /// Chooses the shape: its place among `shapes`.
        package var shape = 0
        /// What it says, where words beside the row do not.
        package var words = ""
        package init(_ value: Double, interval: ClosedRange<Double>?, number: Int) {
            self.value = value
            self.interval = interval
            self.number = number
        }
    }

    package struct Round: Sendable {
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

    /// The picture without its colours and its title, for a page, drawn for a window and for a
    /// telephone.
    package var markup: String {
        Layout.both { DotPlotDrawing(self, $0, hasTitle: false).svg() }
    }

    /// The picture without its colours.
    package var svg: String { DotPlotDrawing(self, .wide, hasTitle: true).svg() }

    /// The picture as a file of its own.
    package var file: String {
        DotPlotDrawing(self, .wide, hasTitle: true)
            .svg(background: ChartStyle.element + ChartStyle.background) + "\n"
    }
}

/// Dots laid out: in a window names stand at the left and words at the right, on a telephone both
/// stand above their row.
struct DotPlotDrawing {
    private let plot: DotPlot
    private let layout: Layout
    private let title: String
    private let top: Double
    /// Where the plot begins and ends.
    private let left: Double
    private let right: Double

    private static let markHeight = 13.0
    private static let bottomHeight = 42.0
    /// Names and words take at most this much; what is longer is cut.
    private static let labelMax = 168.0
    private static let wordsMax = 250.0

    init(_ plot: DotPlot, _ layout: Layout, hasTitle: Bool) {
        self.plot = plot
        self.layout = layout
        title = hasTitle ? Drawing.title(plot.title) : ""
        top = (hasTitle ? 34 : 8) + (plot.shapes.isEmpty ? 0 : 18)
        let labels = plot.rows.map { Drawing.width(of: $0.label) }.max() ?? 0
        let words = plot.rows.filter { !$0.marks.isEmpty }.map { Drawing.width(of: $0.words) }
        if layout == .wide {
            left = min(labels, DotPlotDrawing.labelMax) + 18
            right = layout.width - max(20, min(words.max() ?? 0, DotPlotDrawing.wordsMax) + 18)
        } else {
            (left, right) = (12, layout.width - 20)
        }
    }

    /// A row is as high as its marks, and on a telephone has a line of words above them.
    private var rowHeight: Double {
        let marks = Double(max(1, plot.rows.map(\.marks.count).max() ?? 1))
        return marks * DotPlotDrawing.markHeight + 11 + (layout == .wide ? 0 : 15)
    }
    private var bottom: Double { top + max(1, Double(plot.rows.count)) * rowHeight }

    func svg(background: String = "") -> String {
        layout.frame(
            plot.name, title: plot.title, summary: plot.summary,
            height: bottom + DotPlotDrawing.bottomHeight,
            background + title + legend + band + ticks + rule
                + plot.rows.enumerated().map(row).joined())
    }

    private func x(_ value: Double) -> Double? {
        plot.axis.scale.position(value).map { left + $0 * (right - left) }
    }

    private var legend: String {
        var (markup, x) = ("", 14.0)
        for (shape, words) in plot.shapes.enumerated() {
            markup += Marks.mark(shape, x: x, y: top - 17, class: "full ink", words: "")
            markup += Drawing.text(words, x: x + 12, y: top - 13)
            x += 12 + Drawing.width(of: words) + 24
        }
        return markup
    }

    private var ticks: String {
        let lines = plot.axis.scale.ticks.compactMap { tick in
            x(tick.value).map { Drawing.line($0, top, $0, bottom, class: "grid") }
        }
        let labels = Drawing.labels(plot.axis.scale, first: plot.rule, at: x).map {
            Drawing.text($0.label, x: $0.x, y: bottom + 16, anchor: "middle")
        }
        // On a telephone a title is longer than the plot.
        let title = Drawing.cut(plot.axis.title, layout.width - 20)
        let end = layout == .wide ? max(right, Drawing.width(of: title) + 8) : layout.width - 8
        return (lines + labels).joined()
            + Drawing.text(title, x: end, y: bottom + 35, class: "dim", anchor: "end")
    }

    private var band: String {
        guard let band = plot.band, let from = x(band.lowerBound), let to = x(band.upperBound),
            to > from
        else { return "" }
        return Drawing.rectangle(
            x: from, y: top, width: to - from, height: bottom - top, class: "band")
    }

    private var rule: String {
        guard let value = plot.rule, let x = x(value) else { return "" }
        return Drawing.line(x, top, x, bottom, class: "rule")
    }

    private func row(_ index: Int, _ row: DotPlot.Row) -> String {
        let start = top + Double(index) * rowHeight
        let first = start + 12 + (layout == .wide ? 0 : 15)
        let marks = row.marks.enumerated().map { place, mark in
            self.mark(mark, first + Double(place) * DotPlotDrawing.markHeight)
        }.joined()
        return marks + (layout == .wide ? beside(row, start) : above(row, start))
    }

    private func beside(_ row: DotPlot.Row, _ start: Double) -> String {
        let y = start + rowHeight / 2 + 4
        let label = Drawing.text(
            Drawing.cut(row.label, DotPlotDrawing.labelMax), x: left - 8, y: y, anchor: "end")
        guard row.marks.isEmpty else {
            return label
                + Drawing.text(
                    Drawing.cut(row.words, DotPlotDrawing.wordsMax), x: right + 12, y: y)
        }
        return label
            + Drawing.text(
                Drawing.cut(row.words, layout.width - left - 12), x: left + 6, y: y,
                class: "halo dim")
    }

    private func above(_ row: DotPlot.Row, _ start: Double) -> String {
        let y = start + 14
        let label = Drawing.cut(row.label, DotPlotDrawing.labelMax)
        let room = layout.width - Drawing.width(of: label) - 36
        return Drawing.text(label, x: left, y: y, class: "halo")
            + Drawing.text(
                Drawing.cut(row.words, room), x: layout.width - 8, y: y, class: "halo dim",
                anchor: "end")
    }

    /// The rounds, the interval as a line, and the middle as a mark.
    private func mark(_ mark: DotPlot.Mark, _ y: Double) -> String {
        guard let middle = x(mark.value) else { return "" }
        let color = "c\(Palette.color(of: mark.number))"
        var whisker = ""
        if let interval = mark.interval, let low = x(interval.lowerBound),
            let high = x(interval.upperBound), high > low
        {
            let path = "M\(Markup.number(low)) \(Markup.number(y))H\(Markup.number(high))"
            whisker = Markup.element("path", ["d": path, "class": "whisker \(color)"])
        }
        // On a telephone they would be a blur.
        return (layout == .wide ? rounds(mark, y, color) : "") + whisker
            + Marks.mark(
                mark.shape, x: middle, y: y, class: "full \(color)",
                words: layout == .wide ? mark.words : "")
    }

    /// One for each round, in turn above and below the line of the interval. Those that stand apart
    /// are hollow and have words; the others are one path and have none, as a page has thousands.
    private func rounds(_ mark: DotPlot.Mark, _ y: Double, _ color: String) -> String {
        var (full, hollow) = ("", "")
        var last: (x: Double, y: Double)?
        for (index, round) in mark.rounds.enumerated() {
            guard let x = x(round.value).map({ ($0 * 10).rounded() / 10 }) else { continue }
            let y = index % 2 == 0 ? y - 4 : y + 4
            guard round.isHollow else {
                let (from, step) = last.map { (($0.x, $0.y), "m") } ?? ((0, 0), "M")
                full += "\(step)\(Markup.number(x - from.0)) \(Markup.number(y - from.1))h0"
                last = (x, y)
                continue
            }
            let place = "M\(Markup.number(x)) \(Markup.number(y))"
            let circle = place + "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0"
            hollow += Markup.element(
                "path", ["d": circle, "class": "hollow \(color)"],
                Markup.element("title", [:], Markup.escape(round.words)))
        }
        guard !full.isEmpty else { return hollow }
        return Markup.element("path", ["d": full, "class": "dots \(color)"]) + hollow
    }
}
