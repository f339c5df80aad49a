import Swiftlet

/// Everything that a seed decides about the echo service, its clients, and what goes wrong.
struct WorldPlan: Sendable {
    /// Nothing goes wrong and no time is short, so nothing may fail.
    let isCalm: Bool
    /// Everything takes whole ticks, the network too, so that much happens at the same instant.
    let tick: Duration?
    let service: ServicePlan
    let clients: [ClientPlan]
    /// How many faults there are, and when the last one is over.
    let faults: Int
    let length: Duration
    let faultSeed: UInt64
    /// How long the server is out of reach: so long that the kernel, too, gives up.
    let outage: Duration?
    /// Whether clients are also on the host of the server.
    let hasNeighbours: Bool

    /// Hosts that only have clients.
    static let clientHosts = 2

    init(seed: UInt64) {
        var draw = Draw(seed: seed)
        let isCalm = draw.oneIn(8)
        let tick = draw.oneIn(2) ? Duration.milliseconds(draw.any(of: [1, 10, 50])) : nil
        let isLong = draw.oneIn(12)
        let length = Duration.seconds(isLong ? draw.number(200...3000) : draw.size(upTo: 60))
        let hasNeighbours = draw.oneIn(3)
        self.isCalm = isCalm
        self.tick = tick
        self.length = length
        outage = isLong && !isCalm ? min(length * 3 / 4, .seconds(1000)) : nil
        self.hasNeighbours = hasNeighbours
        service = ServicePlan(
            &draw, isCalm: isCalm, tick: tick, length: length, hasOutage: outage != nil)
        faults = isCalm ? 0 : draw.size(upTo: 32)
        faultSeed = draw.next()
        clients = (1...draw.number(1...8)).map { number in
            let host = draw.number(0...WorldPlan.clientHosts - (hasNeighbours ? 0 : 1))
            return ClientPlan(
                &draw, number, host: host, isCalm: isCalm, tick: tick, length: length)
        }
    }
}

/// How the server serves.
struct ServicePlan: Sendable {
    /// How a handler echoes.
    enum Style: Sendable {
        /// It writes the bytes that it was lent.
        case lent
        /// It reads into memory of its own.
        case copied
        /// One task reads and another one writes.
        case split
    }

    let style: Style
    /// How long a handler thinks before it answers.
    let thought: Duration
    /// How long a handler waits for bytes, by `withTimeout`.
    let scope: Duration?
    let hasSmallBuffers: Bool
    let idleTimeout: Duration?
    let connectionsMax: Int?
    let backlog: Int
    /// When the server is stopped, to start again.
    let stop: Duration?
    let grace: Duration

    init(
        _ draw: inout Draw, isCalm: Bool, tick: Duration?, length: Duration, hasOutage: Bool
    ) {
        style = draw.any(of: [.lent, .copied, .split])
        thought = draw.oneIn(2) ? draw.time(upTo: .milliseconds(20), tick: tick) : .zero
        let scope = Duration.milliseconds(200 + draw.size(upTo: 10_000))
        self.scope = !isCalm && draw.oneIn(4) ? scope : nil
        hasSmallBuffers = draw.oneIn(3)
        let idle = Duration.milliseconds(200 + draw.size(upTo: 30_000))
        // A client that the kernel has given up is never heard of again.
        idleTimeout = hasOutage || !isCalm && draw.oneIn(2) ? idle : nil
        let most = draw.number(1...4)
        connectionsMax = !isCalm && draw.oneIn(4) ? most : nil
        backlog = draw.any(of: [0, 1, 4, 1024])
        let stop = draw.time(upTo: length, tick: tick)
        self.stop = !isCalm && draw.oneIn(3) ? stop : nil
        grace = draw.time(upTo: .seconds(2), tick: tick)
    }
}
