import FoundationEssentials
import Statistics

/// Documents as JSON (RFC 8259), by the toolchain's encoder and decoder.
///
/// Seconds and bytes throughout, except where a name says otherwise; what is not known is null.
/// Members may be added, never renamed or given another meaning.
package enum Document {
    /// The text of a record, its members in the order of their names, with a line feed at its end.
    package static func text(_ record: some Record) -> String {
        encode(record, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + "\n"
    }

    fileprivate static func encode(
        _ value: any Encodable, _ formatting: JSONEncoder.OutputFormatting
    ) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("a record has a value that JSON does not: \(error)")
        }
    }

    /// What a text says that it is: "swiftlet.loadtest/1"; nil where it says nothing.
    package static func schema(of text: String) -> String? {
        struct Name: Decodable { let schema: String }
        // Whoever reads it as what it may be says what is wrong with it.
        return try? JSONDecoder().decode(Name.self, from: Data(text.utf8)).schema
    }

    /// Reads a record from a text.
    package static func read<Value: Record>(
        _ type: Value.Type = Value.self, from text: String
    ) throws(DocumentError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch let error as DocumentError {
            throw error
        } catch {
            throw DocumentError(reason: text.isEmpty ? "is empty" : "is no JSON, or is cut off")
        }
    }
}

extension Field where Owner: Record {
    /// What documents have of it, on one line; a text without its quotes.
    func text(of record: Owner) -> String {
        let line = Document.encode(value(record), [.sortedKeys, .withoutEscapingSlashes])
        return line.hasPrefix("\"") ? String(line.dropFirst().dropLast()) : line
    }

    /// The name of the format, by which a document says what it is: `what` says what another one
    /// is not.
    package static func schema(_ schema: String, _ what: String) -> Field {
        Field(
            "schema", value: { _ in schema },
            read: { _, members in
                guard try members.at("schema", .text) == schema else {
                    throw members.error("schema", "is not \(schema): this is no \(what)")
                }
            })
    }
}
