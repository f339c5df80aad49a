import Swiftlet

/// Something that goes wrong, or is slow, in a simulated world; where and when is said beside it.
///
/// Faults of the way between hosts concern what one host sends to another, never what stays within
/// a host. Faults of a machine need a scope of machines: `.of(host)` or `.everywhere`, and a crash
/// `.of(host)`. Where two rules of the same kind apply the later one wins, but all partitions and
/// all failures count.
///
/// A probability is from 0 to 1, and is drawn anew for each segment or call.
public enum Fault: Hashable, Sendable {
    // MARK: Of the way between hosts

    /// Everything that is sent takes so long, instead of `Latency.usual`.
    case latency(Latency)
    /// Some segments take longer by so much. A lost segment is such a one: TCP sends it again,
    /// after 200 ms at the earliest on Linux.
    case delayedSegments(by: Latency, probability: Double)
    /// Each direction between two hosts carries so many bytes a second, at least 1, one segment
    /// after the other. Signals without bytes wait for their turn and take no time.
    case bandwidth(bytesPerSecond: Int)
    /// What is sent travels in segments of 1 to so many bytes, each size as likely as any other.
    case splitSegments(ofAtMost: Int)
    /// Nothing that is sent arrives until the partition heals; then it does, in order, but for
    /// datagrams, which are lost. A connection
    /// whose oldest segment waits for more than 924.6 s fails with `ETIMEDOUT`. What was sent
    /// before the partition arrives, also what still waits for a link of little bandwidth.
    case partition
    /// Attempts to connect are refused, as if no program listened.
    case refusedConnects
    /// Attempts to connect find the queue of the listener full, which does not answer; TCP tries
    /// again after 1, 2, 4 s and so on.
    case fullBacklog
    /// Every connection is reset, once. It takes no time.
    case reset
    /// Some datagrams do not arrive.
    case lostDatagrams(probability: Double)
    /// Some datagrams arrive twice, each copy after a time of its own.
    case duplicatedDatagrams(probability: Double)
    /// Some datagrams take longer by so much, so that later ones overtake them.
    case delayedDatagrams(by: Latency, probability: Double)
    /// A packet has at most so many bytes, of which headers take 28, or 48 over IPv6. A longer
    /// datagram is lost, as where a router passes no fragments on.
    case packetSize(Int)

    // MARK: Of a machine

    /// A read moves fewer bytes than it could.
    case shortReads(probability: Double)
    /// A write takes fewer bytes than it could.
    case shortWrites(probability: Double)
    /// A wait reports descriptors that are not ready; the probability is at most 0.9.
    case spuriousReadiness(probability: Double)
    /// A call fails and does nothing else; the socket stays as it is.
    case failing(Call, with: Errno, probability: Double)
    /// The machine has no power: its tasks are cancelled, its connections forgotten without a word.
    /// When the fault ends it starts again. The host on which the body runs cannot crash.
    case crash
    /// To look up a name takes so long, instead of no time.
    case slowNames(Latency)
    /// To look up a name fails.
    case failingNames(with: NameFailure, probability: Double)
    /// The clock of the machine runs fast by so many millionths, or slow when below 0.
    case clockDrift(partsPerMillion: Int)

    /// The calls that can be made to fail.
    public enum Call: String, Hashable, Sendable {
        /// What a server does before it has a connection: socket(2), bind(2), listen(2), accept(2).
        case open, bind, listen, accept
        /// What a connection does: connect(2), recv(2), send(2).
        case connect, receive, send
    }
}

extension Fault {
    /// Whether the fault is of machines, not of the way between them.
    var isOfMachines: Bool {
        switch self {
        case .shortReads, .shortWrites, .spuriousReadiness, .failing, .crash, .clockDrift,
            .slowNames, .failingNames:
            true
        case .latency, .delayedSegments, .bandwidth, .splitSegments, .partition, .refusedConnects,
            .fullBacklog, .reset, .lostDatagrams, .duplicatedDatagrams, .delayedDatagrams,
            .packetSize:
            false
        }
    }

    /// Stops the program when the numbers of the fault, or its scope, make no sense.
    func check(in scope: FaultScope) {
        precondition(
            !isOfMachines || scope.isOfMachines,
            "\(self) concerns machines: its scope is .of(host) or .everywhere")
        switch self {
        case .delayedSegments(_, let probability), .shortReads(let probability),
            .shortWrites(let probability), .failing(_, _, let probability),
            .failingNames(_, let probability), .lostDatagrams(let probability),
            .duplicatedDatagrams(let probability), .delayedDatagrams(_, let probability):
            precondition((0...1).contains(probability), "a probability is from 0 to 1")
        case .spuriousReadiness(let probability):
            precondition(
                (0...0.9).contains(probability),
                "a probability of spurious readiness is from 0 to 0.9: else no loop ever waits"
            )
        case .bandwidth(let rate): precondition(rate > 0, "a bandwidth is at least 1 byte/s")
        case .packetSize(let most): precondition(most > 48, "a packet has room for its headers")
        case .splitSegments(let most): precondition(most > 0, "a segment has at least 1 byte")
        case .clockDrift(let rate):
            precondition(
                (-500_000...500_000).contains(rate),
                "a clock drifts by at most 500,000 millionths")
        case .crash:
            precondition(
                scope.sender.map { $0.id.index > 0 } ?? false,
                "a crash has the scope .of(host), and not of the host on which the body runs")
        case .latency, .partition, .refusedConnects, .fullBacklog, .reset, .slowNames: break
        }
    }
}

extension Fault: CustomStringConvertible {
    /// What goes wrong, in words: "short reads (probability 0.3)".
    public var description: String {
        func text(_ probability: Double) -> String { "(probability \(probability))" }
        return switch self {
        case .latency(let latency): "latency \(latency)"
        case .delayedSegments(let latency, let probability):
            "segments delayed by \(latency) \(text(probability))"
        case .bandwidth(let rate): "bandwidth \(rate) byte/s"
        case .splitSegments(let most): "segments of at most \(most) bytes"
        case .partition: "partition"
        case .refusedConnects: "connects refused"
        case .fullBacklog: "full backlog"
        case .reset: "reset"
        case .lostDatagrams(let probability): "lost datagrams \(text(probability))"
        case .duplicatedDatagrams(let probability): "duplicated datagrams \(text(probability))"
        case .delayedDatagrams(let latency, let probability):
            "datagrams delayed by \(latency) \(text(probability))"
        case .packetSize(let most): "packets of at most \(most) bytes"
        case .shortReads(let probability): "short reads \(text(probability))"
        case .shortWrites(let probability): "short writes \(text(probability))"
        case .spuriousReadiness(let probability): "spurious readiness \(text(probability))"
        case .failing(let call, let errno, let probability):
            "\(call.rawValue) fails with \(errno.name) \(text(probability))"
        case .crash: "crash"
        case .slowNames(let latency): "names take \(latency)"
        case .failingNames(let failure, let probability):
            "names fail, \(failure) \(text(probability))"
        case .clockDrift(let rate): "clock drift of \(rate) millionths"
        }
    }
}

// MARK: Where

/// Where a fault applies: on the way between hosts, or on a host.
///
/// ```swift
/// .everywhere
/// .between(client, and: server)     both ways
/// .from(client, to: server)         one way only
/// .of(server)                       all that it sends and receives, and the machine itself
/// .from(server)   .to(server)       all that it sends; all that it receives
/// ```
public struct FaultScope: Hashable, Sendable {
    /// A host with the name under which it is printed.
    struct Party: Hashable, Sendable {
        let id: HostID
        let name: String
    }

    /// The host that sends; nil is any.
    let sender: Party?
    /// The host that receives; nil is any.
    let receiver: Party?
    /// Whether the other way is meant too.
    let isBothWays: Bool

    init(from sender: Party?, to receiver: Party?, isBothWays: Bool) {
        precondition(
            sender == nil || sender != receiver,
            "a fault of the network is between two different hosts")
        self.sender = sender
        self.receiver = receiver
        self.isBothWays = isBothWays
    }

    /// Every way between two hosts, and every host.
    public static let everywhere = FaultScope(from: nil, to: nil, isBothWays: true)

    /// Whether what one host sends to another is concerned.
    func covers(from origin: HostID, to target: HostID) -> Bool {
        isWay(origin, target) || isBothWays && isWay(target, origin)
    }

    /// Whether a machine is concerned; only a scope that `isOfMachines` concerns one.
    func covers(_ host: HostID) -> Bool { sender == nil || sender?.id == host }

    /// Whether the scope names machines rather than a way between them.
    var isOfMachines: Bool { isBothWays && receiver == nil }

    private func isWay(_ origin: HostID, _ target: HostID) -> Bool {
        (sender == nil || sender?.id == origin) && (receiver == nil || receiver?.id == target)
    }
}

extension FaultScope: CustomStringConvertible {
    /// The scope in words: "from client to server".
    public var description: String {
        switch (sender, receiver) {
        case (nil, nil): "everywhere"
        case (let host?, nil): isBothWays ? "of \(host.name)" : "from \(host.name)"
        case (nil, let host?): "to \(host.name)"
        case (let from?, let to?):
            isBothWays ? "between \(from.name) and \(to.name)" : "from \(from.name) to \(to.name)"
        }
    }
}

extension FaultScope {
    static func between(_ one: Party, and other: Party) -> FaultScope {
        FaultScope(from: one, to: other, isBothWays: true)
    }

    static func from(_ sender: Party, to receiver: Party) -> FaultScope {
        FaultScope(from: sender, to: receiver, isBothWays: false)
    }

    static func of(_ host: Party) -> FaultScope {
        FaultScope(from: host, to: nil, isBothWays: true)
    }

    static func from(_ host: Party) -> FaultScope {
        FaultScope(from: host, to: nil, isBothWays: false)
    }

    static func to(_ host: Party) -> FaultScope {
        FaultScope(from: nil, to: host, isBothWays: false)
    }
}

extension FaultScope {
    /// Both ways between two hosts.
    public static func between(_ one: SimulatedHost, and other: SimulatedHost) -> FaultScope {
        .between(one.party, and: other.party)
    }

    /// What one host sends to another.
    public static func from(_ sender: SimulatedHost, to receiver: SimulatedHost) -> FaultScope {
        .from(sender.party, to: receiver.party)
    }

    /// A machine, all that it sends and all that it receives.
    public static func of(_ host: SimulatedHost) -> FaultScope { .of(host.party) }

    /// All that a host sends.
    public static func from(_ host: SimulatedHost) -> FaultScope { .from(host.party) }

    /// All that a host receives, connects included.
    public static func to(_ host: SimulatedHost) -> FaultScope { .to(host.party) }
}

extension SimulatedHost {
    /// The host as a scope names it.
    var party: FaultScope.Party { FaultScope.Party(id: id, name: name) }
}
