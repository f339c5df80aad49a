/// A JSON document (RFC 8259) that keeps the order of its members.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case integer(Int)
    case text(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// The number, or null where there is none.
    package static func optional(_ value: Double?) -> JSONValue {
        value.map(JSONValue.number) ?? .null
    }

    /// The document over several lines, indented by two spaces, without a line feed at its end.
    package var serialized: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    /// Doubles hold whole numbers exactly up to here; a larger one is written as a string, for
    /// readers that have only doubles.
    private static let wholeMax = 1 << 53

    private func write(to text: inout String, indent: String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        // JSON has neither infinity nor NaN.
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .integer(let value):
            text += value.magnitude > JSONValue.wholeMax ? "\"\(value)\"" : "\(value)"
        case .text(let value): JSONValue.write(value, to: &text)
        case .array(let values) where isFlat:
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += ", " }
                value.write(to: &text, indent: indent)
            }
            text += "]"
        case .array(let values):
            JSONValue.write(values, "[", "]", to: &text, indent) { value, text, inner in
                value.write(to: &text, indent: inner)
            }
        case .object(let members):
            JSONValue.write(members, "{", "}", to: &text, indent) { member, text, inner in
                JSONValue.write(member.0, to: &text)
                text += ": "
                member.1.write(to: &text, indent: inner)
            }
        }
    }

    /// Whether it is a number, or an array of what is flat: those stand on one line.
    private var isFlat: Bool {
        switch self {
        case .number, .integer: true
        case .array(let values): !values.isEmpty && values.allSatisfy(\.isFlat)
        default: false
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        _ open: String,
        _ close: String,
        to text: inout String,
        _ indent: String,
        _ writeElement: (Element, inout String, String) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            text += (index > 0 ? "," : "") + "\n" + indent + "  "
            writeElement(element, &text, indent + "  ")
        }
        text += (elements.isEmpty ? "" : "\n" + indent) + close
    }

    /// A string in quotes; what JSON does not allow in one is escaped.
    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
