import Swiftlet

/// Faults with their instants: what goes wrong, where, from when on and for how long.
///
/// ```swift
/// let plan = FaultPlan.random(seed: 42, count: 20, among: [client, server], within: .seconds(60))
/// world.network.apply(plan)
/// print(plan)     //  12.5 s, for 300 ms: partition between client and server
/// ```
///
/// When a plan makes a test fail, leave out of `entries` one after the other, or halves of them,
/// for as long as the test still fails: what is left says why.
public struct FaultPlan: Hashable, Sendable {
    /// One fault of a plan.
    public struct Entry: Hashable, Sendable {
        /// When it begins, counted from when the plan is applied.
        public var start: Duration
        /// How long it lasts; a reset takes no time.
        public var time: Duration
        /// What goes wrong.
        public var fault: Fault
        /// Where it goes wrong.
        public var scope: FaultScope

        /// A fault that begins at `start` and lasts for `time`.
        public init(
            _ fault: Fault, _ scope: FaultScope, after start: Duration, for time: Duration
        ) {
            fault.check(in: scope)
            self.fault = fault
            self.scope = scope
            self.start = start
            self.time = time
        }
    }

    /// The faults, in any order; of those that begin at the same instant the later one wins.
    public var entries: [Entry]

    /// A plan of these faults.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// When the last fault ends, counted from when the plan is applied.
    public var end: Duration { entries.map { $0.start + $0.time }.max() ?? .zero }
}

extension FaultPlan.Entry: CustomStringConvertible {
    /// When, how long, what and where: "12.5 s, for 300 ms: partition between client and server".
    public var description: String {
        let length = fault == .reset ? "" : ", for \(time.inUnits)"
        return "\(start.inUnits)\(length): \(fault) \(scope)"
    }
}

extension FaultPlan: CustomStringConvertible {
    /// The faults in the order in which they begin, a line each.
    public var description: String {
        // Sorting is stable, and so entries of one instant keep their order.
        entries.sorted { $0.start < $1.start }.map(\.description).joined(separator: "\n")
    }
}

extension Network {
    /// Plans every fault of a plan, counted from now; says how to end each, in the plan's order.
    @discardableResult public func apply(_ plan: FaultPlan) -> [InjectedFault] {
        plan.entries.map { inject($0.fault, $0.scope, after: $0.start, for: $0.time) }
    }
}

// MARK: Plans drawn from a seed

extension FaultPlan {
    /// Draws a plan of `count` faults on these hosts and between them.
    ///
    /// Every fault has begun and ended `time` after the plan is applied, so that what must hold in
    /// the end can be checked then; what was sent through a slow network still arrives as slowly.
    /// A fault lasts for 1 ms to a quarter of that time, and mostly not for long. Instants and
    /// durations are whole milliseconds.
    ///
    /// The hosts of `crashing` can always open sockets, so that their programs can start again.
    ///
    /// - Parameters:
    ///   - seed: what decides the plan, such as `world.random.next()`.
    ///   - count: how many faults the plan has.
    ///   - hosts: what goes wrong goes wrong here.
    ///   - crashing: the hosts that may crash, and come back: those that run a program.
    ///   - time: when the plan is over.
    /// - Returns: the plan, by instants.
    public static func random(
        seed: UInt64, count: Int, among hosts: [SimulatedHost], crashing: [SimulatedHost] = [],
        within time: Duration
    ) -> FaultPlan {
        random(
            seed: seed, count: count, among: hosts.map(\.party),
            crashing: crashing.map(\.party), within: time)
    }

    static func random(
        seed: UInt64, count: Int, among parties: [FaultScope.Party],
        crashing: [FaultScope.Party], within time: Duration
    ) -> FaultPlan {
        precondition(!parties.isEmpty, "a fault plan is drawn among at least one host")
        precondition(count >= 0, "a fault plan has at least 0 faults")
        precondition(
            time >= .milliseconds(1) && time <= .seconds(1 << 32),
            "a fault plan takes at least 1 ms, and at most a century")
        let milliseconds = Int(time / .milliseconds(1))
        var draw = FaultDraw(
            random: SeededRandom(seed: seed), parties: parties, crashing: crashing,
            milliseconds: milliseconds)
        var plan = FaultPlan((0..<count).map { _ in draw.entry() })
        plan.entries.sort { $0.start < $1.start }
        return plan
    }
}

/// What a random plan is drawn with: the stream of chance, and what there is to choose from.
private struct FaultDraw {
    var random: SeededRandom
    let parties: [FaultScope.Party]
    let crashing: [FaultScope.Party]
    let milliseconds: Int

    /// Kinds of fault; what tells most about a program stands here twice.
    private static let kinds: [@Sendable (inout FaultDraw) -> FaultPlan.Entry] = [
        { $0.onWay(.latency($0.latency())) },
        { $0.onWay(.delayedSegments(by: $0.latency(), probability: $0.probability())) },
        { $0.onWay(.bandwidth(bytesPerSecond: $0.size(1_000_000, from: 10_000))) },
        { $0.onWay(.splitSegments(ofAtMost: $0.size(Faults.usualSegment))) },
        { $0.onWay(.partition) }, { $0.onWay(.partition) },
        { $0.onWay(.reset) }, { $0.onWay(.reset) },
        { $0.onWay(.refusedConnects) },
        { $0.onWay(.fullBacklog) },
        { $0.onHost(.shortReads(probability: $0.probability())) },
        { $0.onHost(.shortWrites(probability: $0.probability())) },
        { $0.onHost(.spuriousReadiness(probability: $0.probability())) },
        { $0.onHost(.failing(.accept, with: .tooManyOpenFiles, probability: $0.probability())) },
        { $0.failingOpen() },
        { $0.onHost(.clockDrift(partsPerMillion: $0.random.number(below: 20_001) - 10_000)) },
    ]

    mutating func entry() -> FaultPlan.Entry {
        let count = FaultDraw.kinds.count
        let kind = random.number(below: crashing.isEmpty ? count : count + 2)
        if kind < count { return FaultDraw.kinds[kind](&self) }
        return entry(.crash, .of(crashing[random.number(below: crashing.count)]))
    }

    private mutating func onWay(_ fault: Fault) -> FaultPlan.Entry {
        let one = random.number(below: parties.count)
        // Any other one, when there is any.
        let other = (one + 1 + random.number(below: max(1, parties.count - 1))) % parties.count
        guard one != other else { return entry(fault, .of(parties[one])) }
        return switch random.number(below: 3) {
        case 0: entry(fault, .between(parties[one], and: parties[other]))
        case 1: entry(fault, .from(parties[one], to: parties[other]))
        default: entry(fault, .of(parties[one]))
        }
    }

    private mutating func onHost(_ fault: Fault) -> FaultPlan.Entry {
        entry(fault, .of(parties[random.number(below: parties.count)]))
    }

    /// Sockets that cannot be opened; on a machine that must start again, connections that cannot
    /// be accepted.
    private mutating func failingOpen() -> FaultPlan.Entry {
        let probability = probability()
        var entry = onHost(.failing(.open, with: .tooManyOpenFiles, probability: probability))
        if let host = entry.scope.sender, crashing.contains(host) {
            entry.fault = .failing(.accept, with: .tooManyOpenFiles, probability: probability)
        }
        return entry
    }

    private mutating func entry(_ fault: Fault, _ scope: FaultScope) -> FaultPlan.Entry {
        let length = fault == .reset ? 0 : min(milliseconds, size(max(1, milliseconds / 4)))
        let start = random.number(below: milliseconds - length + 1)
        return FaultPlan.Entry(
            fault, scope, after: .milliseconds(start), for: .milliseconds(length))
    }

    /// A latency of some milliseconds, with one tail or another.
    private mutating func latency() -> Latency {
        let least = size(200)
        return switch random.number(below: 4) {
        case 0: .constant(.milliseconds(least))
        case 1: .exponential(mean: .milliseconds(least))
        case 2:
            .logNormal(median: .milliseconds(least), percentile99: .milliseconds(10 * least))
        default:
            .pareto(from: .milliseconds(least), to: .milliseconds(50 * least), exponent: 1.5)
        }
    }

    /// A probability of whole hundredths, from 0.01 to 0.5.
    private mutating func probability() -> Double { Double(1 + random.number(below: 50)) / 100 }

    /// A number up to `most`, every order of magnitude as likely as any other.
    private mutating func size(_ most: Int, from least: Int = 1) -> Int {
        let span = PlainMath.logarithm(Double(most) / Double(least))
        return min(most, Int(Double(least) * PlainMath.exponential(random.fraction() * span)))
    }
}
