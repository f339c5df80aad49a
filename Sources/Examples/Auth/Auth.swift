import Flags
import Swiftlet

// A handshake in front of a service that knows nothing of it; see Handshake.swift for what is said.

extension Program {
    static let auth = Program(
        "auth", "Lets in whom a shared key proves, and then sends back what comes.",
        usage: ["--keys FILE [options]", "login --user NAME --keys FILE [options]", "key NAME"],
        [Service.flags(port: 7022), Client.flags(port: 7022), Login.flags],
        positionalsMax: 2,
        footer: [
            "'login' proves both sides to each other, then sends its standard input and",
            "prints what comes back. 'key' prints a line for a file of keys: NAME KEY.",
        ]
    ) { arguments in
        switch try arguments.verb(of: ["login", "key"]) {
        case "key":
            guard let name = arguments.positionals.dropFirst().first, !name.isEmpty,
                !name.contains(where: \.isWhitespace), !name.hasPrefix("#")
            else { throw UsageError("key needs a NAME without spaces") }
            try await say(Keys.makeLine(for: name))
        case "login":
            let login = try await Login(arguments)
            try await Client(arguments, port: 7022).call { connection in
                try await login.prove(to: Messages(connection: connection))
                try await talk(over: connection)
            }
        default:
            guard let path = arguments.text("keys") else { throw UsageError("--keys is missing") }
            let keys = try await Keys.read(path)
            try await Service(arguments, port: 7022).serve(
                authenticated(by: keys) { connection, _ in try await echoed(connection) })
        }
    }
}

/// A handler behind the handshake: it has a connection and the name of a user that has proven
/// itself. Any handler of a stream can be.
func authenticated(
    by keys: Keys,
    _ handler: @escaping @Sendable (Connection, _ user: String) async throws -> Void
) -> StreamServer.ConnectionHandler {
    { connection in
        let user = try await authenticate(Messages(connection: connection), by: keys)
        try await handler(connection, user)
    }
}

/// The user of a client, and the key that proves it.
struct Login: Sendable {
    let user: String
    let key: [UInt8]
    let timeout: Duration

    static let flags = FlagGroup(
        "Keys:",
        [
            Flag("keys", "k", "FILE", help: "lines of NAME KEY; keep it to yourself: chmod 600"),
            Flag("user", "u", "NAME", help: "the user whose key a client has"),
        ])

    /// Reads the options, and the key from its file.
    init(_ arguments: Arguments) async throws {
        guard let path = arguments.text("keys") else { throw UsageError("--keys is missing") }
        guard let user = arguments.text("user") else { throw UsageError("--user is missing") }
        let (key, isKnown) = try await Keys.read(path).key(of: user)
        guard isKnown else { throw Failure(.noInput, "\(path): '\(user)' has no key there") }
        (self.user, self.key) = (user, key)
        timeout = try Client(arguments, port: 1).timeout
    }

    func prove(to messages: Messages) async throws {
        try await introduce(user, key: key, to: messages, timeout: timeout)
    }
}

/// Standard input to the other side, and what comes from there to standard output, until it ends.
private func talk(over connection: Connection) async throws {
    // Leaving the scope ends it: it may wait for a key that nobody presses any more.
    async let _: Void = {
        try await copy(from: .standardInput, to: connection)
        try await connection.closeWrite()
    }()
    try await copy(from: connection, to: .standardOutput)
}
