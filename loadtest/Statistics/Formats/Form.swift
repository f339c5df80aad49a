/// How a value stands in a document: seconds as a number, one of a few words, a list.
///
/// Numbers that JSON does not have are written as null. Whole numbers beyond 2^53 are written as
/// texts, for readers that have only doubles.
package struct Form<Value: Sendable>: Sendable {
    package let write: @Sendable (Value, any Encoder) throws -> Void
    package let read: @Sendable (any Decoder) throws -> Value
    /// What null stands for; nil where it is the same as a member that is missing.
    let null: Value?

    package init(
        null: Value? = nil, write: @escaping @Sendable (Value, any Encoder) throws -> Void,
        read: @escaping @Sendable (any Decoder) throws -> Value
    ) {
        self.write = write
        self.read = read
        self.null = null
    }

    /// The same form of another type; `from` says what is wrong with a value that has no place in
    /// it, by an error whose description follows the path.
    package func converted<Other: Sendable>(
        to: @escaping @Sendable (Other) -> Value,
        from: @escaping @Sendable (Value) throws -> Other
    ) -> Form<Other> {
        Form<Other>(
            write: { [write] in try write(to($0), $1) },
            read: { [read] decoder in
                let value = try read(decoder)
                do { return try from(value) } catch { throw decoder.error("\(error)") }
            })
    }
}

/// Why a value is not what it should be, in words that follow its path: "is no whole number".
package struct Unfit: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension Form where Value: Codable {
    /// As the type itself has it.
    package static var part: Form {
        Form(write: { try $0.encode(to: $1) }, read: { try Value(from: $0) })
    }

    /// The only value of its place, of a type of JSON.
    fileprivate static func plain(_ noun: String) -> Form {
        Form(
            write: { value, encoder in
                var place = encoder.singleValueContainer()
                try place.encode(value)
            },
            read: { decoder in
                do {
                    return try decoder.singleValueContainer().decode(Value.self)
                } catch {
                    throw decoder.error("is \(noun)")
                }
            })
    }
}

extension Form where Value == String {
    package static var text: Form { plain("no text") }
}

extension Form where Value == Bool {
    package static var flag: Form { plain("neither true nor false") }
}

extension Form where Value == Double {
    package static var number: Form { number(null: nil) }

    /// A number; what is none in a document, because it was infinite, reads as `null`.
    package static func number(null: Double?) -> Form {
        let plain = Form.plain("no number")
        return Form(
            null: null,
            write: { value, encoder in
                guard !value.isFinite else { return try plain.write(value, encoder) }
                var place = encoder.singleValueContainer()
                try place.encodeNil()
            }, read: plain.read)
    }
}

extension Form where Value: FixedWidthInteger & Codable {
    /// A whole number of a range.
    package static func whole(_ range: ClosedRange<Value>) -> Form {
        let (plain, text) = (Form.plain("no whole number"), Form<String>.plain("no text"))
        return Form(
            write: { value, encoder in
                value.magnitude > 1 << 53
                    ? try text.write("\(value)", encoder) : try plain.write(value, encoder)
            },
            read: { decoder in
                // What is no text is a number, or an error that says so.
                let digits = try? text.read(decoder)
                guard let value = try digits.map({ Value($0) }) ?? plain.read(decoder) else {
                    throw decoder.error("is no whole number")
                }
                guard range.contains(value) else {
                    throw decoder.error(
                        "is \(value) and not from \(range.lowerBound) to \(range.upperBound)")
                }
                return value
            })
    }

    /// Any whole number that the type has.
    package static var whole: Form { whole(.min ... .max) }
}

extension Form where Value == Int {
    /// A number of things: so many that thousands of them add up without an overflow.
    package static var count: Form { whole(0...Histogram.countMax) }
}

extension Form where Value == Int64 {
    /// Nanoseconds, written in seconds.
    package static var seconds: Form {
        Form<Double>.number.converted(to: { Double($0) / 1e9 }) { seconds in
            guard seconds.magnitude < 1e9 else {
                throw Unfit("is no time that can be: \(seconds) s")
            }
            return Int64((seconds * 1e9).rounded())
        }
    }
}

extension Form where Value == Duration {
    /// Written in seconds, to the nanosecond.
    package static var seconds: Form {
        Form<Int64>.seconds.converted(
            to: { duration in
                let (seconds, attoseconds) = duration.components
                return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            }, from: { .nanoseconds($0) })
    }
}

extension Form where Value: RawRepresentable<String> & CaseIterable {
    /// One of the type's names.
    package static var choice: Form {
        Form<String>.text.converted(to: \.rawValue) { text in
            if let choice = Value(rawValue: text) { return choice }
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw Unfit("is '\(text)' and none of \(names)")
        }
    }
}

extension Form {
    /// A value, or null where there is none.
    package static func optional<Wrapped: Sendable>(_ form: Form<Wrapped>) -> Form
    where Value == Wrapped? {
        Form(
            null: .some(nil),
            write: { value, encoder in
                if let value { return try form.write(value, encoder) }
                var place = encoder.singleValueContainer()
                try place.encodeNil()
            },
            read: { try form.read($0) })
    }

    /// Any number of values, or so many at most.
    package static func list<Element: Sendable>(
        _ form: Form<Element>, atMost limit: Int = .max
    ) -> Form where Value == [Element] {
        Form(
            write: { values, encoder in
                var places = encoder.unkeyedContainer()
                for value in values { try form.write(value, places.superEncoder()) }
            },
            read: { decoder in
                // Whatever it is instead, it is no array.
                guard var places = try? decoder.unkeyedContainer() else {
                    throw decoder.error("is no array")
                }
                guard places.count ?? 0 <= limit else {
                    throw decoder.error("has more than \(limit) elements")
                }
                var values: [Element] = []
                while !places.isAtEnd { values.append(try form.read(places.superDecoder())) }
                return values
            })
    }
}
