import Flags
import Swiftlet

// The first servers of every course: what comes goes back, as it is (RFC 862) or in capitals.

extension Program {
    static let echo = Program(
        "echo", "Sends back to each client what it sends.", [Service.flags(port: 7007)]
    ) { arguments in
        try await Service(arguments, port: 7007).serve(echoed)
    }

    static let upper = Program(
        "upper", "Sends back each client's letters as capitals.",
        [
            Service.flags(port: 7008),
            FlagGroup("Answers:", [Flag("once", help: "one line a connection, as HTTP/1.0 did")]),
        ]
    ) { arguments in
        let isShort = arguments.has("once")
        try await Service(arguments, port: 7008).serve { connection in
            try await isShort ? capitalLine(connection) : capitals(connection)
        }
    }
}

/// Sends back whatever comes until the client ends its half.
@Sendable func echoed(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        try await connection.write(bytes)
    }
}

/// A long connection: answers whatever comes, for as long as the client likes.
@Sendable func capitals(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        try await connection.write(bytes.withUnsafeBytes { $0.map(capital) })
    }
}

/// A short connection: one line, one answer, and the end.
@Sendable func capitalLine(_ connection: Connection) async throws {
    guard let line = try await connection.readLine() else { return }
    try await connection.write(line.utf8.map(capital) + [UInt8(ascii: "\n")])
}

/// Bytes, and not characters: a read may end in the middle of one of UTF-8, of which the bytes of
/// ASCII are never a part.
func capital(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
}
