import Flags
import Swiftlet

// A server that listens to its keyboard, too.
//
// The naive form reads the keyboard in the loop that accepts: while it waits for one, the other is
// deaf. The way of the textbooks is `select` over both; here each has a task, which waits for its
// own, and neither holds the other up.

extension Program {
    static let keyboard = Program(
        "keyboard", "Echoes for clients, and obeys the keys of its terminal.",
        [Service.flags(port: 7026)],
        footer: [
            "Keys: q ends it as SIGTERM does, Q at once, c tells how many clients are there.",
            "Without a terminal each line of standard input is taken for keys.",
        ]
    ) { arguments in
        let service = try Service(arguments, port: 7026)
        let server = try await service.listen()
        let keyboard = Keyboard(server: server, grace: service.grace, keys: .standardInput)
        guard keyboard.keys.isTerminal else { return try await keyboard.serve(service) }
        // Otherwise a key would arrive with the line that it stands in, and Ctrl-C as a signal.
        try await keyboard.keys.withRawTerminal { try await keyboard.serve(service) }
    }
}

/// A server, and the keys that steer it.
struct Keyboard: Sendable {
    let server: StreamServer
    let grace: Duration
    let keys: ByteReader

    /// Serves until a key or a signal ends it.
    func serve(_ service: Service) async throws {
        let watching = try spawn(name: "keyboard") { try await watch() }
        defer { watching.cancel() }
        try await service.serve(with: server, echoed)
        // The last line of a raw terminal leaves the cursor where it is.
        try await tell("the end: \(server.statistics.accepted) clients were served")
    }

    /// Obeys keys until they end. The end of standard input ends nothing: daemons have none.
    private func watch() async throws {
        while let bytes = try await keys.read() {
            for index in bytes.indices { try await obey(bytes[index]) }
        }
    }

    private func obey(_ key: UInt8) async throws {
        switch Character(Unicode.Scalar(key)) {
        // Ctrl-C and Ctrl-D are keys like any other here.
        case "q", "\u{3}", "\u{4}": server.stop(grace: grace)
        case "Q": server.stop()
        case "c": try await tell("\(server.statistics.open) clients")
        case "\n", "\r", " ": break
        default: try await tell("keys: q and Q end it, c counts clients")
        }
    }

    /// In a raw terminal a line feed goes down, and not back.
    private func tell(_ line: String) async throws { try await say("\(line)\r") }
}
