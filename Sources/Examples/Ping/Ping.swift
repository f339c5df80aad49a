import Flags
import Swiftlet

// Is a machine there, and how far away? Echo requests of ICMP, which its kernel answers.

extension Program {
    static let ping = Program(
        "ping", "Sends echo requests to a host, and tells how long the answers take.",
        usage: ["HOST [options]"],
        [
            FlagGroup(
                "Requests:",
                [
                    Flag("count", "c", "N", help: "how many (until SIGINT)"),
                    Flag("interval", "i", "TIME", help: "from one to the next (1s)"),
                    Flag("timeout", "W", "TIME", help: "time for the last answers (1s)"),
                    Flag("size", "s", "SIZE", help: "bytes of data, 8 to 65000 (56)"),
                    Flag("quiet", "q", help: "print the figures alone"),
                ])
        ], positionalsMax: 1,
        footer: ["HOST is a name, or an address: 127.0.0.1, ::1. 69 says that nothing answered."]
    ) { arguments in
        guard let host = arguments.positionals.first else { throw UsageError("say which HOST") }
        let range = Duration.milliseconds(2)...Duration.seconds(86_400)
        let pinger = Pinger(
            count: try arguments.count("count", in: 1...1_000_000_000) ?? .max,
            interval: try arguments.duration("interval", in: range) ?? .seconds(1),
            timeout: try arguments.duration("timeout", in: range) ?? .seconds(1),
            size: try arguments.size("size", in: 8...65_000) ?? 56)
        let isQuiet = arguments.has("quiet")
        let target = try await PingSocket(to: host)
        try await say("ping \(target.name), \(pinger.size) bytes")
        let tally = try await untilSignal { tally in
            try await pinger.run(target, &tally) { if !isQuiet { try await say($0) } }
        }
        for line in tally.summary { try await say(line) }
        if tally.received == 0 { throw Failure(.unavailable, "\(target.name) does not answer") }
    }

    /// What there is of the figures when `body` ends, or a signal ends it.
    private static func untilSignal(
        _ body: @escaping @Sendable (inout PingTally) async throws -> Void
    ) async throws -> PingTally {
        let pinging = try spawn(name: "ping") {
            var tally = PingTally()
            // A signal has ended it: what it has counted is what there is.
            do { try await body(&tally) } catch IOError.cancelled {}
            return tally
        }
        let listening = try spawn(name: "signals") {
            for await _ in Signals(.interrupt, .terminate) { pinging.cancel() }
        }
        defer { listening.cancel() }
        return try await pinging.value
    }
}

/// A socket for echoes: of the kind that takes no privileges where the system has it, or a raw one.
struct PingSocket: Sendable {
    let socket: DatagramSocket
    let isRaw: Bool
    var isIPv6: Bool { socket.remoteAddress?.isIPv6 ?? false }
    var name: String { socket.remoteAddress?.host ?? "" }

    /// Connected, so that it hears when the network says that there is no way.
    init(to host: String) async throws {
        let address = host.contains(":") ? "[\(host)]:0" : "\(host):0"
        do {
            socket = try await DatagramSocket.connect(to: address, kind: .ping)
            isRaw = false
        } catch let error as IOError where IOError.notAllowed ~= error {
            // When that is not allowed either, what was said of pings is easier to change.
            let kind = DatagramKind.raw(host.contains(":") ? 58 : 1)
            guard let raw = try? await DatagramSocket.connect(to: address, kind: kind) else {
                throw error
            }
            (socket, isRaw) = (raw, true)
        }
    }
}

struct Pinger: Sendable {
    let count: Int
    let interval: Duration
    /// How long the last answers may take.
    let timeout: Duration
    let size: Int

    /// Sends and receives, by one task: what it waits for is an answer, until the next request is
    /// due. Requests are due at instants that are fixed from the first on: to sleep for the
    /// interval after each would add what sending takes, and drift.
    func run(
        _ target: PingSocket, _ tally: inout PingTally, _ tell: (String) async throws -> Void
    ) async throws {
        // A raw socket gets the answers to every ping of this machine, so it must know its own: by
        // the first bytes of the data, which nobody else can guess, and which come back.
        let nonce = withUnsafeBytes(of: UInt64.random(in: 0 ... .max), Array.init)
        let data = (0..<size).map { $0 < nonce.count ? nonce[$0] : UInt8(truncatingIfNeeded: $0) }
        var due = ContinuousClock.now
        while tally.received < count {
            if tally.sent < count, due <= .now {
                try await send(data, to: target, &tally, tell)
                due = due.advanced(by: tally.sent < count ? interval : timeout)
            }
            if let line = try await receive(data, of: target, &tally, until: due) {
                try await tell(line)
            } else if tally.sent == count, due <= .now {
                return
            }
        }
    }

    private func send(
        _ data: [UInt8], to target: PingSocket, _ tally: inout PingTally,
        _ tell: (String) async throws -> Void
    ) async throws {
        let number = tally.send(at: .now)
        let packet = EchoPacket(
            identifier: UInt16(data[0]) << 8 | UInt16(data[1]),
            sequence: UInt16(truncatingIfNeeded: number), data: data)
        do {
            try await target.socket.send(packet.request(isIPv6: target.isIPv6))
        } catch {
            guard error.isOfNetwork else { throw error }
            try await tell("\(target.name): \(error)")
        }
    }

    /// Waits for an answer, and says it in a line; nil when there is none in time.
    private func receive(
        _ data: [UInt8], of target: PingSocket, _ tally: inout PingTally,
        until deadline: ContinuousClock.Instant
    ) async throws -> String? {
        do {
            while let datagram = try await target.socket.receive(until: deadline) {
                let now = ContinuousClock.now
                let hasHeader = target.isRaw && !target.isIPv6
                guard
                    let reply = EchoPacket(
                        reply: datagram.bytes, isIPv6: target.isIPv6, hasHeader: hasHeader),
                    reply.data == data, let found = tally.receive(reply.sequence, at: now)
                else { continue }
                return "\(reply.data.count + 8) bytes from \(target.name): "
                    + "seq=\(found.number) time=\(fixed(found.milliseconds, 3)) ms"
                    + (found.isDoubled ? " (doubled)" : "")
            }
            return nil
        } catch let error as IOError where error.isOfNetwork {
            return "\(target.name): \(error)"
        }
    }
}

extension IOError {
    /// Whether the network says that a request did not arrive: the next one may.
    fileprivate var isOfNetwork: Bool { if case .system = reason { true } else { false } }
}
