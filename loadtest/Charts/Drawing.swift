/// A chart laid out on the page: where its plot is, and where a point of it is.
///
/// The unit is a pixel of a picture that is 800 wide; the picture scales to any size.
struct Drawing {
    let chart: Chart
    let legend: Legend

    static let width = 800.0
    static let left = 84.0
    static let right = width - 32
    private static let titleHeight = 26.0
    private static let axisTitleHeight = 24.0
    private static let bottomHeight = 42.0

    init(_ chart: Chart) {
        self.chart = chart
        legend = Legend(chart, top: Drawing.titleHeight)
    }

    /// The upper and the lower edge of the plot.
    var top: Double { Drawing.titleHeight + legend.height + Drawing.axisTitleHeight }
    var bottom: Double { top + chart.height }
    var height: Double { bottom + (chart.emptiness == nil ? Drawing.bottomHeight : 12) }

    /// Where a value of the x-axis is; nil when it has no place.
    func x(_ value: Double) -> Double? {
        chart.x.scale.position(value).map { Drawing.left + $0 * (Drawing.right - Drawing.left) }
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

    static func text(
        _ words: String, x: Double, y: Double, class name: String = "", anchor: String = "start"
    ) -> String {
        guard !words.isEmpty else { return "" }
        let look = name.isEmpty ? "" : " class=\"\(name)\""
        let side = anchor == "start" ? "" : " text-anchor=\"\(anchor)\""
        let place = "x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\""
        return "<text \(place)\(look)\(side)>\(Markup.escape(words))</text>"
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
}
