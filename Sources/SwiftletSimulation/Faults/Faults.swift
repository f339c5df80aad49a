import Syscalls

/// What goes wrong, as rules that the kernel asks at each point where something can.
///
/// | the kernel is about to                | asks                   |
/// |---------------------------------------|------------------------|
/// | answer a call of a host's program     | `error(of:on:using:)` |
/// | move bytes between program and socket | `part(of:by:on:using:)`  |
/// | cut bytes into segments               | `segments(of:from:to:using:)` |
/// | put something on the wire             | `arrival(of:from:to:at:using:)` |
/// | answer an attempt to connect          | `welcome(from:to:)`    |
/// | answer a wait                         | `wakesForNothing(on:using:)` |
///
/// With no rule nothing goes wrong, and everything takes the network's usual latency. Of several
/// rules the latest decides; the others are then not asked, and draw nothing. A rule that does not
/// apply draws nothing either, so that one fault more changes as little as possible.
struct Faults {
    typealias Call = Fault.Call

    /// What a host answers to an attempt to connect, before it looks for a listener.
    enum Welcome {
        /// What it would answer anyhow.
        case usual
        /// As if nobody listened.
        case refused
        /// Nothing, as if the listener's queue were full.
        case ignored
    }

    /// What a segment carries at most when no rule says otherwise: an Ethernet frame's worth.
    static let usualSegment = 1448

    var rules = FaultRules()
    /// What happened to the power of machines, until the world takes it.
    var powerChanges: [PowerChange] = []

    /// The error that a call must fail with; nil lets it go on.
    mutating func error(
        of call: Call, on host: HostID, using random: inout SeededRandom
    ) -> Errno? {
        for rule in rules.inForce.reversed() {
            guard case .failing(call, let errno, let probability) = rule.fault,
                rule.scope.covers(host), random.happens(probability)
            else { continue }
            return errno
        }
        return nil
    }

    /// How many of `count` bytes, at least 1, a call moves.
    mutating func part(
        of count: Int, by call: Call, on host: HostID, using random: inout SeededRandom
    ) -> Int {
        guard count > 1, !rules.inForce.isEmpty else { return count }
        let probability = rules.latest { rule -> Double? in
            switch (rule.fault, call) {
            case (.shortReads(let probability), .receive),
                (.shortWrites(let probability), .send):
                rule.scope.covers(host) ? probability : nil
            default: nil
            }
        }
        guard let probability, random.happens(probability) else { return count }
        return 1 + random.number(below: count - 1)
    }

    /// The sizes of the segments, each at least 1, in which `count` bytes travel.
    mutating func segments(
        of count: Int, from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> [Int] {
        guard sender != receiver else { return [count] }
        let most = rules.onWay(sender, receiver) { rule -> Int? in
            if case .splitSegments(let most) = rule.fault { most } else { nil }
        }
        if most == nil, count <= Faults.usualSegment { return [count] }
        var (sizes, left): ([Int], Int) = ([], count)
        while left > 0 {
            let size = most.map { 1 + random.number(below: $0) } ?? Faults.usualSegment
            sizes.append(min(size, left))
            left -= min(size, left)
        }
        return sizes
    }

    /// When a segment of so many bytes (0 for a mere signal) that is sent now arrives; nil while a
    /// partition keeps it, until `heal` sends it again.
    mutating func arrival(
        of count: Int, from sender: HostID, to receiver: HostID, at now: Instant,
        using random: inout SeededRandom
    ) -> Instant? {
        guard sender != receiver else { return now }
        guard !rules.inForce.isEmpty else {
            return now.advanced(byNanoseconds: Latency.usual.draw(using: &random))
        }
        guard !isCut(from: sender, to: receiver) else { return nil }
        let latency = rules.onWay(sender, receiver) { rule -> Latency? in
            if case .latency(let latency) = rule.fault { latency } else { nil }
        }
        return departure(of: count, from: sender, to: receiver, at: now)
            .advanced(byNanoseconds: (latency ?? .usual).draw(using: &random))
            .advanced(byNanoseconds: delay(from: sender, to: receiver, using: &random))
    }

    /// What a host answers to an attempt of another host to connect, when that arrives.
    func welcome(from sender: HostID, to receiver: HostID) -> Welcome {
        rules.onWay(sender, receiver) { rule -> Welcome? in
            switch rule.fault {
            case .refusedConnects: .refused
            case .fullBacklog: .ignored
            default: nil
            }
        } ?? .usual
    }

    /// Whether a wait reports a descriptor with interest although nothing is there.
    mutating func wakesForNothing(
        on host: HostID, using random: inout SeededRandom
    ) -> Bool {
        let probability = rules.latest { rule -> Double? in
            guard case .spuriousReadiness(let probability) = rule.fault else { return nil }
            return rule.scope.covers(host) ? probability : nil
        }
        return random.happens(probability ?? 0)
    }
}

extension Faults {
    /// Whether a partition keeps what is sent.
    private func isCut(from sender: HostID, to receiver: HostID) -> Bool {
        rules.onWay(sender, receiver) { $0.fault == .partition ? true : nil } ?? false
    }

    /// When what is sent now has left, by the bandwidth of the way.
    private mutating func departure(
        of count: Int, from sender: HostID, to receiver: HostID, at now: Instant
    ) -> Instant {
        let way = FaultRule.Way(sender: sender, receiver: receiver)
        let place = rules.inForce.lastIndex { rule in
            guard case .bandwidth = rule.fault else { return false }
            return rule.scope.covers(from: sender, to: receiver)
        }
        guard let place, case .bandwidth(let rate) = rules.inForce[place].fault else { return now }
        return rules.inForce[place].departure(of: count, at: rate, on: way, now: now)
    }

    /// How much longer than usual a segment takes, in nanoseconds.
    private func delay(
        from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> Int64 {
        let delay = rules.onWay(sender, receiver) { rule -> (Latency, Double)? in
            guard case .delayedSegments(let latency, let probability) = rule.fault else {
                return nil
            }
            return (latency, probability)
        }
        guard let (latency, probability) = delay, random.happens(probability) else { return 0 }
        return latency.draw(using: &random)
    }

    /// By how many millionths a host's clock runs fast.
    func clockRate(of host: HostID) -> Int {
        rules.latest { rule -> Int? in
            guard case .clockDrift(let rate) = rule.fault else { return nil }
            return rule.scope.covers(host) ? rate : nil
        } ?? 0
    }
}
