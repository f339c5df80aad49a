import Flags
import Swiftlet

// A proxy for `CONNECT` (RFC 9110 §9.3.6), which browsers and curl use for https: the client names
// a host, the proxy connects and then only passes bytes on. An open one is a gift to everybody that
// wants to hide: so this one listens on loopback, and connects to port 443 alone, unless it is told
// otherwise.

extension Program {
    static let proxy = Program(
        "proxy", "Connects clients of HTTP to where they ask for.",
        [
            Service.flags(port: 7012),
            FlagGroup(
                "Proxy:",
                [
                    Flag(
                        "allow-port", nil, "PORT", isRepeatable: true,
                        help: "port that clients may be connected to (443)"),
                    Flag("connect-timeout", nil, "TIME", help: "patience with a target (10s)"),
                ]),
        ],
        footer: ["Try: curl -p -x 127.0.0.1:7012 https://example.org; / shows its counters."]
    ) { arguments in
        let service = try Service(arguments, port: 7012)
        var proxy = Proxy()
        let ports = arguments.texts("allow-port")
        if !ports.isEmpty {
            proxy.ports = Set(ports.compactMap(UInt16.init).map(Int.init))
            guard proxy.ports.count == Set(ports).count, !proxy.ports.contains(0) else {
                throw UsageError("--allow-port takes numbers from 1 to 65535")
            }
        }
        proxy.patience =
            try arguments.duration("connect-timeout", in: .milliseconds(1) ... .seconds(86_400))
            ?? proxy.patience
        try await service.serve { [proxy] client in try await proxy.serve(client) }
    }
}

struct Proxy: Sendable {
    typealias Refusal = ProxyRequest.Refusal

    var ports: Set<Int> = [443]
    /// How long a target has to answer, and a client to send its head.
    var patience = Duration.seconds(10)

    func serve(_ client: Connection) async throws {
        do {
            guard let request = try await request(of: client) else { return }
            if request.method == "CONNECT" { return try await connect(client, request) }
            guard request.method == "GET" else { throw Refusal(405, "only CONNECT, and GET of /") }
            guard request.target == "/" else { throw Refusal(404, "there is only /") }
            try await answer(client, 200, "OK", await counters)
        } catch let refusal as Refusal {
            try await answer(client, refusal.status, refusal.reason, refusal.reason + "\n")
        }
    }

    /// The one request of a connection, when its head is whole; nil when nothing came.
    private func request(of client: Connection) async throws -> ProxyRequest? {
        do {
            return try await withTimeout(patience) {
                guard let first = try await client.readLine(limit: 4_096) else { return nil }
                let request = try ProxyRequest(first)
                for _ in 0..<100 {
                    if try await client.readLine(limit: 4_096)?.isEmpty != false { return request }
                }
                throw Refusal(431, "the head has more than a hundred lines")
            }
        } catch IOError.tooLong {
            throw Refusal(431, "a line of the head has more than 4 kB")
        } catch is TimeoutError {
            throw Refusal(408, "no head for \(patience)")
        }
    }

    private func connect(_ client: Connection, _ request: ProxyRequest) async throws {
        let (host, port) = try request.authority()
        guard ports.contains(port) else { throw Refusal(403, "port \(port) is not allowed") }
        let target: Connection
        do {
            target = try await Connection.connect(to: "\(host):\(port)", timeout: patience)
        } catch IOError.cancelled {
            throw IOError(.connect, .cancelled)
        } catch IOError.timedOut {
            throw Refusal(504, "\(host) does not answer")
        } catch {
            // Text of this side only: what went wrong there is not the client's to know in detail.
            throw Refusal(502, "\(host) cannot be reached")
        }
        try await client.write("HTTP/1.1 200 Connection established\r\n\r\n")
        try await relay(between: client, and: target)
    }

    private var counters: String {
        get async {
            guard let statistics = await EventLoop.current?.statistics else { return "no loop\n" }
            return """
                connections served now  \(statistics.connections)
                tasks parked            \(statistics.parks)
                turns of the loop       \(statistics.turns)
                bytes read              \(statistics.bytesRead)
                bytes written           \(statistics.bytesWritten)

                """
        }
    }

    private func answer(_ client: Connection, _ status: Int, _ reason: String, _ body: String)
        async throws
    {
        try await client.write(
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")
        // To close while something is unread is a reset, which may overtake the answer.
        try await client.closeWrite()
        for _ in 0..<16 where try await client.read(timeout: .seconds(1)) == nil { return }
    }
}
