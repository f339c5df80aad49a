import Swiftlet

/// What stands before the bytes of a message: a JSON object that is flat.
///
/// Its values are texts, whole numbers and truth values. JSON, because a C struct on the wire is
/// what one machine has in memory: another one has other sizes, gaps and byte order, and a field
/// more is a new protocol. Flat, because then no sender decides how deep the parser goes.
struct Header: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    enum Value: Equatable, Sendable {
        case text(String)
        case number(Int)
        case flag(Bool)
    }

    private var fields: [String: Value]

    init(dictionaryLiteral elements: (String, Value)...) {
        fields = Dictionary(elements) { _, last in last }
    }

    subscript(name: String) -> Value? {
        get { fields[name] }
        set { fields[name] = newValue }
    }

    /// A field that must be there.
    func text(_ name: String) throws(Failure) -> String {
        guard case .text(let text) = fields[name] else {
            throw Failure(.data, "the header has no text '\(name)'")
        }
        return text
    }

    /// A field that must be there; a size that is below zero is none.
    func number(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(Failure) -> Int {
        guard case .number(let number) = fields[name], range.contains(number) else {
            throw Failure(.data, "the header has no number '\(name)', or one that is out of range")
        }
        return number
    }

    /// The object in UTF-8; the same fields are the same bytes.
    var bytes: [UInt8] {
        let pairs = fields.sorted { $0.key < $1.key }.map { name, value in
            switch value {
            case .text(let text): "\(quoted(name)):\(quoted(text))"
            case .number(let number): "\(quoted(name)):\(number)"
            case .flag(let flag): "\(quoted(name)):\(flag)"
            }
        }
        return Array("{\(pairs.joined(separator: ","))}".utf8)
    }
}

extension Header.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .number(value) }
}

private func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"", "\\": "\\\(scalar)"
        case "\0"..." ":
            scalar == " "
                ? " "
                : "\\u00" + (scalar.value < 16 ? "0" : "")
                    + String(scalar.value, radix: 16)
        default: String(scalar)
        }
    }
    return "\"\(scalars.joined())\""
}

// MARK: Reading

extension Header {
    /// Reads an object. Whatever is not exactly one is refused: two programs that guess guess
    /// differently, and a name that stands twice means one thing here and another thing there.
    init(_ bytes: [UInt8]) throws(BrokenFrame) {
        self = [:]
        var rest = HeaderText(bytes)
        try rest.take("{")
        if !rest.skip("}") {
            repeat {
                let name = try rest.string()
                try rest.take(":")
                let value = try rest.value()
                guard fields.updateValue(value, forKey: name) == nil else {
                    throw BrokenFrame("the header has '\(name)' twice")
                }
            } while rest.skip(",")
            try rest.take("}")
        }
        guard rest.isAtEnd else { throw BrokenFrame("something stands behind the header") }
    }
}

/// What is left of a header that is being read.
private struct HeaderText {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.allSatisfy(HeaderText.isSpace) }

    private static func isSpace(_ byte: UInt8) -> Bool { [9, 10, 13, 32].contains(byte) }

    mutating func skip(_ sign: Unicode.Scalar) -> Bool {
        rest = rest.drop(while: HeaderText.isSpace)
        guard rest.first == UInt8(ascii: sign) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func take(_ sign: Unicode.Scalar) throws(BrokenFrame) {
        if !skip(sign) { throw BrokenFrame("the header lacks a '\(sign)'") }
    }

    mutating func value() throws(BrokenFrame) -> Header.Value {
        rest = rest.drop(while: HeaderText.isSpace)
        if rest.first == UInt8(ascii: "\"") { return .text(try string()) }
        let word = rest.prefix { !HeaderText.isSpace($0) && $0 != 0x2C && $0 != 0x7D }
        rest = rest.dropFirst(word.count)
        switch String(decoding: word, as: UTF8.self) {
        case "true": return .flag(true)
        case "false": return .flag(false)
        case let text:
            // `Int` would also take "+1" and "007".
            guard let number = Int(text), "\(number)" == text else {
                throw BrokenFrame("a value of the header is no text, whole number or truth value")
            }
            return .number(number)
        }
    }

    mutating func string() throws(BrokenFrame) -> String {
        try take("\"")
        var text: [UInt8] = []
        while let byte = rest.popFirst(), byte >= 0x20 {
            switch byte {
            case UInt8(ascii: "\""):
                if let text = String(validating: text, as: UTF8.self) { return text }
                throw BrokenFrame("the header is not UTF-8")
            case UInt8(ascii: "\\"): text += try escaped()
            default: text.append(byte)
            }
        }
        throw BrokenFrame("a text of the header does not end")
    }

    /// What an escape stands for, in UTF-8.
    private mutating func escaped() throws(BrokenFrame) -> [UInt8] {
        let sign = rest.popFirst().map { Unicode.Scalar($0) } ?? " "
        let plain: [Unicode.Scalar: UInt8] = [
            "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        if let byte = plain[sign] { return [byte] }
        guard sign == "u" else { throw BrokenFrame("the header has a wrong escape") }
        var units = [try unit()]
        // What is beyond 16 bits comes as two: "\ud83d\ude00".
        if UTF16.isLeadSurrogate(units[0]), rest.starts(with: Array("\\u".utf8)) {
            rest = rest.dropFirst(2)
            units.append(try unit())
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw BrokenFrame("the header has half a character")
        }
        return Array(text.utf8)
    }

    private mutating func unit() throws(BrokenFrame) -> UInt16 {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        let text = String(decoding: digits, as: UTF8.self)
        guard text.utf8.count == 4, text.allSatisfy(\.isHexDigit),
            let unit = UInt16(text, radix: 16)
        else { throw BrokenFrame("the header has a wrong escape") }
        return unit
    }
}
