import Flags
import Swiftlet
import Syscalls

// One handler, served in every way that `socketserver` of Python has, and as coroutines:
//
//                  streams                        datagrams
//     iterating    one client after the other     one datagram after the other
//     threading    a thread for each client       a thread for each datagram
//     forking      a process for each client      a process for each datagram
//     coroutine    a task for each client         a task for each datagram
//
// Only the last row lets ten thousand clients wait. What the others cost, `loadtest compare` shows.

/// What is answered to what came.
typealias Answering = @Sendable ([UInt8]) -> [UInt8]

extension Program {
    static let servers = Program(
        "servers", "Serves one handler by iteration, threads, processes or tasks.",
        [
            FlagGroup(
                "Serving:",
                [
                    Flag(
                        "kind", "k", "KIND",
                        help: "iterating, threading, forking or coroutine (coroutine)"),
                    Flag("listen", "l", "ADDRESS", help: "HOST:PORT to listen on (127.0.0.1:7013)"),
                    Flag("udp", help: "datagrams instead of streams"),
                    Flag("upper", help: "answer in capitals"),
                    Flag("max-conns", nil, "N", help: "clients served at a time (1000)"),
                ])
        ]
    ) { arguments in
        try await serve(arguments)
    }
}

private func serve(_ arguments: Arguments) async throws {
    let text = arguments.text("listen") ?? "127.0.0.1:7013"
    let most = try arguments.count("max-conns", in: 1...1_000_000) ?? 1_000
    let isUpper = arguments.has("upper")
    let answering: Answering = { bytes in isUpper ? bytes.map(capital) : bytes }
    if let carrier = try (arguments.choice("kind") ?? ServerKind.coroutine).carrier(most) {
        let server = try BlockingServer(
            at: SocketAddress(text), isDatagram: arguments.has("udp"), carrier)
        try await say("listening on \(server.address)")
        return try server.serve(answering)
    }
    if arguments.has("udp") { return try await serveDatagrams(text, most, answering) }
    let service = try Service(
        Program.servers.table.parse(["--listen", text, "--max-conns", "\(most)"]), port: 7013)
    try await service.serve { connection in
        while let bytes = try await connection.read() {
            try await connection.write(answering(Array(bytes)))
        }
    }
}

/// A row of the table above.
enum ServerKind: String, CaseIterable, Sendable {
    case iterating, threading, forking, coroutine

    /// What runs the work of a client; nil for tasks, which need none.
    func carrier(_ most: Int) throws -> (any Carrier)? {
        switch self {
        case .iterating: Iterating()
        case .threading: Threading(most)
        case .forking: try Forking(most)
        case .coroutine: nil
        }
    }
}

private func serveDatagrams(_ address: String, _ most: Int, _ answering: @escaping Answering)
    async throws
{
    var options = DatagramServer.Options()
    options.maxHandlers = most
    let socket = try await DatagramSocket.bind(to: address)
    let server = try DatagramServer(sockets: [socket], options: options)
    try await say("listening on \(server.address)")
    let stopping = try spawn(name: "signals") {
        for await _ in Signals(.interrupt, .terminate) { return server.stop(grace: .seconds(2)) }
    }
    defer { stopping.cancel() }
    try await server.serve { datagram in try await datagram.reply(answering(datagram.bytes)) }
}
