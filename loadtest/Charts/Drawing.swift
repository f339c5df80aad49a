/// A chart laid out on the page: where its plot is, and where a point of it is.
///
/// The unit is a pixel of a picture that is as wide as its layout says; the picture scales to any
/// size.
struct Drawing {
    let chart: Chart
    let layout: Layout
    /// The edges of the plot.
    let left: Double
    let right: Double
    /// The names of its lines, where they stand beside it.
    let keys: Keys?
    private let legend: Legend
    let strip: Strip
    private let title: String
    private let titleHeight: Double

    private static let axisTitleHeight = 22.0
    private static let bottomHeight = 42.0

    init(_ chart: Chart, _ layout: Layout = .wide, hasTitle: Bool = true) {
        self.chart = chart
        self.layout = layout
        title = hasTitle ? Drawing.title(chart.title) : ""
        titleHeight = hasTitle ? 26 : 0
        let keys = Keys(chart)
        self.keys = layout == .wide && keys.haveRoom ? keys : nil
        let room = chart.room ?? Room(chart)
        left = room.left
        right = layout.width - (layout == .wide ? room.right : Room.rightMin)
        legend = Legend(
            chart, keys: self.keys == nil ? keys : nil, left: 8, right: layout.width - 8,
            top: titleHeight)
        strip = Strip(chart, from: left, to: right)
    }

    /// The upper and the lower edge of the plot.
    var top: Double { titleHeight + legend.height + Drawing.axisTitleHeight + strip.height }
    var bottom: Double { top + chart.height * (layout == .wide ? 1 : 0.8) }
    var height: Double { bottom + (chart.emptiness == nil ? Drawing.bottomHeight : 12) }

    func svg(at top: Double? = nil, background: String = "") -> String {
        layout.frame(
            chart.name, title: chart.title, summary: chart.summary, height: height, at: top,
            background + title + content)
    }

    private var content: String {
        guard chart.emptiness == nil else { return frame }
        return legend.markup + bands + frame + strip.markup(above: self.top) + heat + gap
            + chart.series.map(markup).joined() + rules
            + (keys?.markup(from: top, to: bottom, right: right) ?? "")
    }

    /// Where a value of the x-axis is; nil when it has no place.
    func x(_ value: Double) -> Double? {
        chart.x.scale.position(value).map { left + $0 * (right - left) }
    }

    /// Where a value of the y-axis is; nil when it has no place.
    func y(_ value: Double) -> Double? {
        chart.y.scale.position(value).map { bottom - $0 * (bottom - top) }
    }

    /// A path through points; it begins anew behind one that has no place.
    func path(_ points: [Chart.Point]) -> String {
        var (text, isDown) = ("", false)
        for point in points {
            guard let x = x(point.x), let y = y(point.y) else {
                isDown = false
                continue
            }
            text += (isDown ? "L" : "M") + Markup.number(x) + " " + Markup.number(y)
            isDown = true
        }
        return text
    }
}

/// The pieces that every picture is made of.
extension Drawing {
    static func text(
        _ words: String, x: Double, y: Double, class name: String = "", anchor: String = "start"
    ) -> String {
        guard !words.isEmpty else { return "" }
        let look = name.isEmpty ? "" : " class=\"\(name)\""
        let side = anchor == "start" ? "" : " text-anchor=\"\(anchor)\""
        let place = "x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\""
        return "<text \(place)\(look)\(side)>\(Markup.escape(words))</text>"
    }

    /// The title of a picture that is a file of its own, whose letters are larger.
    static func title(_ words: String) -> String {
        text(cut(words, 0.75 * Layout.wide.width), x: 8, y: 17, class: "title")
    }

    static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String
    ) -> String {
        let path =
            "M\(Markup.number(x1)) \(Markup.number(y1))L"
            + "\(Markup.number(x2)) \(Markup.number(y2))"
        return Markup.element("path", ["d": path, "class": name])
    }

    static func rectangle(
        x: Double, y: Double, width: Double, height: Double, class name: String
    ) -> String {
        Markup.element(
            "rect",
            [
                "x": Markup.number(x), "y": Markup.number(y), "width": Markup.number(width),
                "height": Markup.number(height), "class": name,
            ])
    }

    /// About how wide a text of 12 pixels is; the font itself is not known here.
    static func width(of text: String) -> Double {
        text.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 6.8 : 13) }
    }

    /// The text, or its beginning where it is wider than there is room.
    static func cut(_ text: String, _ room: Double) -> String {
        guard Drawing.width(of: text) > room else { return text }
        var (kept, width) = ("", Drawing.width(of: "…"))
        for character in text {
            width += Drawing.width(of: String(character))
            if width > room { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// The labels of an axis below a plot, and where they stand: one that would touch a label that
    /// is there already is left out. What is `first` has its label in any case.
    static func labels(
        _ scale: Scale, first: Double? = nil, at place: (Double) -> Double?
    ) -> [(x: Double, label: String)] {
        let ticks = scale.ticks.filter { !$0.label.isEmpty }
        var taken: [(x: Double, label: String)] = []
        for tick in ticks.filter({ $0.value == first }) + ticks {
            guard let x = place(tick.value) else { continue }
            let half = Drawing.width(of: tick.label) / 2
            let isFree = taken.allSatisfy {
                ($0.x - x).magnitude >= half + Drawing.width(of: $0.label) / 2 + 6
            }
            if isFree { taken.append((x, tick.label)) }
        }
        return taken
    }
}
