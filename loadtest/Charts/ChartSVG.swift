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
