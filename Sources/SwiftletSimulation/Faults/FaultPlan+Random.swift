import Swiftlet

/// Fault plans drawn from a seed.

extension FaultPlan {
    /// Draws `count` faults among these hosts; only those of `crashing` crash, and come back.
    ///
    /// Every fault has begun and ended `time` after the plan is applied, so that what must hold in
    /// the end can be checked then. It lasts for 1 ms to a quarter of that time, and mostly not for
    /// long. Instants and durations are whole milliseconds.
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
        { $0.onHost(.failing(.open, with: .tooManyOpenFiles, probability: $0.probability())) },
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
