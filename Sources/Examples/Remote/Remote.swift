import Flags
import Swiftlet

// Commands of a machine, for clients elsewhere. The textbook's form, `system(recv())`, gives the
// machine to everybody on the network. Here a client chooses from a list, and no shell reads what
// it sends; without keys, only this machine's own programs can connect.

extension Program {
    static let remote = Program(
        "remote", "Runs commands of a list for clients, and sends what they say.",
        usage: [
            "--allow FILE [--keys FILE] [options]",
            "run [options] -- NAME [ARGUMENT...]",
        ],
        [
            Service.flags(port: 7025), Client.flags(port: 7025), Login.flags,
            FlagGroup(
                "Commands:",
                [
                    Flag("allow", "a", "FILE", help: "lines of NAME PROGRAM [ARGUMENT...] [*]"),
                    Flag("time-max", nil, "TIME", help: "time that a command may take (60s)"),
                    Flag("output-max", nil, "SIZE", help: "bytes that it may say (16m)"),
                ]),
        ],
        positionalsMax: 102,
        footer: [
            "Of the list, only a command whose line ends in * takes arguments of clients. A",
            "server that others than this machine can reach needs --keys, see 'example auth'.",
            "'run' ends with the code of the command; with 69 or more when it did not run.",
        ]
    ) { arguments in
        guard try arguments.verb(of: ["run"]) != nil else { return try await serve(arguments) }
        let words = Array(arguments.positionals.dropFirst())
        guard let name = words.first else { throw UsageError("run needs a NAME") }
        let login = arguments.has("user") ? try await Login(arguments) : nil
        try await Client(arguments, port: 7025).call { connection in
            let messages = Messages(connection: connection)
            try await login?.prove(to: messages)
            let more = Array(words.dropFirst().joined(separator: "\0").utf8)
            try await show(name, adding: more, over: messages)
        }
    }

    private static func serve(_ arguments: Arguments) async throws {
        guard let path = arguments.text("allow") else { throw UsageError("--allow is missing") }
        let list = try await AllowList.read(path)
        let server = try limited(RemoteServer(allowed: list), by: arguments)
        // A client says nothing while its command runs.
        let idle = max(.seconds(300), server.time)
        let service = try Service(arguments, port: 7025, idle: idle)
        let handler = try await handler(of: server, at: service.address, arguments)
        try await service.serve(handler)
    }

    private static func handler(
        of server: RemoteServer, at address: String, _ arguments: Arguments
    ) async throws -> StreamServer.ConnectionHandler {
        if let file = arguments.text("keys") {
            return authenticated(by: try await Keys.read(file)) { connection, _ in
                try await server.serve(Messages(connection: connection))
            }
        }
        guard isLocal(address) else {
            throw UsageError("others can reach \(address): that takes --keys")
        }
        return { try await server.serve(Messages(connection: $0)) }
    }

    private static func limited(
        _ server: RemoteServer, by arguments: Arguments
    ) throws(UsageError) -> RemoteServer {
        var server = server
        let times = Duration.milliseconds(1)...Duration.seconds(86_400)
        if let time = try arguments.duration("time-max", in: times) { server.time = time }
        if let size = try arguments.size("output-max", in: 1...(1 << 40)) { server.output = size }
        return server
    }
}

/// Whether only programs of this machine can connect to an address. A name is not known to be so:
/// "127.0.0.1.example.org:80" only begins like an address.
func isLocal(_ text: String) -> Bool {
    // What is no address is a name.
    guard let address = try? SocketAddress(text) else { return false }
    return address.isUnix || address.host == "::1" || address.host.hasPrefix("127.")
}

/// Has a server run a command, prints what it says, and ends as it did.
private func show(
    _ name: String, adding bytes: [UInt8], over messages: Messages
) async throws {
    try await messages.write(Message(header: ["run": .text(name)], body: bytes))
    while true {
        let piece = try await messages.answer()
        switch (piece.header["from"], piece.header["exit"], piece.header["killed"]) {
        case ("out", _, _): try await ByteWriter.standardOutput.write(piece.body)
        case ("err", _, _): try await ByteWriter.standardError.write(piece.body)
        case (_, 0, _): return
        case (_, .number(let code), _): throw ExitCode(code: Int32(truncatingIfNeeded: code))
        case (_, _, .text(let signal)): throw Failure(.io, "\(name) was killed by \(signal)")
        case _ where piece.header["nonce"] != nil:
            throw Failure(.notAllowed, "the server wants to know who asks: give --user and --keys")
        default: throw Failure(.data, "the server sends what is none of its answers")
        }
    }
}
