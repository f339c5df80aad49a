/// Why a text is no JSON, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// From 1 on; columns count bytes.
    package let line: Int
    package let column: Int
    package let reason: String

    package var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONValue {
    /// Arrays and objects in each other at most: a deeper text is not worth the stack.
    static let depthMax = 100

    /// Reads a whole text (RFC 8259). Numbers that are whole and fit are integers.
    package init(parsing text: String) throws(JSONError) {
        var parser = JSONParser(text)
        do {
            self = try parser.document()
        } catch {
            throw parser.error(error.reason)
        }
    }
}

/// Goes through the bytes of a text once, from the left.
private struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0

    struct Mistake: Error { let reason: String }

    init(_ text: String) { bytes = Array(text.utf8) }

    /// An error at the present position.
    func error(_ reason: String) -> JSONError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return JSONError(line: line + 1, column: before.count - start + 1, reason: reason)
    }

    mutating func document() throws(Mistake) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw Mistake(reason: "something follows the end") }
        return value
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    /// Goes past a character if it is next.
    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Mistake) -> JSONValue {
        guard depth <= JSONValue.depthMax else { throw Mistake(reason: "it is nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try elements(depth: depth + 1))
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw Mistake(reason: "it ends where a value should be")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Mistake) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else {
            throw Mistake(reason: "here is no value")
        }
        position += word.utf8.count
        return value
    }

    private mutating func elements(depth: Int) throws(Mistake) -> [JSONValue] {
        position += 1
        skipSpace()
        var elements: [JSONValue] = []
        if skip("]") { return elements }
        repeat {
            elements.append(try value(depth: depth))
            skipSpace()
        } while skip(",")
        guard skip("]") else { throw Mistake(reason: "an array needs , or ] here") }
        return elements
    }

    private mutating func members(depth: Int) throws(Mistake) -> [(String, JSONValue)] {
        position += 1
        skipSpace()
        var members: [(String, JSONValue)] = []
        if skip("}") { return members }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else {
                throw Mistake(reason: "a member needs its name in quotes here")
            }
            let name = try string()
            skipSpace()
            guard skip(":") else { throw Mistake(reason: "a name needs : behind it") }
            members.append((name, try value(depth: depth)))
            skipSpace()
        } while skip(",")
        guard skip("}") else { throw Mistake(reason: "an object needs , or } here") }
        return members
    }

    /// A number: no leading zero, digits on both sides of a point.
    private mutating func number() throws(Mistake) -> JSONValue {
        let start = position
        _ = skip("-")
        if !skip("0") { try digits() }
        var isWhole = true
        if skip(".") {
            isWhole = false
            try digits()
        }
        if skip("e") || skip("E") {
            isWhole = false
            if !skip("+") { _ = skip("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw Mistake(reason: "the number is too large")
        }
        return .number(value)
    }

    private mutating func digits() throws(Mistake) {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw Mistake(reason: "here is no value") }
    }

    /// A text in quotes; `position` is at the first of them.
    private mutating func string() throws(Mistake) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escape()
            case ..<0x20: throw Mistake(reason: "a text has a control character, not escaped")
            default: text.append(byte)
            }
        }
        throw Mistake(reason: "a text does not end")
    }

    /// What stands behind a backslash, as UTF-8.
    private mutating func escape() throws(Mistake) -> [UInt8] {
        let letter = next
        position += 1
        switch letter {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "u"): return Array(String(try scalar()).utf8)
        case let letter? where [0x22, 0x5C, 0x2F].contains(letter): return [letter]
        default: throw Mistake(reason: "a backslash with a letter that means nothing")
        }
    }

    /// The character of one \u, or of two that are a pair of surrogates.
    private mutating func scalar() throws(Mistake) -> Character {
        var code = try fourDigits()
        if code & 0xFC00 == 0xD800, skip("\\"), skip("u") {
            let low = try fourDigits()
            guard low & 0xFC00 == 0xDC00 else { throw Mistake(reason: "half a character") }
            code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
        }
        guard let scalar = Unicode.Scalar(code) else { throw Mistake(reason: "half a character") }
        return Character(scalar)
    }

    private mutating func fourDigits() throws(Mistake) -> UInt32 {
        let end = min(position + 4, bytes.count)
        guard position < end else { throw Mistake(reason: "a text does not end") }
        let digits = bytes[position..<end]
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 4, !text.hasPrefix("+"), !text.hasPrefix("-"),
            let code = UInt32(text, radix: 16)
        else { throw Mistake(reason: "\\u needs four hexadecimal digits") }
        position = end
        return code
    }
}
