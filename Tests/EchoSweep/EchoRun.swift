import Swiftlet
import SwiftletSimulation

/// One world of the sweep: what is done in it, and what must hold.
struct EchoRun: Sendable {
    private let world: World
    private let worldPlan: WorldPlan
    let ledger = Ledger()
    /// The hosts by the numbers in the plans of clients; the last one is the server.
    private let hosts: [SimulatedHost]

    private static let port: UInt16 = 7788
    /// How long any client may take when nothing goes wrong, and connections may be served after
    /// their clients have gone.
    private static let ample = Duration.seconds(300)
    /// How long one may take that is alone and does not pause.
    private static let ampleAlone = Duration.seconds(30)

    init(in world: World) throws {
        let random = world.random
        worldPlan = WorldPlan(seed: random.next())
        let service = EchoService(
            plan: worldPlan.service, address: try SocketAddress("0.0.0.0:\(EchoRun.port)"),
            ledger: ledger)
        let clients = (1...WorldPlan.clientHosts).map { world.host("clients \($0)") }
        hosts = clients + [world.host("server") { try await service.run() }]
        self.world = world
    }

    private var server: SimulatedHost { hosts[WorldPlan.clientHosts] }

    /// Does what the plan says, and throws when something does not hold.
    func play() async throws {
        let faults = plan()
        // Where nothing goes wrong no client comes too early; one on the server's host might.
        if worldPlan.isCalm { try await server.untilListening(port: EchoRun.port) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for plan in worldPlan.clients { group.addTask { try await play(plan) } }
            if let time = worldPlan.service.stop {
                group.addTask {
                    try await sleep(for: time)
                    ledger.server?.stop(grace: worldPlan.service.grace, endingIdle: false)
                }
            }
            try await group.waitForAll()
        }
        let left = faults.end - world.elapsed
        if left > .zero { try await sleep(for: left) }
        world.network.heal()
        // A server that starts now needs a moment.
        try await server.untilListening(port: EchoRun.port)
        try await settle()
        for host in hosts.indices { try await serveFreshClient(on: host) }
        try ledger.check()
        countLoops()
    }

    /// Lets go wrong what the plan says, beginning now.
    private func plan() -> FaultPlan {
        if worldPlan.isCalm { ledger.count(.calm) }
        if let tick = worldPlan.tick { world.network.inject(.latency(.constant(tick))) }
        var plan = FaultPlan.random(
            seed: worldPlan.faultSeed, count: worldPlan.faults, among: hosts, crashing: [server],
            within: worldPlan.length)
        if let outage = worldPlan.outage {
            plan.entries.append(
                .init(.partition, .of(server), after: worldPlan.length / 8, for: outage))
        }
        world.network.apply(plan)
        for event in plan.entries.compactMap(\.fault.event) { ledger.count(event) }
        return plan
    }

    // MARK: Clients

    /// Lets a client do what it plans; where nothing goes wrong, that must succeed.
    private func play(_ plan: ClientPlan) async throws {
        let start = world.elapsed
        guard let outcome = try await outcome(of: plan), worldPlan.isCalm else { return }
        try check(outcome, of: plan, since: start, within: EchoRun.ample + plan.pauses)
    }

    private func check(
        _ outcome: EchoClient.Outcome, of plan: ClientPlan, since start: Duration,
        within time: Duration
    ) throws(Violation) {
        if case .failed(let why) = outcome { throw .failedInCalm(client: plan.number, why) }
        if world.elapsed - start > time { throw .starved(client: plan.number, after: time) }
    }

    /// How a client ends; nil when it was cancelled before, or went down with its host.
    private func outcome(of plan: ClientPlan) async throws -> EchoClient.Outcome? {
        let client = EchoClient(
            plan: plan, address: server.address(port: EchoRun.port), ledger: ledger)
        let host = hosts[plan.host]
        do {
            guard let time = plan.cancellation else {
                return try await host.run { try await client.run() }
            }
            switch plan.canceller {
            case .sameHost:
                return try await host.run {
                    try await cancelled(after: time) { try await client.run() }
                }
            case .otherHost:
                return try await cancelled(after: time) {
                    try await host.run { try await client.run() }
                }
            }
        } catch is HostIsDown {
            ledger.count(.hostDown)
            return nil
        }
    }

    private func cancelled(
        after time: Duration,
        _ body: @escaping @Sendable () async throws -> EchoClient.Outcome
    ) async throws -> EchoClient.Outcome {
        let task = try spawn { try await body() }
        try await sleep(for: time)
        task.cancel()
        return try await task.value
    }

    // MARK: The end

    /// Waits until no connection is served any more.
    private func settle() async throws {
        let limit = world.elapsed + EchoRun.ample
        while let open = ledger.server?.statistics.open, open > 0 {
            if world.elapsed > limit { throw Violation.stillServed(open) }
            try await sleep(for: .milliseconds(250))
        }
    }

    /// Lets a client on a host be served that is alone; nothing goes wrong any more.
    private func serveFreshClient(on host: Int) async throws {
        let plan = ClientPlan(fresh: 100 + host, host: host)
        let start = world.elapsed
        if let outcome = try await outcome(of: plan) {
            try check(outcome, of: plan, since: start, within: EchoRun.ampleAlone)
        }
        try await settle()
    }

    private func countLoops() {
        for statistics in hosts.compactMap(\.statistics) {
            ledger.count(.parks, statistics.parks)
            ledger.count(.spuriousWakes, statistics.spuriousWakes)
            ledger.count(.wouldBlocks, statistics.wouldBlocks)
        }
        ledger.count(.simulatedSeconds, Int(world.elapsed / .seconds(1)))
    }
}
