/// What a plot shows: heat, the gap between two lines, the lines of the series and their dots.
extension Drawing {
    /// One path for each shade, in a coordinate system of cells: a row of equal shades is a stroke.
    var heat: String {
        let most = layout == .wide ? 256 : 96
        guard let heat = chart.heat?.folded(to: most), !heat.cells.isEmpty,
            let left = x(heat.xRange.lowerBound), let right = x(heat.xRange.upperBound),
            let low = y(heat.yRange.lowerBound), let high = y(heat.yRange.upperBound)
        else { return "" }
        var paths = Array(repeating: "", count: Palette.heat.count)
        var index = 0
        while index < heat.cells.count {
            let first = heat.cells[index]
            let shade = heat.shade(of: first.count)
            var end = index + 1
            while end < heat.cells.count, heat.cells[end].row == first.row,
                heat.cells[end].column == first.column + end - index,
                heat.shade(of: heat.cells[end].count) == shade
            { end += 1 }
            let column = first.column * heat.span
            let width = min((end - index) * heat.span, heat.columns - column)
            paths[shade] += "M\(column) \(first.row)h\(width)"
            index = end
        }
        let (width, height) = (right - left, high - low)
        let place =
            "translate(\(Markup.number(left)) \(Markup.number(low))) "
            + "scale(\(factor(width, heat.columns)) \(factor(height, heat.rows))) "
            + "translate(0 .5)"
        let marks = paths.indices.filter { !paths[$0].isEmpty }.map {
            Markup.element("path", ["d": paths[$0], "class": "heat s\($0)"])
        }
        return Markup.element("g", ["transform": place], marks.joined())
    }

    /// A length over a number of cells, to a millionth of a pixel.
    private func factor(_ length: Double, _ cells: Int) -> String {
        let millionths = (length / Double(max(1, cells)) * 1e6).rounded()
        return Decimals(digits: Int(millionths), exponent: -6).text
    }

    var gap: String {
        guard let gap = chart.gap else { return "" }
        let outline = path(gap.upper + gap.lower.reversed())
        return outline.isEmpty
            ? "" : Markup.element("path", ["d": outline + "Z", "class": "gap"])
    }

    func markup(of series: Series) -> String {
        let (color, dash) = (series.color, series.pattern)
        var markup = ""
        for stroke in series.strokes {
            let line = path(stroke.points)
            guard !line.isEmpty else { continue }
            switch stroke.look {
            case .plain:
                if series.fill != .none {
                    let under = path(lower(stroke.points)) + "Z"
                    let look = series.fill == .full ? "area" : "under"
                    markup += Markup.element("path", ["d": under, "class": "\(look) \(color)"])
                }
                // On heat, a line needs a casing to be seen.
                if chart.heat != nil {
                    markup += Markup.element("path", ["d": line, "class": "casing"])
                }
                markup += Markup.element(
                    "path", ["d": line, "class": "line \(color)", "stroke-dasharray": dash])
            case .weak:
                markup += Markup.element(
                    "path", ["d": line, "class": "line weak", "stroke-dasharray": dash])
            case .lowerBound:
                markup += Markup.element("path", ["d": line, "class": "line bound \(color)"])
            }
        }
        if let last = series.strokes.last, last.look == .lowerBound {
            markup += arrow(from: last.points, color)
        }
        return markup + series.dots.map { dot($0, of: series) }.joined()
    }

    /// The points, and the way back along the bottom of the plot.
    private func lower(_ points: [Chart.Point]) -> [Chart.Point] {
        guard let first = points.first, let last = points.last,
            let base = chart.y.scale.ticks.first?.value
        else { return points }
        return points + [Chart.Point(last.x, base), Chart.Point(first.x, base)]
    }

    /// An arrow that points upwards from the last of the points that are only lower bounds.
    private func arrow(from points: [Chart.Point], _ color: String) -> String {
        guard let last = points.last, let x = x(last.x), let y = y(last.y) else { return "" }
        let (foot, head) = (Markup.number(y), Markup.number(max(top, y - 26)))
        let place = Markup.number(x - 6)
        let path = "M\(place) \(foot)V\(head)m-5 8l5 -8l5 8"
        return Markup.element("path", ["d": path, "class": "line \(color)"])
            + Drawing.text("≥", x: x - 14, y: max(top + 12, y - 12), class: "halo", anchor: "end")
    }

    private func dot(_ dot: Series.Dot, of series: Series) -> String {
        guard let x = x(dot.point.x), let y = y(dot.point.y) else { return "" }
        return Marks.mark(
            series.dash, x: x, y: y, class: "\(dot.isHollow ? "hollow" : "full") \(series.color)",
            words: layout == .wide ? dot.words : "")
    }
}

/// The shapes of points that are marked.
enum Marks {
    /// A circle, square, triangle or diamond, by a number.
    static func mark(_ number: Int, x: Double, y: Double, class name: String, words: String)
        -> String
    {
        let shapes = [
            "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0", "m-4.5 -4.5h9v9h-9z", "m0 -6l6 10h-12z",
            "m0 -6l6 6l-6 6l-6 -6z",
        ]
        let path = "M\(Markup.number(x)) \(Markup.number(y))" + shapes[number % shapes.count]
        let title = words.isEmpty ? "" : Markup.element("title", [:], Markup.escape(words))
        return Markup.element("path", ["d": path, "class": name], title)
    }
}
