import Statistics

/// Why a document is no record, and which of its members says so.
package struct DocumentError: Error, Equatable, CustomStringConvertible {
    /// "latency.response.n"; empty for the document itself.
    package let path: String
    package let reason: String

    package var description: String { (path.isEmpty ? "the document" : path) + " " + reason }
}

/// A place in a document that may be empty: knows its path, and takes only what fits there.
///
/// A member that is missing or null gives nil, so that a document of an older version reads; what
/// is of another kind than it should be is an error that names the path.
package struct JSONMember {
    let path: String
    private let value: JSONValue
    /// A number of things is at most this, where nothing else is said.
    package static let countMax = Histogram.countMax

    package init(_ value: JSONValue, path: String = "") {
        self.value = value
        self.path = path
    }

    package func error(_ reason: String) -> DocumentError {
        DocumentError(path: path, reason: reason)
    }

    package var isNull: Bool { if case .null = value { true } else { false } }
    var isText: Bool { if case .text = value { true } else { false } }

    /// A member of an object; an empty place where there is no object or no such member.
    package func at(_ name: String) throws(DocumentError) -> JSONMember {
        let inner = path.isEmpty ? name : path + "." + name
        switch value {
        case .null: return JSONMember(.null, path: inner)
        case .object(let members):
            return JSONMember(members.first { $0.0 == name }?.1 ?? .null, path: inner)
        default: throw error("is no object")
        }
    }

    /// The elements of an array; none where there is no array.
    package func elements() throws(DocumentError) -> [JSONMember] {
        switch value {
        case .null: return []
        case .array(let values):
            return values.enumerated().map { JSONMember($1, path: "\(path)[\($0)]") }
        default: throw error("is no array")
        }
    }

    package func text() throws(DocumentError) -> String? {
        switch value {
        case .null: return nil
        case .text(let text): return text
        default: throw error("is no text")
        }
    }

    package func bool() throws(DocumentError) -> Bool? {
        switch value {
        case .null: return nil
        case .bool(let value): return value
        default: throw error("is neither true nor false")
        }
    }

    package func number() throws(DocumentError) -> Double? {
        switch value {
        case .null: return nil
        case .number(let number): return number
        case .integer(let number): return Double(number)
        default: throw error("is no number")
        }
    }

    /// A whole number; one beyond 2^53 is written as a text.
    func integer() throws(DocumentError) -> Int? {
        switch value {
        case .null: return nil
        case .integer(let number): return number
        case .text(let text):
            guard let number = Int(text) else { throw error("is no whole number") }
            return number
        default: throw error("is no whole number")
        }
    }

    /// A number of things, bounded so that thousands of them add up without an overflow.
    package func count(atMost limit: Int = JSONMember.countMax) throws(DocumentError) -> Int? {
        guard let number = try integer() else { return nil }
        guard (0...limit).contains(number) else { throw error("is no count from 0 to \(limit)") }
        return number
    }

    /// Any number of 64 bits; beyond 2^53 it is a text.
    package func seed() throws(DocumentError) -> UInt64? {
        if isText, let text = try text() {
            guard let seed = UInt64(text) else { throw error("is no whole number") }
            return seed
        }
        guard let number = try integer() else { return nil }
        guard let seed = UInt64(exactly: number) else { throw error("is below zero") }
        return seed
    }

    /// A time, written in seconds, in whole nanoseconds.
    func nanoseconds() throws(DocumentError) -> Int64? {
        guard let seconds = try number() else { return nil }
        guard seconds.magnitude < 1e9 else { throw error("is no time that can be: \(seconds) s") }
        return Int64((seconds * 1e9).rounded())
    }

    func duration() throws(DocumentError) -> Duration? {
        try nanoseconds().map(Duration.nanoseconds)
    }

    /// One of a type's names.
    package func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type = Choice.self
    ) throws(DocumentError) -> Choice? {
        guard let text = try text() else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("is '\(text)' and none of \(names)")
        }
        return choice
    }
}

extension JSONValue {
    /// A time in seconds.
    static func seconds(_ nanoseconds: Int64) -> JSONValue { .number(Double(nanoseconds) / 1e9) }

    /// A time in seconds, to the nanosecond.
    static func seconds(_ duration: Duration) -> JSONValue {
        let (seconds, attoseconds) = duration.components
        return .number((Double(seconds) * 1e9 + Double(attoseconds / 1_000_000_000)) / 1e9)
    }

    /// Any number of 64 bits.
    package static func seed(_ seed: UInt64) -> JSONValue {
        Int(exactly: seed).map(JSONValue.integer) ?? .text("\(seed)")
    }

    /// A value, or null where there is none.
    package static func optional<Value>(_ value: Value?, _ write: (Value) -> JSONValue) -> JSONValue
    {
        value.map(write) ?? .null
    }
}
