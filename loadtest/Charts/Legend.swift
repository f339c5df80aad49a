/// What the shades of a picture are, and the names of its lines where they do not stand beside it;
/// in as many rows as they need.
struct Legend {
    private struct Entry {
        let markup: String
        let width: Double
    }

    private static let rowHeight = 18.0
    /// Longer names, such as paths, keep their beginning and their end.
    private static let lettersMax = 44

    private(set) var markup = ""
    private(set) var height = 0.0

    init(_ chart: Chart, keys: Keys?, left: Double, right: Double, top: Double) {
        guard chart.emptiness == nil else { return }
        let entries =
            (keys?.keys ?? []).map(Legend.entry) + (chart.gap.map { [Legend.entry($0)] } ?? [])
            + (chart.heat.map { [Legend.entry($0)] } ?? [])
        var x = left
        for entry in entries {
            if x > left, x + entry.width > right {
                x = left
                height += Legend.rowHeight
            }
            let place = "translate(\(Markup.number(x)) \(Markup.number(top + height)))"
            markup += Markup.element("g", ["transform": place], entry.markup)
            x += entry.width + 16
        }
        if !entries.isEmpty { height += Legend.rowHeight }
    }

    private static func entry(_ key: Keys.Key) -> Entry {
        let line = Markup.element(
            "path", ["d": "M0 8h30", "class": key.look, "stroke-dasharray": key.dash])
        return entry(sample: line, width: 36, words: key.words)
    }

    private static func entry(_ gap: Chart.Gap) -> Entry {
        let patch = Drawing.rectangle(x: 0, y: 2, width: 30, height: 11, class: "gap")
        return entry(sample: patch, width: 36, words: gap.label)
    }

    private static func entry(_ heat: Heat) -> Entry {
        let patches = Palette.heat.indices.map {
            Drawing.rectangle(
                x: Double($0) * 16, y: 2, width: 16, height: 11, class: "h\($0)")
        }
        let most = Decimals(digits: Int(heat.largest.rounded()), exponent: 0).text
        let words = heat.largest > 1 ? "1 to \(most) \(heat.noun), log" : "1 of the \(heat.noun)"
        return entry(sample: patches.joined(), width: 102, words: words)
    }

    private static func entry(sample: String, width: Double, words: String) -> Entry {
        var words = words
        if words.count > lettersMax {
            words = words.prefix(lettersMax / 2) + "…" + words.suffix(lettersMax / 2)
        }
        return Entry(
            markup: sample + Drawing.text(words, x: width, y: 12),
            width: width + Drawing.width(of: words))
    }
}
