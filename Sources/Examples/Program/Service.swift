import Flags
import Swiftlet

/// What a user decides of a stream server of the course: where it listens, and its limits.
struct Service: Sendable {
    /// "127.0.0.1:7007", "localhost:7007", "unix:/tmp/app.sock".
    var address: String
    let options: StreamServer.Options
    /// How long handlers may go on when a signal has stopped the server.
    let grace: Duration

    /// The options of the command line. Limits against abuse are there by default: so many
    /// connections, and an end for those that say nothing.
    static func flags(port: Int, maxConnections: Int = 1_000, idle: Duration = .seconds(300))
        -> FlagGroup
    {
        FlagGroup(
            "Serving:",
            [
                Flag(
                    "listen", "l", "ADDRESS",
                    help: "HOST:PORT or unix:PATH to listen on (127.0.0.1:\(port))"),
                Flag(
                    "max-conns", nil, "N",
                    help: "clients served at a time; more are sent away (\(maxConnections))"),
                Flag(
                    "idle-timeout", nil, "TIME",
                    help: "end clients that say nothing for so long"
                        + " (\(Units.text(of: idle)))"),
                Flag(
                    "grace", nil, "TIME",
                    help: "time that clients have after SIGINT or SIGTERM (2s)"),
            ])
    }

    /// Reads what `flags` offers; give both the same numbers.
    init(
        _ arguments: Arguments, port: Int, maxConnections: Int = 1_000,
        idle: Duration = .seconds(300)
    ) throws(UsageError) {
        address = arguments.text("listen") ?? "127.0.0.1:\(port)"
        var options = StreamServer.Options()
        options.maxConnections =
            try arguments.count("max-conns", in: 1...1_000_000) ?? maxConnections
        options.idleTimeout =
            try arguments.duration("idle-timeout", in: .milliseconds(1)...(.seconds(86_400)))
            ?? idle
        self.options = options
        grace = try arguments.duration("grace", in: .zero ... .seconds(86_400)) ?? .seconds(2)
    }

    /// Listens, says where, and serves until SIGINT or SIGTERM.
    func serve(_ handler: @escaping StreamServer.ConnectionHandler) async throws {
        try await serve(with: listen(), handler)
    }

    /// Listens, and says where; for what stops its server itself.
    func listen() async throws -> StreamServer {
        let listener = try await Listener.bind(
            to: address, backlog: options.backlog, access: options.access)
        let server = StreamServer(listener: listener, options: options)
        try await say("listening on \(server.address)")
        return server
    }

    /// Serves until SIGINT or SIGTERM, or until the server is stopped.
    func serve(
        with server: StreamServer, _ handler: @escaping StreamServer.ConnectionHandler
    ) async throws {
        try await server.serve(until: .interrupt, .terminate, grace: grace, handler: handler)
    }
}

/// Writes a line to standard output, at once. Tasks that say something at the same time do it one
/// after the other.
func say(_ line: String) async throws {
    try await turnToSay.withLock { try await ByteWriter.standardOutput.write(line + "\n") }
}

private let turnToSay = Lock(name: "standard output")
