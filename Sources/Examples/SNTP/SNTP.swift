import Flags
import Swiftlet

// How wrong is this machine's clock? Ask another one, and take the time that asking takes off.

extension Program {
    static let sntp = Program(
        "sntp", "Serves the time, and asks a server for it, by SNTP.",
        usage: ["[options]", "ask HOST:PORT [options]"],
        [
            DatagramService.flags(port: 7123),
            FlagGroup(
                "The server's time:",
                [Flag("stratum", nil, "N", help: "distance to say from a reference clock (10)")]),
            FlagGroup(
                "Asking:",
                [
                    Flag("samples", nil, "N", help: "how often to ask; the quickest counts (1)"),
                    Flag("interval", nil, "TIME", help: "from one question to the next (2s)"),
                    Flag("timeout", nil, "TIME", help: "how long to wait for an answer (1s)"),
                    Flag("tries", nil, "N", help: "how often to ask in vain (3)"),
                ]),
        ], positionalsMax: 2
    ) { arguments in
        let words = arguments.positionals
        switch (words.first, words.count) {
        case (nil, _):
            let stratum = try arguments.count("stratum", in: 1...15) ?? 10
            let server = SNTPServer(clock: .system, stratum: UInt8(stratum))
            try await DatagramService(arguments, port: 7123).serve(server.answer)
        case ("ask", 2): try await ask(words[1], arguments)
        default: throw UsageError("say nothing, or ask HOST:PORT")
        }
    }

    private static func ask(_ server: String, _ arguments: Arguments) async throws {
        let range = Duration.milliseconds(1)...Duration.seconds(86_400)
        let client = SNTPClient(
            clock: .system, timeout: try arguments.duration("timeout", in: range) ?? .seconds(1),
            tries: try arguments.count("tries", in: 1...1_000) ?? 3)
        let interval = try arguments.duration("interval", in: range) ?? .seconds(2)
        let count = try arguments.count("samples", in: 1...1_000) ?? 1
        let socket = try await DatagramSocket.connect(to: server)
        var best: NTPSample?
        for number in 0..<count {
            if number > 0 { try await sleep(for: interval) }
            let sample = try await client.sample(socket)
            // The one that was on its way for the shortest time has the smallest error.
            if sample.delay < best?.delay ?? .infinity { best = sample }
        }
        guard let best else { return }
        try await say(
            "offset \(seconds(best.offset)) +- \(seconds(best.error)), delay "
                + "\(seconds(best.delay)), stratum \(best.stratum)")
    }

    private static func seconds(_ value: Double) -> String { "\(fixed(value, 6)) s" }
}
