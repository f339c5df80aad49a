/// Colour as sugar: every word reads the same without it.
package struct Style: Sendable {
    package let isColored: Bool

    package init(isColored: Bool) { self.isColored = isColored }

    /// No colour at all.
    package static let plain = Style(isColored: false)

    /// When colour is used.
    package enum Choice: String, CaseIterable, Sendable {
        case auto, always, never

        /// "auto" wants a terminal that is not a dumb one, and obeys NO_COLOR (no-color.org).
        package func style(isTerminal: Bool, environment: (String) -> String?) -> Style {
            switch self {
            case .always: return Style(isColored: true)
            case .never: return .plain
            case .auto:
                let refuses = environment("NO_COLOR").map { !$0.isEmpty } ?? false
                let isDumb = environment("TERM") == "dumb"
                return Style(isColored: isTerminal && !refuses && !isDumb)
            }
        }
    }

    package func bold(_ text: String) -> String { wrap(text, "1") }
    package func dim(_ text: String) -> String { wrap(text, "2") }
    package func bad(_ text: String) -> String { wrap(text, "31") }
    package func good(_ text: String) -> String { wrap(text, "32") }
    package func warning(_ text: String) -> String { wrap(text, "33") }

    private func wrap(_ text: String, _ code: String) -> String {
        isColored && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
