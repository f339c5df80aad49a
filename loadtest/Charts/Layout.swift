/// For which width a picture is drawn: it scales to any, but its letters scale with it.
enum Layout: String, CaseIterable {
    /// A window, a sheet of paper, a slide.
    case wide
    /// A telephone.
    case narrow

    /// In pixels, of which a letter has twelve.
    var width: Double { self == .wide ? 800 : 380 }

    /// A picture drawn for each; the style of a page shows one of them.
    static func both(_ draw: (Layout) -> String) -> String { allCases.map(draw).joined() }

    /// The `svg` element of a picture, with what a screen reader says of it. `top` is its place in
    /// a file of several.
    func frame(
        _ name: String, title: String, summary: String, height: Double, at top: Double? = nil,
        _ content: String
    ) -> String {
        let (width, height) = (Markup.number(width), Markup.number(height))
        let name = self == .wide ? name : name + "-narrow"
        let place =
            top.map { " y=\"\(Markup.number($0))\" width=\"\(width)\" height=\"\(height)\"" } ?? ""
        let label = Markup.escape(name)
        let words =
            Markup.element("title", ["id": "\(name)-title"], Markup.escape(title))
            + Markup.element("desc", ["id": "\(name)-desc"], Markup.escape(summary))
        return
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\"\(place) "
            + "class=\"chart \(rawValue)\" role=\"img\" "
            + "aria-labelledby=\"\(label)-title \(label)-desc\">" + words + content + "</svg>"
    }
}
