import Flags
import Statistics

/// What people call a run, and what they want to know of it later: `--name` and `--note`.
///
/// The same two options and the same two members of `run` in the documents of runs and of
/// comparisons. A document may have any text there; from a command line it is one short line.
package struct Labels: Record, Equatable {
    /// Nil when it was given none.
    package var name: String?
    /// By its key: `commit` → `1a2b3c`.
    package var notes: [String: String] = [:]

    package init() {}

    /// Characters of a name or a note at most.
    private static let lengthMax = 100

    package static let fields: [Field<Labels>] = [
        Field("name", \.name, .optional(.text)), Field("notes", \.notes, .texts),
    ]

    /// What the command line gives a run.
    package init(_ arguments: Arguments) throws(UsageError) {
        name = try arguments.value("name", by: Labels.name)
        for text in arguments.texts("note") {
            do throws(Units.Mistake) {
                let (key, value) = try Labels.note(text)
                guard notes.updateValue(value, forKey: key) == nil else {
                    throw Units.Mistake("has a key that was given before: give each key once")
                }
            } catch {
                throw UsageError("--note '\(text)' \(error)")
            }
        }
    }

    /// The options, for the table of each command that makes runs.
    package static let flags = [
        Flag("name", nil, "NAME", help: "what reports call it"),
        Flag(
            "note", nil, "KEY=TEXT", isRepeatable: true, help: "kept in reports: 'commit=1a2b3c'"),
    ]

    private static func name(_ text: String) throws(Units.Mistake) -> String {
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw Units.Mistake("is empty")
        }
        return try line(text)
    }

    private static func note(_ text: String) throws(Units.Mistake) -> (key: String, text: String) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let isWord =
            sides[0].first?.isLetter == true
            && sides[0].allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
            }
        guard sides.count == 2, isWord else {
            throw Units.Mistake("is not KEY=TEXT with a word as its key; write commit=1a2b3c")
        }
        return (String(sides[0]), try line(String(sides[1])))
    }

    private static func line(_ text: String) throws(Units.Mistake) -> String {
        guard text.count <= lengthMax, !text.contains(where: \.isNewline),
            text.withoutControls == text
        else { throw Units.Mistake("is more than a line of \(lengthMax) characters") }
        return text
    }

    /// The labels of the parts of one run: what they differ in is there once for each that has it.
    init(ofParts parts: [Labels]) {
        let names = parts.compactMap(\.name).uniqued
        name = names.isEmpty ? nil : names.joined(separator: ", ")
        for key in parts.flatMap(\.notes.keys).uniqued {
            notes[key] = parts.compactMap { $0.notes[key] }.uniqued.joined(separator: ", ")
        }
    }

    /// The notes as they are given, in the order of their keys: "commit=1a2b3c".
    package var noteTexts: [String] {
        notes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// The name and the notes in the order in which reports show them; empty when there are none.
    package var texts: [String] { (name.map { [$0] } ?? []) + noteTexts }
}

extension Form where Value == [String: String] {
    /// Texts by their names.
    fileprivate static var texts: Form {
        Form(
            write: { try $0.encode(to: $1) },
            read: { decoder in
                let members = try Members(decoder)
                var texts: Value = [:]
                for name in members.names { texts[name] = try members.at(name, .text) }
                return texts
            })
    }
}
