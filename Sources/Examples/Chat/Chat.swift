import Flags
import Swiftlet

// A chat with rooms, for lines over TCP and for datagrams over UDP at once. The naive form writes
// to every client from the task of the one that spoke: then one client that does not read stops the
// room. Here each client has two tasks, and neither waits for another client.

extension Program {
    static let chat = Program(
        "chat", "Lets people talk in rooms, over TCP and UDP.",
        [
            Service.flags(port: 7010, idle: .seconds(3600)),
            FlagGroup(
                "Chat:",
                [
                    Flag("udp", nil, "ADDRESS", help: "HOST:PORT for datagrams, too"),
                    Flag("history", nil, "N", help: "lines that newcomers to a room see (20)"),
                    Flag(
                        "outbox", nil, "N",
                        help: "lines that may wait for a client before it is dropped (100)"),
                ]),
        ],
        footer: ["Talk to it with nc: nc 127.0.0.1 7010, then /help."]
    ) { arguments in
        let service = try Service(arguments, port: 7010, idle: .seconds(3600))
        var limits = Hall.Limits()
        limits.history = try arguments.count("history", in: 0...10_000) ?? limits.history
        limits.outbox = try arguments.count("outbox", in: 2...100_000) ?? limits.outbox
        let hall = Hall(limits: limits)
        guard let address = arguments.text("udp") else {
            return try await service.serve { try await converse(with: $0, in: hall) }
        }
        let datagrams = try DatagramServer(sockets: [try await DatagramSocket.bind(to: address)])
        try await say("listening for datagrams on \(datagrams.address)")
        async let serving: Void = datagrams.servePeers { try await converse(with: $0, in: hall) }
        try await service.serve { try await converse(with: $0, in: hall) }
        datagrams.stop()
        try await serving
    }
}

/// Serves a client of lines until it leaves, or is dropped.
@Sendable func converse(with client: Connection, in hall: Hall) async throws {
    let (number, outbox) = await hall.enter()
    async let telling: Void = tell(client, outbox)
    do {
        while let line = try await client.readLine(limit: 1_000),
            await hall.hear(ChatLine(line), from: number)
        {}
    } catch {
        await hall.leave(number, "is gone")
        // The line broke; that the last words did not arrive is no news.
        _ = try? await telling
        throw error
    }
    await hall.leave(number)
    try await telling
}

/// Writes what the hall has for a client, until there is no more. A client that takes ten seconds
/// for a line does not read. The end of this is the end of the connection, and of the task that
/// reads from it.
private func tell(_ client: Connection, _ lines: Channel<String>) async throws {
    defer { client.close() }
    for try await line in lines { try await client.write(line + "\n", timeout: .seconds(10)) }
}

/// The same over datagrams: a peer is whoever sends from one address, and leaves by `/quit` or by
/// silence. A line may get lost; to be sure is what TCP is for.
///
/// The sender's address may be forged: so it is told no history, which would be a thousand times
/// what it has sent, and another server's answer, which begins with a star, is answered by none.
@Sendable func converse(with peer: DatagramPeer, in hall: Hall) async throws {
    let (number, outbox) = await hall.enter(hearsHistory: false)
    async let telling: Void = {
        for try await line in outbox { try await peer.send(line + "\n") }
    }()
    while let datagram = try await peer.receive() {
        let text = String(decoding: datagram.bytes.prefix(1_000), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        if line.hasPrefix("*") { continue }
        guard await hall.hear(ChatLine(line), from: number) else { break }
    }
    await hall.leave(number)
    try await telling
}
