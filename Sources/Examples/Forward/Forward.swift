import Flags
import Swiftlet

// A port that is somewhere else: what a client sends goes to a target, and what that answers comes
// back. The naive form closes both sides when one has ended; then "send a request, end, read the
// answer", which nc and many protocols do, loses the answer. `relay` passes on the end of each
// direction for itself.

extension Program {
    static let forward = Program(
        "forward", "Forwards connections to one of several targets.",
        usage: ["--to ADDRESS [--to ADDRESS …] [options]"],
        [
            FlagGroup(
                "Targets:",
                [
                    Flag(
                        "to", "t", "ADDRESS", isRepeatable: true,
                        help: "HOST:PORT or unix:PATH; several take turns, dead ones are skipped"),
                    Flag("connect-timeout", nil, "TIME", help: "patience with a target (5s)"),
                    Flag("report", nil, "TIME", help: "a line of counters so often (10s)"),
                ]),
            Service.flags(port: 7011),
        ]
    ) { arguments in
        let service = try Service(arguments, port: 7011)
        let targets = arguments.texts("to")
        guard !targets.isEmpty else { throw UsageError("where to? give --to HOST:PORT") }
        for target in targets where !target.contains(":") {
            throw UsageError("--to '\(target)' has no port: give HOST:PORT or unix:PATH")
        }
        let day = Duration.seconds(86_400)
        let patience =
            try arguments.duration("connect-timeout", in: .milliseconds(1)...day) ?? .seconds(5)
        let interval = try arguments.duration("report", in: .milliseconds(100)...day)
        let balancer = Balancer(targets)
        let reporting = try spawn(name: "report") {
            while true {
                try await sleep(for: interval ?? .seconds(10))
                try await say(await balancer.line())
            }
        }
        defer { reporting.cancel() }
        try await service.serve { try await pass($0, by: balancer, patience: patience) }
        try await say(await balancer.line())
    }
}

/// Connects a client to the first target that answers, until both directions have ended.
@Sendable func pass(
    _ client: Connection, by balancer: Balancer, patience: Duration = .seconds(5)
) async throws {
    for number in await balancer.order() {
        let target: Connection
        do {
            target = try await Connection.connect(
                to: balancer.targets[number], timeout: patience)
        } catch IOError.cancelled {
            throw IOError(.connect, .cancelled)
        } catch {
            await balancer.fail(number)
            continue
        }
        await balancer.open(number)
        do {
            let bytes = try await relay(between: client, and: target)
            await balancer.close((bytes.fromOne, bytes.fromOther))
        } catch {
            await balancer.close(nil)
            throw error
        }
        return
    }
    await balancer.refuse()
    // An end in order would look like an empty answer.
    try await client.reset()
}
