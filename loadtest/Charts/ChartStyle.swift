/// The colours and fonts of pictures, as CSS: light, dark where the reader's system is, and light
/// again on paper.
package enum ChartStyle {
    package static let css = """
        :root{--ink:#1c1e21;--dim:#5a6068;--grid:#e4e7ea;--frame:#9aa0a8;--paper:#ffffff;
        --band:#0000000d;--gap:#d55e0026;\(variables("c", Palette.series));\
        \(variables("h", Palette.heat))}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--dim:#a4abb4;
        --grid:#2e3338;--frame:#6b727b;--paper:#15181b;--band:#ffffff12;--gap:#e69f0033;
        \(variables("c", Palette.onDark));\(variables("h", Palette.heatOnDark))}}
        .chart{font:12px system-ui,sans-serif;print-color-adjust:exact;
        -webkit-print-color-adjust:exact}
        .chart text{fill:var(--ink)}.chart .dim{fill:var(--dim)}
        .chart .title{font-size:15px;font-weight:600}
        .chart .halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
        .grid,.frame,.rule,.line,.heat,.casing{fill:none}
        .grid{stroke:var(--grid)}.frame{stroke:var(--frame)}
        .rule{stroke:var(--ink);stroke-dasharray:1 3}.line{stroke-width:2;stroke-linejoin:round}
        .line.ink{stroke:var(--ink);stroke-width:1.5}.full.ink{fill:var(--ink)}
        .band{fill:var(--band)}.gap,.alarm{fill:var(--gap)}
        .weak{stroke:var(--dim);stroke-width:1.2}.bound{stroke-dasharray:1 4;stroke-width:4}
        .heat{shape-rendering:crispEdges}.area{stroke:none}.under{stroke:none;fill-opacity:.14}
        .casing{stroke:var(--paper);stroke-opacity:.75;stroke-width:4}
        .hollow{fill:var(--paper);stroke-width:1.5}
        .whisker{fill:none;stroke-width:2.5}
        .dots{fill:none;stroke-width:4;stroke-linecap:round;stroke-opacity:.3}
        \(rules)
        """

    static let element = Markup.element("style", [:], css)
    /// What a file of its own is drawn on; a page has a ground already.
    static let background = Markup.element(
        "rect", ["width": "100%", "height": "100%", "style": "fill:var(--paper)"])

    private static func variables(_ name: String, _ colors: [String]) -> String {
        colors.enumerated().map { "--\(name)\($0.offset):\($0.element)" }.joined(separator: ";")
    }

    private static var rules: String {
        let series = Palette.series.indices.map {
            ".line.c\($0),.hollow.c\($0),.dots.c\($0),.whisker.c\($0){stroke:var(--c\($0))}"
                + ".under.c\($0),.area.c\($0),.full.c\($0),.swatch.c\($0){fill:var(--c\($0));"
                + "background:var(--c\($0))}"
        }
        let heat = Palette.heat.indices.map {
            ".heat.s\($0){stroke:var(--h\($0))}.h\($0){fill:var(--h\($0))}"
        }
        return (series + heat).joined(separator: "\n")
    }
}

/// What tells the series of a picture apart: a colour and a dash pattern each, so that neither
/// paper nor an eye without a sense of colour loses one.
///
/// The colours stay apart for the colour-blind (Okabe and Ito, 2008). Five patterns and six colours
/// have no common factor: the first thirty series all look different.
package enum Palette {
    /// Blue, vermilion, green, purple, orange, sky blue, in the order in which series take them.
    package static let series = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
    /// The same, with the pale ones first, which a dark ground needs.
    package static let onDark = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2"]
    /// Lengths of ink and gap, as `stroke-dasharray` has them; the first is a whole line.
    package static let dashes = ["", "7 3", "2 3", "9 3 2 3", "14 4"]
    /// Shades of a heat map from few to many, on a light ground and on a dark one.
    package static let heat = ["#d6e6f4", "#abcfe6", "#6baed6", "#3787c0", "#105ba4", "#08306b"]
    package static let heatOnDark = [
        "#0f2a4a", "#154a7d", "#2171b5", "#4f9bd0", "#93c6e6", "#e3f0fa",
    ]

    static func color(of series: Int) -> Int { series % Palette.series.count }
    static func dash(of series: Int) -> String { dashes[series % dashes.count] }
}
