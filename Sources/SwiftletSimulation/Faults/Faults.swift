import Syscalls

/// A fault with the scope in which it applies.
struct FaultRule: Sendable {
    /// The identity of a rule, in the order in which rules were made, from 1.
    struct ID: Hashable, Sendable {
        let number: Int
    }

    /// One direction between two hosts.
    struct Way: Hashable, Sendable {
        let sender: HostID
        let receiver: HostID
    }

    let id: ID
    let fault: Fault
    let scope: FaultScope
    /// Until when each direction is busy with what was sent before; of a bandwidth only.
    private var busy: [Way: Instant] = [:]

    init(id: ID, fault: Fault, scope: FaultScope) {
        self.id = id
        self.fault = fault
        self.scope = scope
    }

    /// The instant at which the last byte of a segment leaves, behind all that was sent before on
    /// the same way; what takes a fraction of a nanosecond takes a whole one.
    mutating func departure(of count: Int, at rate: Int, on way: Way, now: Instant) -> Instant {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1_000_000_000)
        let time = overflow ? Int.max : product / rate + (product % rate > 0 ? 1 : 0)
        let departure = max(now, busy[way] ?? now).advanced(byNanoseconds: Int64(time))
        busy[way] = departure
        return departure
    }
}

/// A machine that loses its power or gets it back, which ends its loop or starts another.
struct PowerChange: Sendable {
    let host: HostID
    let isOn: Bool
}

/// What goes wrong, as rules that the kernel asks at each point where something can.
///
/// | the kernel is about to                | asks                   |
/// |---------------------------------------|------------------------|
/// | answer a call of a host's program     | `error(of:on:using:)` |
/// | move bytes between program and socket | `part(of:by:on:using:)`  |
/// | cut bytes into segments               | `segments(of:from:to:using:)` |
/// | put something on the wire             | `arrival(of:from:to:at:using:)` |
/// | send a datagram                       | `arrivals(ofDatagram:isIPv6:from:to:at:using:)` |
/// | answer an attempt to connect          | `welcome(from:to:)`    |
/// | answer a wait                         | `drawSpuriousWake(on:using:)` |
/// | look up a name                        | `nameTrouble(on:using:)` |
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
        /// As if no socket listened.
        case refused
        /// Nothing, as if the listener's queue were full.
        case ignored
    }

    /// What a segment carries at most when no rule says otherwise: an Ethernet frame's worth.
    static let usualSegment = 1448

    /// The rules in force, the latest last.
    private var inForce: [FaultRule] = []
    /// Those that have not begun yet: an event begins each.
    private var planned: [FaultRule] = []
    private var count = 0
    /// What happened to the power of machines, until the world takes it.
    private var powerChanges: [PowerChange] = []

    // MARK: Rules

    /// Enters a rule that is not in force yet.
    mutating func plan(_ fault: Fault, on scope: FaultScope) -> FaultRule.ID {
        count += 1
        let id = FaultRule.ID(number: count)
        planned.append(FaultRule(id: id, fault: fault, scope: scope))
        return id
    }

    /// Puts a planned rule in force; nil when it was removed before.
    mutating func begin(_ id: FaultRule.ID) -> FaultRule? {
        guard let place = planned.firstIndex(where: { $0.id == id }) else { return nil }
        let rule = planned.remove(at: place)
        inForce.append(rule)
        return rule
    }

    /// Removes a rule, planned or in force; nil unless it was in force.
    mutating func remove(_ id: FaultRule.ID) -> FaultRule? {
        planned.removeAll { $0.id == id }
        guard let place = inForce.firstIndex(where: { $0.id == id }) else { return nil }
        return inForce.remove(at: place)
    }

    /// Every rule, in force or planned, in the order in which they were made.
    var all: [FaultRule.ID] { (inForce + planned).map(\.id).sorted { $0.number < $1.number } }

    /// What the latest rule has to say to which `body` answers something.
    private func latest<Answer>(_ body: (FaultRule) -> Answer?) -> Answer? {
        for rule in inForce.reversed() {
            if let answer = body(rule) { return answer }
        }
        return nil
    }

    /// The same among the rules of the way from one host to another.
    private func onWay<Answer>(
        _ sender: HostID, _ receiver: HostID, _ body: (FaultRule) -> Answer?
    ) -> Answer? {
        guard sender != receiver else { return nil }
        return latest { $0.scope.covers(from: sender, to: receiver) ? body($0) : nil }
    }

    // MARK: Machines

    /// Notes what the power of a host is to be, now that a crash has begun or ended.
    mutating func settlePower(of host: HostID) {
        let isOff = inForce.contains { $0.fault == .crash && $0.scope.covers(host) }
        powerChanges.append(PowerChange(host: host, isOn: !isOff))
    }

    /// The machines whose power has changed since this was asked last, in that order.
    mutating func takePowerChanges() -> [PowerChange] {
        if powerChanges.isEmpty { return [] }
        defer { powerChanges = [] }
        return powerChanges
    }

    /// By how many millionths a host's clock runs fast.
    func clockRate(of host: HostID) -> Int {
        latest { rule -> Int? in
            guard case .clockDrift(let rate) = rule.fault else { return nil }
            return rule.scope.covers(host) ? rate : nil
        } ?? 0
    }

    // MARK: Calls

    /// The error that a call must fail with; nil lets it go on.
    func error(
        of call: Call, on host: HostID, using random: inout SeededRandom
    ) -> Errno? {
        for rule in inForce.reversed() {
            guard case .failing(call, let errno, let probability) = rule.fault,
                rule.scope.covers(host), random.draw(probability)
            else { continue }
            return errno
        }
        return nil
    }

    /// How many of `count` bytes, at least 1, a call moves.
    func part(
        of count: Int, by call: Call, on host: HostID, using random: inout SeededRandom
    ) -> Int {
        guard count > 1, !inForce.isEmpty else { return count }
        let probability = latest { rule -> Double? in
            switch (rule.fault, call) {
            case (.shortReads(let probability), .receive),
                (.shortWrites(let probability), .send):
                rule.scope.covers(host) ? probability : nil
            default: nil
            }
        }
        guard let probability, random.draw(probability) else { return count }
        return 1 + random.number(below: count - 1)
    }

    /// Draws whether a wait reports a descriptor with interest although nothing is there.
    func drawSpuriousWake(
        on host: HostID, using random: inout SeededRandom
    ) -> Bool {
        let probability = latest { rule -> Double? in
            guard case .spuriousReadiness(let probability) = rule.fault else { return nil }
            return rule.scope.covers(host) ? probability : nil
        }
        return random.draw(probability ?? 0)
    }

    /// How long a name that a host looks up takes, and why that fails; nil lets it succeed.
    func nameTrouble(
        on host: HostID, using random: inout SeededRandom
    ) -> (delay: Duration, failure: NameFailure?) {
        let latency = latest { rule -> Latency? in
            guard case .slowNames(let latency) = rule.fault else { return nil }
            return rule.scope.covers(host) ? latency : nil
        }
        let delay = Duration.nanoseconds(latency?.draw(using: &random) ?? 0)
        for rule in inForce.reversed() {
            guard case .failingNames(let failure, let probability) = rule.fault,
                rule.scope.covers(host), random.draw(probability)
            else { continue }
            return (delay, failure)
        }
        return (delay, nil)
    }

    // MARK: The way between hosts

    /// The sizes of the segments, each at least 1, in which `count` bytes travel.
    func segments(
        of count: Int, from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> [Int] {
        guard sender != receiver else { return [count] }
        let most = onWay(sender, receiver) { rule -> Int? in
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
        guard !inForce.isEmpty else {
            return now.advanced(byNanoseconds: Latency.usual.draw(using: &random))
        }
        guard !isCut(from: sender, to: receiver) else { return nil }
        let latency = onWay(sender, receiver) { rule -> Latency? in
            if case .latency(let latency) = rule.fault { latency } else { nil }
        }
        return departure(of: count, from: sender, to: receiver, at: now)
            .advanced(byNanoseconds: (latency ?? .usual).draw(using: &random))
            .advanced(byNanoseconds: delay(from: sender, to: receiver, using: &random))
    }

    /// When a datagram of so many bytes that is sent now arrives: not at all, once or twice.
    mutating func arrivals(
        ofDatagram count: Int, isIPv6: Bool, from sender: HostID, to receiver: HostID,
        at now: Instant, using random: inout SeededRandom
    ) -> [Instant] {
        func arrival(_ faults: inout Faults) -> Instant? {
            faults.arrival(of: count, from: sender, to: receiver, at: now, using: &random)
        }
        guard sender != receiver, !inForce.isEmpty else { return arrival(&self).map { [$0] } ?? [] }
        let packet = count + (isIPv6 ? 48 : 28)
        let most = onWay(sender, receiver) { rule -> Int? in
            if case .packetSize(let most) = rule.fault { most } else { nil }
        }
        if packet > most ?? .max { return [] }
        let loss = onWay(sender, receiver) { rule -> Double? in
            if case .lostDatagrams(let probability) = rule.fault { probability } else { nil }
        }
        if let loss, random.draw(loss) { return [] }
        let copies = onWay(sender, receiver) { rule -> Double? in
            if case .duplicatedDatagrams(let probability) = rule.fault { probability } else { nil }
        }
        let count = copies.map { random.draw($0) ? 2 : 1 } ?? 1
        return (0..<count).compactMap { _ in
            arrival(&self)?.advanced(
                byNanoseconds: datagramDelay(from: sender, to: receiver, using: &random))
        }
    }

    /// How much longer than usual a datagram takes, in nanoseconds.
    private func datagramDelay(
        from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> Int64 {
        let delay = onWay(sender, receiver) { rule -> (Latency, Double)? in
            guard case .delayedDatagrams(let latency, let probability) = rule.fault else {
                return nil
            }
            return (latency, probability)
        }
        guard let (latency, probability) = delay, random.draw(probability) else { return 0 }
        return latency.draw(using: &random)
    }

    /// What a host answers to an attempt of another host to connect, when that arrives.
    func welcome(from sender: HostID, to receiver: HostID) -> Welcome {
        onWay(sender, receiver) { rule -> Welcome? in
            switch rule.fault {
            case .refusedConnects: .refused
            case .fullBacklog: .ignored
            default: nil
            }
        } ?? .usual
    }

    /// Whether a partition keeps what is sent.
    private func isCut(from sender: HostID, to receiver: HostID) -> Bool {
        onWay(sender, receiver) { $0.fault == .partition ? true : nil } ?? false
    }

    /// When what is sent now has left, by the bandwidth of the way.
    private mutating func departure(
        of count: Int, from sender: HostID, to receiver: HostID, at now: Instant
    ) -> Instant {
        let way = FaultRule.Way(sender: sender, receiver: receiver)
        let place = inForce.lastIndex { rule in
            guard case .bandwidth = rule.fault else { return false }
            return rule.scope.covers(from: sender, to: receiver)
        }
        guard let place, case .bandwidth(let rate) = inForce[place].fault else { return now }
        return inForce[place].departure(of: count, at: rate, on: way, now: now)
    }

    /// How much longer than usual a segment takes, in nanoseconds.
    private func delay(
        from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> Int64 {
        let delay = onWay(sender, receiver) { rule -> (Latency, Double)? in
            guard case .delayedSegments(let latency, let probability) = rule.fault else {
                return nil
            }
            return (latency, probability)
        }
        guard let (latency, probability) = delay, random.draw(probability) else { return 0 }
        return latency.draw(using: &random)
    }
}
