import Flags
import Swiftlet

// Messages over a stream, by a server that numbers them and a client that sends several at once.

extension Program {
    static let framed = Program(
        "framed", "Sends messages with a length before them, and numbers each.",
        usage: ["[options]", "send [options] TEXT..."],
        [
            Service.flags(port: 7021), Client.flags(port: 7021),
            FlagGroup(
                "Messages:",
                [Flag("size-max", nil, "SIZE", help: "bytes of a message at most (1m)")]
            ),
        ],
        positionalsMax: 1_000,
        footer: ["'send' sends all of its texts in one piece, and gets an answer to each."]
    ) { arguments in
        let bodyMax = try arguments.size("size-max", in: 0...(1 << 30)) ?? 1 << 20
        guard try arguments.verb(of: ["send"]) != nil else {
            return try await Service(arguments, port: 7021).serve { connection in
                try await numbered(Messages(connection: connection, bodyMax: bodyMax))
            }
        }
        let client = try Client(arguments, port: 7021)
        try await client.call { connection in
            let messages = Messages(connection: connection, bodyMax: bodyMax)
            for text in try await answers(to: arguments.positionals.dropFirst(), client, messages) {
                try await say(text)
            }
        }
    }
}

/// Sends each message back with its number.
func numbered(_ messages: Messages) async throws {
    var count = 0
    try await messages.serve { request in
        count += 1
        return Message(header: ["number": .number(count)], body: request.body)
    }
}

/// Sends all texts as one piece, and takes the answers as they come.
private func answers(
    to texts: some Collection<String>, _ client: Client, _ messages: Messages
) async throws -> [String] {
    let requests = texts.map { Message(header: [:], body: Array($0.utf8)) }
    // Beside each other: with both sides writing and none reading, the buffers between them fill,
    // and that is the end of it.
    async let sending: Void = messages.write(requests)
    var answers: [String] = []
    for _ in requests {
        let answer = try await messages.answer(timeout: client.timeout)
        let text = printable(String(decoding: answer.body, as: UTF8.self))
        answers.append("\(try answer.header.number("number")): \(text)")
    }
    try await sending
    return answers
}
