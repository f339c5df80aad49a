import Flags
import Swiftlet

/// What a user decides of a client of the course: what it calls, and how long it waits.
struct Client: Sendable {
    /// "127.0.0.1:7021", "localhost:7009", "unix:/tmp/app.sock".
    let address: String
    /// For the connection, and for each answer.
    let timeout: Duration

    /// The options of the command line.
    static func flags(port: Int) -> FlagGroup {
        FlagGroup(
            "Calling:",
            [
                Flag(
                    "to", "t", "ADDRESS",
                    help: "HOST:PORT or unix:PATH of the server (127.0.0.1:\(port))"),
                Flag(
                    "timeout", nil, "TIME",
                    help: "time for the connection, and for each answer (10s)"),
            ])
    }

    /// Reads what `flags` offers; give both the same port.
    init(_ arguments: Arguments, port: Int) throws(UsageError) {
        address = arguments.text("to") ?? "127.0.0.1:\(port)"
        timeout =
            try arguments.duration("timeout", in: .milliseconds(1)...(.seconds(86_400)))
            ?? .seconds(10)
    }

    /// Connects, lends the connection to `body`, and closes it.
    func call<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        try await Connection.connect(to: address, timeout: timeout, body)
    }
}

extension Arguments {
    /// The first word, if it is one of the ways to call the program; nil without words.
    func verb(of verbs: [String]) throws(UsageError) -> String? {
        guard let word = positionals.first else { return nil }
        if verbs.contains(word) { return word }
        let close = nearest(to: word, among: verbs).map { "; did you mean \($0)?" } ?? ""
        throw UsageError("'\(word)' is not one of \(verbs.joined(separator: ", "))\(close)")
    }
}
