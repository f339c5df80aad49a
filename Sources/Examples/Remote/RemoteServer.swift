import Swiftlet

/// Runs allowed commands for clients, and sends what they say while they say it.
struct RemoteServer: Sendable {
    let allowed: AllowList
    /// How long a command may take.
    var time = Duration.seconds(60)
    /// Bytes that it may say.
    var output = 1 << 24

    /// Serves one client, which asks for a command.
    func serve(_ messages: Messages) async throws {
        try await messages.serve { request in
            let command = try allowed.command(request.header.text("run"), adding: request.body)
            let ending = try await run(command, for: messages)
            switch ending {
            case .exited(let code): return Message(header: ["exit": .number(code)])
            case .killed(let signal): return Message(header: ["killed": .text("\(signal)")])
            case nil: return nil
            }
        }
    }

    /// Runs a command to its end, its limits, or the end of the client, for which it is nil. What
    /// it has started ends with it: it leads a process group.
    private func run(
        _ command: AllowList.Command, for messages: Messages
    ) async throws -> Subprocess.Ending? {
        var options = Subprocess.Options()
        (options.input, options.error) = (.null, .pipe)
        // Nothing that the server was started with, such as its secrets.
        options.environment = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]
        options.directory = "/"
        options.grace = .seconds(1)
        do {
            return try await withTimeout(time) {
                try await Subprocess.run(command.program, command.arguments, options: options) {
                    try await follow($0, for: messages)
                }
            }
        } catch let error as TimeoutError {
            throw Failure(.io, "it was ended: \(error)")
        } catch is ClientHasGone {
            return nil
        } catch let error as IOError where error.operation == .run {
            throw Failure(.unavailable, "\(error)")
        }
    }

    /// Passes on what a program says until it has ended, and looks for the end of the client.
    private func follow(
        _ program: Subprocess, for messages: Messages
    ) async throws -> Subprocess.Ending {
        let writer = OutputWriter(messages: messages, limit: output)
        return try await withThrowingTaskGroup(of: Subprocess.Ending.self) { group in
            // Both at once: a program that fills the pipe that is read second waits for ever, and
            // so does what reads the first to its end.
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { streams in
                    streams.addTask { try await writer.pass(program.standardOutput, as: "out") }
                    streams.addTask { try await writer.pass(program.standardError, as: "err") }
                    // The first that fails ends both; awaited in turn, one that says nothing would
                    // hide that the other one says too much.
                    for try await _ in streams {}
                }
                return try await program.wait()
            }
            // A program that says nothing for hours would not hear that its reader has gone.
            group.addTask {
                // A word out of turn ends it, too.
                _ = try await messages.connection.peek()
                throw ClientHasGone()
            }
            defer { group.cancelAll() }
            guard let ending = try await group.next() else { throw ClientHasGone() }
            return ending
        }
    }
}

private struct ClientHasGone: Error {}

/// Two streams of a program on their way into one connection, piece by piece as they come. What
/// came first is sent first; of pieces that are there together, the program's own order is known
/// to nobody but itself.
private actor OutputWriter {
    private let messages: Messages
    private let limit: Int
    private var count = 0
    private let turn = Lock(name: "turn to write")

    init(messages: Messages, limit: Int) { (self.messages, self.limit) = (messages, limit) }

    /// Sends what a stream has until it ends.
    nonisolated func pass(_ stream: ByteReader, as name: String) async throws {
        while let bytes = try await stream.read() {
            try await send(Array(bytes), as: name)
        }
    }

    private func send(_ bytes: [UInt8], as name: String) async throws {
        count += bytes.count
        guard count <= limit else {
            throw Failure(.io, "it was ended: it says more than \(limit) bytes")
        }
        // Two tasks may not write at the same time, and an actor lets the next one in at an await.
        try await turn.withLock {
            try await messages.write(Message(header: ["from": .text(name)], body: bytes))
        }
    }
}
