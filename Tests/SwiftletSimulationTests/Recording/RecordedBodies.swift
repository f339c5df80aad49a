import Swiftlet
import Syscalls

// What is recorded and replayed: the bodies of runs, all of which stay on one loop.

/// An address that no other test uses, with any free port.
func privateAddress() throws -> SocketAddress { try SocketAddress("127.9.8.7:0") }

/// How a conversation may differ from the usual one.
struct Manners: Sendable {
    var clients = 3
    var messages = ["one", "two", "three"]
    /// What the server makes of the bytes that came.
    var reply: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    /// What happens while the server serves.
    var whileServing: @Sendable (SocketAddress) throws -> Void = { _ in }
}

/// A server and some clients on the calling loop; returns what each of them heard, in order.
func conversation(
    _ manners: Manners = Manners(), noting heard: Notes<String> = Notes()
) async throws -> [String] {
    let listener = try await Listener.bind(to: privateAddress())
    let server = StreamServer(listener: listener)
    let serving = try spawn {
        defer { heard.add("the server ends") }
        try await server.serve { connection in
            while let bytes = try await connection.read() {
                let bytes = Array(bytes)
                heard.add("server: \(String(decoding: bytes, as: UTF8.self))")
                try await connection.write(manners.reply(bytes))
            }
        }
    }
    try manners.whileServing(listener.address)
    let clients = try (0..<manners.clients).map { number in
        try spawn {
            defer { heard.add("client \(number) ends") }
            try await talk(number, to: listener.address, manners.messages, heard)
        }
    }
    for client in clients { try await client.value }
    server.stop()
    try await serving.value
    return heard.all
}

private func talk(
    _ number: Int, to server: SocketAddress, _ messages: [String], _ heard: Notes<String>
) async throws {
    let connection = try await Connection.connect(to: server)
    for message in messages {
        try await connection.write("\(number) says \(message)\n")
        heard.add("client \(number): \(try await connection.readLine() ?? "nothing")")
    }
    connection.close()
}

/// What a task returns that another thread has started on the calling loop.
func spawnedFromElsewhere() async throws -> Int {
    let started = Notes<Task<Int, any Error>>()
    let loop = EventLoop.current
    let thread = try RunningThread.start {
        // Without a loop nothing is started, and the test fails for that.
        if let task = try? loop?.spawn({ 7 }) { started.add(task) }
    }
    thread.join()
    return try await started.all[0].value
}
