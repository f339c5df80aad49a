/// Colours that stay apart for the colour-blind, in light and in dark (Okabe and Ito, 2008).
package enum Palette {
    /// Blue, vermilion, green, purple, orange, sky blue, in the order in which series take them.
    package static let series = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
}
