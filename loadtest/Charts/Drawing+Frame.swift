/// The frame of a plot: its grid, the ticks and titles of its axes, and the words of an empty one.
extension Drawing {
    var frame: String {
        let box = Drawing.rectangle(
            x: left, y: top, width: right - left, height: bottom - top, class: "frame")
        if let words = chart.emptiness {
            return box
                + Drawing.text(
                    words, x: (left + right) / 2, y: (top + bottom) / 2 + 4, class: "dim",
                    anchor: "middle")
        }
        return xTicks + yTicks + box + axisTitles
    }

    private var xTicks: String {
        let lines = chart.x.scale.ticks.compactMap { tick in
            x(tick.value).map { Drawing.line($0, top, $0, bottom, class: "grid") }
        }
        let labels = Drawing.labels(chart.x.scale, at: x).map {
            Drawing.text($0.label, x: $0.x, y: bottom + 16, anchor: "middle")
        }
        return (lines + labels).joined()
    }

    private var yTicks: String {
        var (markup, free) = ("", Double.infinity)
        for tick in chart.y.scale.ticks {
            guard let y = y(tick.value) else { continue }
            markup += Drawing.line(left, y, right, y, class: "grid")
            guard !tick.label.isEmpty, y < free else { continue }
            markup += Drawing.text(tick.label, x: left - 6, y: y + 4, anchor: "end")
            free = y - 14
        }
        return markup
    }

    private var axisTitles: String {
        let y = top - strip.height - 9
        return Drawing.text(chart.y.title, x: 8, y: y, class: "dim")
            + Drawing.text(chart.x.title, x: right, y: bottom + 35, class: "dim", anchor: "end")
    }

    /// The shaded stretches; their names stand in the strip above.
    var bands: String {
        chart.bands.map { band in
            guard band.to > band.from, let from = x(band.from), let to = x(band.to), to > from
            else { return "" }
            return Drawing.rectangle(
                x: from, y: top, width: to - from, height: bottom - top,
                class: band.isAlarm ? "alarm" : "band")
        }.joined()
    }

    /// Lines across the plot; their names stand beside or above it.
    var rules: String {
        chart.rules.map { rule in
            switch rule.direction {
            case .atY:
                y(rule.value).map { Drawing.line(left, $0, right, $0, class: "rule") } ?? ""
            case .atX:
                x(rule.value).map { Drawing.line($0, top, $0, bottom, class: "rule") } ?? ""
            }
        }.joined()
    }
}
