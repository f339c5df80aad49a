/// Writes XML, of which the HTML of a page is a part.
///
/// Whatever comes from outside goes through `escape`: in a label, `<script>` is five letters.
package enum Markup {
    /// Text for between tags and for quoted attributes. What XML 1.0 does not allow at all, such as
    /// the escape that starts a terminal's colours, becomes U+FFFD.
    package static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: escaped += "\u{FFFD}"
            case "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// An element; `content` is markup already, the attributes' values are not.
    package static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: String = ""
    ) -> String {
        let list = attributes.map { " \($0.key)=\"\(escape($0.value))\"" }.joined()
        return content.isEmpty ? "<\(name)\(list)/>" : "<\(name)\(list)>\(content)</\(name)>"
    }

    /// A patch of the colour that a series of so high a number has.
    package static func swatch(of number: Int) -> String {
        element("i", ["class": "swatch c\(Palette.color(of: number))"], " ")
    }

    /// A coordinate: to a tenth, without an exponent, and never anything but a number.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        let text = (tenths < 0 ? "-" : "") + "\(tenths.magnitude / 10)"
        return tenths % 10 == 0 ? text : text + ".\(tenths.magnitude % 10)"
    }
}
