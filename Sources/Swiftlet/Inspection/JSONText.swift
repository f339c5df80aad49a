/// A document of JSON (RFC 8259) that is to be written. It needs no library: what is written here
/// is written by us.
enum JSONText {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONText])
    /// Members in the order in which they are written; those that are nil are left out.
    case object([(String, JSONText?)])

    /// The document on one line, in ASCII but for what texts have themselves.
    var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        // There is no word for what is not a number.
        case .number(let value): text += value.isFinite ? plainNumber(value) : "null"
        case .string(let value): JSONText.write(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            var isFirst = true
            for case (let name, let value?) in members {
                if !isFirst { text += "," }
                isFirst = false
                JSONText.write(name, to: &text)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    /// Writes a string with what must be escaped in it: quotes, reverse solidi, control characters.
    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSONText {
    /// A number, or nothing where there is none.
    static func number(_ value: Int?) -> JSONText? { value.map { .number(Double($0)) } }
    /// A string, or nothing where there is none.
    static func string(_ value: String?) -> JSONText? { value.map(JSONText.string) }
    /// A duration in seconds, or nothing where there is none.
    static func seconds(_ value: Duration?) -> JSONText? {
        value.map { .number($0 / .seconds(1)) }
    }
}
