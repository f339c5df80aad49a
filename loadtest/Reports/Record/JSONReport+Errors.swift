import Generator

// Errors and wrong bytes, written and read side by side.

extension ErrorRow {
    /// More kinds of errors than there are numbers of them, and more errors than any run has: a
    /// document beyond that could not be added up.
    static let rowsMax = 1000
    private static let countMax = 1 << 38

    var document: JSONValue {
        .object([
            ("phase", .text(phase.rawValue)), ("errno", .text(errno)), ("count", .integer(count)),
            ("first_s", .number(firstSeen)),
            ("example_connection", .integer(exampleConnection)),
            ("hint", .text(Hints.hint(for: self))),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        guard let phase = try document.at("phase").choice(Phase.self) else {
            throw try document.at("phase").error("is missing")
        }
        self.init(
            phase: phase,
            errno: try document.at("errno").text() ?? "",
            count: try document.at("count").count(atMost: ErrorRow.countMax) ?? 0,
            firstSeen: try document.at("first_s").number() ?? 0,
            exampleConnection: try document.at("example_connection").count() ?? 0
        )
    }
}

extension Corruption {
    var document: JSONValue {
        .object([
            ("connection", .integer(connection)), ("offset", .integer(offset)),
            ("expected", .text(Figures.hex(expected))), ("got", .text(Figures.hex(got))),
            ("diagnosis", .text(diagnosis)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init(
            connection: try document.at("connection").count() ?? 0,
            offset: try document.at("offset").count() ?? 0,
            expected: try Corruption.bytes(try document.at("expected")),
            got: try Corruption.bytes(try document.at("got")),
            diagnosis: try document.at("diagnosis").text() ?? ""
        )
    }

    /// "3f 2a 00".
    private static func bytes(_ place: JSONMember) throws(DocumentError) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in try place.text()?.split(separator: " ") ?? [] {
            guard word.utf8.count == 2, let byte = UInt8(word, radix: 16) else {
                throw place.error("is not bytes in hexadecimal digits")
            }
            bytes.append(byte)
        }
        return bytes
    }
}
