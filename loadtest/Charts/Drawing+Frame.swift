/// The frame of a plot: its grid, the ticks and titles of its axes, and the words of an empty one.
extension Drawing {
    var frame: String {
        let box = Drawing.rectangle(
            x: Drawing.left, y: top, width: Drawing.right - Drawing.left, height: bottom - top,
            class: "frame")
        if let words = chart.emptiness {
            let middle = (Drawing.left + Drawing.right) / 2
            return box
                + Drawing.text(
                    words, x: middle, y: (top + bottom) / 2 + 4, class: "dim", anchor: "middle")
        }
        return xTicks + yTicks + box + axisTitles
    }

    private var xTicks: String {
        // A label that would touch the one before it is left out; its line stays.
        var (markup, free) = ("", -Double.infinity)
        for tick in chart.x.scale.ticks {
            guard let x = x(tick.value) else { continue }
            markup += Drawing.line(x, top, x, bottom, class: "grid")
            let half = Drawing.width(of: tick.label) / 2
            guard !tick.label.isEmpty, x - half > free else { continue }
            markup += Drawing.text(tick.label, x: x, y: bottom + 16, anchor: "middle")
            free = x + half + 4
        }
        return markup
    }

    private var yTicks: String {
        var (markup, free) = ("", Double.infinity)
        for tick in chart.y.scale.ticks {
            guard let y = y(tick.value) else { continue }
            markup += Drawing.line(Drawing.left, y, Drawing.right, y, class: "grid")
            guard !tick.label.isEmpty, y < free else { continue }
            markup += Drawing.text(tick.label, x: Drawing.left - 6, y: y + 4, anchor: "end")
            free = y - 14
        }
        return markup
    }

    private var axisTitles: String {
        Drawing.text(chart.y.title, x: 8, y: top - 10, class: "dim")
            + Drawing.text(
                chart.x.title, x: Drawing.right, y: bottom + 35, class: "dim", anchor: "end")
    }

    /// The shaded stretches, with their names where there is room.
    var bands: String {
        chart.bands.map { band in
            guard band.to > band.from, let from = x(band.from), let to = x(band.to), to > from
            else { return "" }
            let hasRoom = Drawing.width(of: band.label) + 8 < to - from
            return Drawing.rectangle(
                x: from, y: top, width: to - from, height: bottom - top, class: "band")
                + (hasRoom ? Drawing.text(band.label, x: from + 4, y: top + 14, class: "dim") : "")
        }.joined()
    }

    /// Lines across the plot; a name stands beside its line, inside the plot.
    var rules: String {
        // Names of upright lines take turns in height, so that neighbours do not overlap.
        var turn = 0.0
        return chart.rules.map { rule in
            switch rule.direction {
            case .atY:
                guard let y = y(rule.value) else { return "" }
                return Drawing.line(Drawing.left, y, Drawing.right, y, class: "rule")
                    + Drawing.text(
                        rule.label, x: Drawing.right - 4, y: y < top + 18 ? y + 14 : y - 4,
                        class: "halo", anchor: "end")
            case .atX:
                guard let x = x(rule.value) else { return "" }
                turn = turn.truncatingRemainder(dividingBy: 3) + 1
                let isLate = x + Drawing.width(of: rule.label) + 8 > Drawing.right
                return Drawing.line(x, top, x, bottom, class: "rule")
                    + Drawing.text(
                        rule.label, x: isLate ? x - 4 : x + 4, y: top + 14 * turn, class: "halo",
                        anchor: isLate ? "end" : "start")
            }
        }.joined()
    }
}
