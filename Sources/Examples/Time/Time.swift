import Flags
import Swiftlet
import Synchronization

// The small services that every machine of the internet once had, over TCP and UDP.

extension Program {
    static let time = Program(
        "time", "Tells the time and serves its small siblings, over TCP and UDP.",
        [
            Service.flags(port: 7037),
            FlagGroup(
                "Services:",
                [
                    Flag(
                        "only", nil, "NAME",
                        help: "serve one of time, daytime, echo, discard, chargen, quote; without"
                            + " it all, each as far from the address of time as in the RFCs"),
                    Flag("max-answers", nil, "N", help: "datagrams answered in a second (1000)"),
                ]),
        ], footer: ["With --listen 0.0.0.0:37 they have the ports of the RFCs, which takes root."]
    ) { arguments in
        let only = try arguments.choice("only", SmallService.Name.self)
        let settings = try Service(arguments, port: 7037)
        let rate = try arguments.count("max-answers", in: 1...10_000_000) ?? 1_000
        var servers: [(SmallService, BothServers)] = []
        for name in only.map({ [$0] }) ?? SmallService.Name.allCases {
            var settings = settings
            if only == nil { settings.address = try address(of: name, beside: settings.address) }
            servers.append((SmallService(name), try await BothServers(settings)))
            try await say("listening on \(servers[servers.count - 1].1.address) (\(name.rawValue))")
        }
        let gate = LoopGuard(ports: servers.map(\.1.address.port), perSecond: rate)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (service, server) in servers {
                group.addTask {
                    try await server.serve(service.serve) { try await service.answer($0, gate) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Where a service listens when time does at `address`; all take free ports if that does.
    static func address(
        of name: SmallService.Name, beside address: String
    ) throws(UsageError) -> String {
        guard let (host, text) = Units.parts(of: address, at: ":"),
            let base = UInt16(text).map(Int.init)
        else {
            throw UsageError("--listen '\(address)' is not HOST:PORT")
        }
        let port = base == 0 ? 0 : base - 37 + name.rawPort
        guard (0...65_535).contains(port) else {
            throw UsageError("--listen '\(address)' leaves \(name.rawValue) the port \(port)")
        }
        return "\(host):\(port)"
    }
}

/// Keeps servers from answering each other for ever. A datagram whose sender is forged to be an
/// echo server goes to and fro between that and this one for ever (CERT CA-1996-01).
final class LoopGuard: Sendable {
    private let ports: Set<UInt16>
    private let perSecond: Int
    private let spent = Mutex<(second: ContinuousClock.Instant, count: Int)>((.now, 0))

    init(ports: [UInt16], perSecond: Int) {
        (self.ports, self.perSecond) = (Set(ports), perSecond)
    }

    /// Whether a datagram of `sender` is to be answered. No client has the port of a service: one
    /// of ours, or one below 1,024. A limit to what is answered at all makes this server a weak
    /// amplifier for those who forge another one's address.
    func admits(_ sender: SocketAddress) -> Bool {
        guard sender.port >= 1_024, !ports.contains(sender.port) else { return false }
        return spent.withLock { spent in
            let now = ContinuousClock.now
            if spent.second.duration(to: now) >= .seconds(1) { spent = (now, 0) }
            spent.count += 1
            return spent.count <= perSecond
        }
    }
}
