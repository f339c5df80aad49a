/// A picture as a value: axes, what stands behind, and the series before it.
///
///     title
///     -- series 0   - - series 1
///     y-axis
///      |  band |        gap between two lines, rules, heat, and then the series
///      +-------+------------------------------------------------
///                                                         x-axis
///
/// It is drawn by `Chart.svg`. It knows nothing of runs: only points, words and units.
package struct Chart: Sendable {
    /// Lower-case letters, digits and dashes; it names the file and the element.
    package var name: String
    package var title: String
    /// What is to be seen, in words: what a screen reader says.
    package var summary: String
    package var x: Axis
    package var y: Axis
    /// The height of the plot, of 800 in width.
    package var height = 240.0
    package var bands: [Band] = []
    package var heat: Heat?
    package var gap: Gap?
    package var rules: [Rule] = []
    package var series: [Series] = []
    /// Why there is nothing to draw; the words take the place of axes and series.
    package var emptiness: String?

    package init(name: String, title: String, summary: String, x: Axis, y: Axis) {
        self.name = name
        self.title = title
        self.summary = summary
        self.x = x
        self.y = y
    }

    /// A picture of nothing, which says so.
    package init(name: String, title: String, emptiness: String) {
        let nothing = Axis("", .linear(from: 0, to: 1, of: .plain))
        self.init(name: name, title: title, summary: emptiness, x: nothing, y: nothing)
        self.emptiness = emptiness
        height = 60
    }

    package struct Axis: Sendable {
        /// What it measures, and in which unit, where the ticks do not say.
        package var title: String
        package var scale: Scale
        package init(_ title: String, _ scale: Scale) {
            self.title = title
            self.scale = scale
        }
    }

    /// In the units of the axes; one that is not finite, or has no place there, is left out.
    package struct Point: Sendable, Equatable {
        package var x: Double
        package var y: Double
        package init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// A stretch of the x-axis that is shaded.
    package struct Band: Sendable {
        package var from: Double
        package var to: Double
        package var label: String
        package init(from: Double, to: Double, label: String) {
            self.from = from
            self.to = to
            self.label = label
        }
    }

    /// The room between two lines, shaded.
    package struct Gap: Sendable {
        package var upper: [Point]
        package var lower: [Point]
        package var label: String
        package init(upper: [Point], lower: [Point], label: String) {
            self.upper = upper
            self.lower = lower
            self.label = label
        }
    }

    /// A thin line across the plot at a value of one axis.
    package struct Rule: Sendable {
        package enum Direction: Sendable { case atX, atY }
        package var direction: Direction
        package var value: Double
        package var label: String
        package init(_ direction: Direction, _ value: Double, label: String) {
            self.direction = direction
            self.value = value
            self.label = label
        }
    }
}

/// Pictures as SVG 1.1 text: inside a page, as a file, or several in one file.
extension Chart {
    /// The picture without its colours, for a page that has `ChartStyle.css`.
    package var svg: String { svg(at: nil, css: nil) }

    /// The picture as a file of its own.
    package var file: String { svg(at: nil, css: ChartStyle.css) + "\n" }

    /// Several pictures in one file, one below the other.
    package static func file(of charts: [Chart]) -> String {
        var (top, content) = (0.0, ChartStyle.element + ChartStyle.background)
        for chart in charts {
            content += chart.svg(at: top, css: nil) + "\n"
            top += Drawing(chart).height + 16
        }
        let size = "\(Markup.number(Drawing.width)) \(Markup.number(max(1, top)))"
        return Markup.element(
            "svg", ["xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(size)"], content)
            + "\n"
    }

    private func svg(at top: Double?, css: String?) -> String {
        let drawing = Drawing(self)
        let height = Markup.number(drawing.height)
        let place =
            top.map { " y=\"\(Markup.number($0))\" width=\"800\" height=\"\(height)\"" } ?? ""
        let label = Markup.escape(name)
        let open =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 \(height)\"\(place) "
            + "class=\"chart\" role=\"img\" aria-labelledby=\"\(label)-title \(label)-desc\">"
        let words =
            Markup.element("title", ["id": "\(name)-title"], Markup.escape(title))
            + Markup.element("desc", ["id": "\(name)-desc"], Markup.escape(summary))
        let background = css == nil ? "" : ChartStyle.element + ChartStyle.background
        return open + words + background + drawing.markup + "</svg>"
    }
}

extension Drawing {
    var markup: String {
        let title = Drawing.text(chart.title, x: 8, y: 17, class: "title")
        guard chart.emptiness == nil else { return title + frame }
        return title + legend.markup + bands + frame + heat + gap
            + chart.series.map(markup).joined() + rules
    }
}
