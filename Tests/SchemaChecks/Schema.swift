import Foundation

/// The part of JSON Schema 2020-12 that the schemas in `docs` use; an unknown keyword is a
/// violation itself.
public struct Schema: Sendable {
    private let root: JSON

    /// The schema of a text.
    public init(_ text: String) throws { root = try JSON(text) }

    /// A schema that the project ships in `docs`.
    public static func shipped(_ name: String = "loadtest.schema.json") throws -> Schema {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = top.appendingPathComponent("docs/\(name)")
        return try Schema(String(contentsOf: path, encoding: .utf8))
    }

    /// What in a document violates the schema, each with its place.
    public func violations(of document: JSON) -> [String] { check(document, root, at: "$") }

    private func check(_ value: JSON, _ schema: JSON, at place: String) -> [String] {
        guard case .object(let keywords) = schema else {
            return ["\(place): the schema is no object"]
        }
        return keywords.flatMap { keyword, argument in
            check(value, keyword, argument, keywords, at: place)
        }
    }

    private func check(
        _ value: JSON,
        _ keyword: String,
        _ argument: JSON,
        _ siblings: [String: JSON],
        at place: String
    ) -> [String] {
        func expect(_ holds: Bool) -> [String] {
            holds ? [] : ["\(place): \(value) violates \(keyword) \(argument)"]
        }
        switch keyword {
        case "$schema", "$id", "$defs", "title", "description": return []
        case "$ref": return check(value, target(of: argument), at: place)
        case "type": return expect(types(argument).contains { Schema.fits(value, $0) })
        case "const": return expect(value == argument)
        case "enum": return expect(argument.array.contains(value))
        case "anyOf": return expect(argument.array.contains { check(value, $0, at: place).isEmpty })
        case "pattern":
            guard let text = value.string, let pattern = argument.string else { return [] }
            return expect(text.range(of: pattern, options: .regularExpression) != nil)
        case "minimum", "exclusiveMinimum", "exclusiveMaximum":
            guard let number = value.number, let bound = argument.number else { return [] }
            let holds =
                keyword == "minimum"
                ? number >= bound : keyword == "exclusiveMinimum" ? number > bound : number < bound
            return expect(holds)
        default: return checkParts(value, keyword, argument, siblings, at: place)
        }
    }

    private func checkParts(
        _ value: JSON,
        _ keyword: String,
        _ argument: JSON,
        _ siblings: [String: JSON],
        at place: String
    ) -> [String] {
        switch (keyword, value) {
        case ("required", .object(let members)):
            let missing = argument.array.compactMap(\.string).filter { members[$0] == nil }
            return missing.map { "\(place): lacks \($0)" }
        case ("properties", .object(let members)):
            return members.flatMap { name, member in
                let schema = argument[name]
                return schema == .null ? [] : check(member, schema, at: "\(place).\(name)")
            }
        case ("additionalProperties", .object(let members)):
            let known = siblings["properties"] ?? .null
            return members.filter { known[$0.key] == .null }.flatMap { name, member in
                argument == .bool(false)
                    ? ["\(place): does not know \(name)"]
                    : check(member, argument, at: "\(place).\(name)")
            }
        case ("items", .array(let values)):
            return values.enumerated().flatMap { check($1, argument, at: "\(place)[\($0)]") }
        case ("minItems", .array(let values)):
            return values.count >= Int(argument.number ?? 0) ? [] : ["\(place): too few items"]
        case ("maxItems", .array(let values)):
            return values.count <= Int(argument.number ?? 0) ? [] : ["\(place): too many items"]
        case ("required", _), ("properties", _), ("additionalProperties", _), ("items", _),
            ("minItems", _), ("maxItems", _):
            return []
        default: return ["\(place): this check does not know the keyword \(keyword)"]
        }
    }

    private func target(of reference: JSON) -> JSON {
        let name = reference.string?.split(separator: "/").last.map(String.init) ?? ""
        return root["$defs", name]
    }

    private func types(_ argument: JSON) -> [String] {
        argument.string.map { [$0] } ?? argument.array.compactMap(\.string)
    }

    private static func fits(_ value: JSON, _ type: String) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string),
            ("array", .array), ("object", .object):
            true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }
}
