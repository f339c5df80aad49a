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
