/// A record that is described once: a table says for each field what documents call it, in which
/// form it stands there and how it adds up.
///
///     static let fields: [Field<Ledger>] = [.count("scheduled", \.scheduled), …]
///
/// From the table it is written, read and added. A member that is missing leaves what `init()`
/// gives, so that documents of older versions read; one that is not known is passed over.
package protocol Record: Codable, Sendable {
    init()
    static var fields: [Field<Self>] { get }
}

extension Record {
    /// Throws a `DocumentError` for a member that is of another kind, or out of its range.
    package init(from decoder: any Decoder) throws {
        self.init()
        let members = try Members(decoder)
        for field in Self.fields { try field.read(&self, members) }
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        for field in Self.fields { try field.write(self, &members) }
    }

    /// Adds field by field what adds up; the rest stays as it is.
    package mutating func add(_ other: Self) {
        for field in Self.fields { field.add(&self, other) }
    }
}

/// A line of a record's table.
package struct Field<Owner>: Sendable {
    /// What documents call it: "timed_out".
    package let name: String
    /// What documents get of a record.
    package let value: @Sendable (Owner) -> any Encodable
    package let read: @Sendable (inout Owner, Members) throws -> Void
    package let add: @Sendable (inout Owner, Owner) -> Void

    package init(
        _ name: String, value: @escaping @Sendable (Owner) -> any Encodable,
        read: @escaping @Sendable (inout Owner, Members) throws -> Void = { _, _ in },
        add: @escaping @Sendable (inout Owner, Owner) -> Void = { _, _ in }
    ) {
        self.name = name
        self.value = value
        self.read = read
        self.add = add
    }

    /// A property, in a form; `adding` says how two of them make one, where they do.
    package init<Value: Sendable>(
        _ name: String, _ path: WritableKeyPath<Owner, Value> & Sendable, _ form: Form<Value>,
        isRequired: Bool = false, adding: (@Sendable (inout Value, Value) -> Void)? = nil
    ) {
        self.init(
            name, value: { Written(value: $0[keyPath: path], form: form) },
            read: { owner, members in
                if let value = try members.at(name, form) {
                    owner[keyPath: path] = value
                } else if isRequired {
                    throw members.error(name, "is missing")
                }
            },
            add: { owner, other in adding?(&owner[keyPath: path], other[keyPath: path]) })
    }

    /// A number of things, which adds up.
    package static func count(
        _ name: String, _ path: WritableKeyPath<Owner, Int> & Sendable
    ) -> Field {
        Field(name, path, .count, adding: +=)
    }

    /// What only documents have, because it follows from the rest.
    package static func derived<Value: Sendable>(
        _ name: String, _ form: Form<Value>, _ value: @escaping @Sendable (Owner) -> Value
    ) -> Field {
        Field(name, value: { Written(value: value($0), form: form) })
    }

    /// Fields that documents keep in an object of their own.
    package static func group(_ name: String, _ fields: [Field]) -> Field {
        Field(
            name, value: { Described($0, by: fields) },
            read: { owner, members in
                guard let inner = try members.members(at: name) else { return }
                for field in fields { try field.read(&owner, inner) }
            },
            add: { owner, other in for field in fields { field.add(&owner, other) } })
    }

    /// The field of a part as one of the whole.
    package func within<Whole>(
        _ path: WritableKeyPath<Whole, Owner> & Sendable
    ) -> Field<Whole> {
        Field<Whole>(
            name, value: { [value] in value($0[keyPath: path]) },
            read: { [read] whole, members in try read(&whole[keyPath: path], members) },
            add: { [add] whole, other in add(&whole[keyPath: path], other[keyPath: path]) })
    }

    func write(_ owner: Owner, _ members: inout KeyedEncodingContainer<Name>) throws {
        try members.encode(value(owner), forKey: Name(name))
    }
}

extension Array {
    /// The fields of a part as those of the whole.
    package func within<Whole, Part>(
        _ path: WritableKeyPath<Whole, Part> & Sendable
    ) -> [Field<Whole>] where Element == Field<Part> {
        map { $0.within(path) }
    }
}

/// The name of a member.
package struct Name: CodingKey {
    package let stringValue: String
    package var intValue: Int? { nil }

    package init(_ name: String) { stringValue = name }
    package init(stringValue: String) { self.stringValue = stringValue }
    package init?(intValue: Int) { nil }
}

/// A value with the form in which it is written.
private struct Written<Value: Sendable>: Encodable {
    let value: Value
    let form: Form<Value>

    func encode(to encoder: any Encoder) throws { try form.write(value, encoder) }
}

/// Some fields of a value, as an object that is only written.
package struct Described<Owner>: Encodable {
    private let owner: Owner
    private let fields: [Field<Owner>]

    package init(_ owner: Owner, by fields: [Field<Owner>]) {
        self.owner = owner
        self.fields = fields
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        for field in fields { try field.write(owner, &members) }
    }
}

/// The members of an object that is being read.
package struct Members {
    private let members: KeyedDecodingContainer<Name>
    /// Where it stands, and what it is read from.
    package let decoder: any Decoder

    package init(_ decoder: any Decoder) throws {
        self.decoder = decoder
        do {
            members = try decoder.container(keyedBy: Name.self)
        } catch {
            throw decoder.error("is no object")
        }
    }

    /// What the members are called, in no order.
    package var names: [String] { members.allKeys.map(\.stringValue) }

    /// The decoder of a member; nil when it is missing or null.
    package func decoder(at name: String) throws -> (any Decoder)? {
        let name = Name(name)
        guard members.contains(name), try !members.decodeNil(forKey: name) else { return nil }
        return try members.superDecoder(forKey: name)
    }

    /// A member that is an object; nil when it is missing or null.
    package func members(at name: String) throws -> Members? {
        try decoder(at: name).map(Members.init)
    }

    /// A member; nil when it is missing, or null where that stands for nothing.
    package func at<Value: Sendable>(_ name: String, _ form: Form<Value>) throws -> Value? {
        if let decoder = try decoder(at: name) { return try form.read(decoder) }
        return members.contains(Name(name)) ? form.null : nil
    }

    /// An error about a member.
    package func error(_ name: String, _ reason: String) -> DocumentError {
        DocumentError(path: decoder.codingPath + [Name(name)], reason: reason)
    }
}

/// Why a document is no record, and which of its members says so.
package struct DocumentError: Error, Equatable, CustomStringConvertible {
    /// "latency.response.n"; empty for the document itself.
    package let path: String
    package let reason: String

    package init(path: [any CodingKey] = [], reason: String) {
        self.path = path.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
        self.reason = reason
    }

    package var description: String { (path.isEmpty ? "the document" : path) + " " + reason }
}

extension Decoder {
    /// An error about the value that is being read.
    package func error(_ reason: String) -> DocumentError {
        DocumentError(path: codingPath, reason: reason)
    }
}
