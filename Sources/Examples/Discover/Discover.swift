import Flags
import Glibc
import Swiftlet

// Services announce themselves to a group, and clients find them: no address is configured.

extension Program {
    static let discover = Program(
        "discover", "Finds services in the local network, and makes one found.",
        usage: ["announce KIND NAME PORT [options]", "find KIND [options]"],
        [
            FlagGroup(
                "Network:",
                [
                    Flag(
                        "group", nil, "HOST:PORT",
                        help: "the group to which all of it is sent (239.255.77.88:7788;"
                            + " [ff02::4d58]:7788 is for IPv6)"),
                    Flag("broadcast", help: "send to all on the link, 255.255.255.255, instead"),
                    Flag("interface", nil, "NAME", help: "use this one (what routing says)"),
                ]),
            FlagGroup(
                "Finding:",
                [
                    Flag("wait", nil, "TIME", help: "how long to gather answers (2s)"),
                    Flag("max", nil, "N", help: "services to find at most (1000)"),
                ]),
        ], positionalsMax: 4, footer: ["find * finds services of every kind. 69: there is none."]
    ) { arguments in
        let place = try Meeting(arguments)
        let words = arguments.positionals
        guard words.dropFirst().prefix(2).allSatisfy(DiscoveryMessage.isWord) else {
            throw UsageError("KIND and NAME are 1 to 63 letters of ASCII, without spaces")
        }
        switch (words.first, words.count) {
        case ("announce", 4):
            guard let port = UInt16(words[3]) else { throw UsageError("PORT is 0 to 65535") }
            let service = Announcement(kind: words[1], name: words[2], port: port)
            try await untilSignal {
                try await place.announce(service) { try await say("listening on \($0)") }
            }
        case ("find", 2):
            let time = try arguments.duration("wait", in: .milliseconds(1)...(.seconds(3_600)))
            let found = try await place.find(
                words[1], within: time ?? .seconds(2),
                atMost: try arguments.count("max", in: 1...1_000_000) ?? 1_000
            ) { service, host in
                try await say("\(service.kind) \(service.name) \(host.with(port: service.port))")
            }
            if found == 0 { throw Failure(.unavailable, "there is no \(words[1]) here") }
        default: throw UsageError("say announce KIND NAME PORT, or find KIND")
        }
    }

    private static func untilSignal(_ body: @escaping @Sendable () async throws -> Void)
        async throws
    {
        let working = try spawn(name: "service", body)
        let listening = try spawn(name: "signals") {
            for await _ in Signals(.interrupt, .terminate) { working.cancel() }
        }
        defer { listening.cancel() }
        // A signal has ended it.
        do { try await working.value } catch IOError.cancelled {}
    }
}

/// Where services and those that look for them meet: a group, or all of a link.
struct Meeting: Sendable {
    let address: SocketAddress
    let isBroadcast: Bool
    /// The index of the interface; 0 leaves it to routing.
    let interface: Int

    init(_ address: SocketAddress, isBroadcast: Bool = false, interface: Int = 0) {
        (self.address, self.isBroadcast, self.interface) = (address, isBroadcast, interface)
    }

    /// Answers questions until it is cancelled; tells where it receives.
    func announce(
        _ service: Announcement, began: (SocketAddress) async throws -> Void = { _ in }
    ) async throws {
        // Several services of a machine share the port (ip(7)): each gets what is sent to a group.
        let any = address.isIPv6 ? "[::]" : "0.0.0.0"
        let socket = try await DatagramSocket.bind(
            to: "\(any):\(address.port)", options: options.merging([.reuseAddress: 1]) { $1 })
        if !isBroadcast { try await socket.join(address, on: interface) }
        try await began(socket.localAddress)
        try await socket.send(DiscoveryMessage.announcement(service).bytes, to: address)
        while true {
            let datagram = try await socket.receive()
            guard case .query(let kind, let number)? = DiscoveryMessage(datagram.bytes),
                kind == "*" || kind == service.kind
            else { continue }
            // To the one that asked, and not at once: if a thousand answer at the same moment, its
            // buffer has no room for most of them (RFC 6762, 6).
            try await sleep(for: .milliseconds(.random(in: 0...50)))
            // It may be gone by now, which is no reason to end.
            try? await datagram.reply(DiscoveryMessage.answer(service, number: number).bytes)
        }
    }

    /// Asks, and calls `found` once for each service with the address that it answered from; says
    /// how many there were.
    func find(
        _ kind: String, within time: Duration, atMost limit: Int,
        _ found: (Announcement, SocketAddress) async throws -> Void
    ) async throws -> Int {
        let any = address.isIPv6 ? "[::]:0" : "0.0.0.0:0"
        let socket = try await DatagramSocket.bind(to: any, options: options)
        let query = UInt64.random(in: 0 ... .max)
        let begin = ContinuousClock.now
        var known: Set<String> = []
        // A question or its answer may be lost: it is asked three times, and who has answered
        // answers again. So each is known by what it says, and where it is.
        for part in 1...3 {
            try await socket.send(
                DiscoveryMessage.query(kind: kind, number: query).bytes, to: address)
            while known.count < limit,
                let datagram = try await socket.receive(until: begin.advanced(by: time * part / 3))
            {
                guard case .answer(let service, query)? = DiscoveryMessage(datagram.bytes),
                    kind == "*" || kind == service.kind,
                    known.insert("\(service) \(datagram.sender)").inserted
                else { continue }
                try await found(service, datagram.sender)
            }
        }
        return known.count
    }

    /// Nothing leaves the link: a router passes on what may go further, and so far the default is
    /// 1 for groups, but that is the system's to change.
    private var options: [SocketOption: Int] {
        if isBroadcast { return [.broadcast: 1].merging(through(.boundInterface)) { $1 } }
        let isIPv6 = address.isIPv6
        return [isIPv6 ? .multicastTimeToLiveIPv6 : .multicastTimeToLive: 1]
            .merging(through(isIPv6 ? .multicastInterfaceIPv6 : .multicastInterface)) { $1 }
    }

    private func through(_ option: SocketOption) -> [SocketOption: Int] {
        interface == 0 ? [:] : [option: interface]
    }
}

extension Meeting {
    fileprivate init(_ arguments: Arguments) throws {
        let isBroadcast = arguments.has("broadcast")
        let usual = isBroadcast ? "255.255.255.255:7788" : "239.255.77.88:7788"
        let name = arguments.text("interface")
        let index = name.map { Int(if_nametoindex($0)) } ?? 0
        if let name, index == 0 { throw UsageError("there is no interface '\(name)'") }
        self.init(
            try SocketAddress(arguments.text("group") ?? usual), isBroadcast: isBroadcast,
            interface: index)
    }
}
