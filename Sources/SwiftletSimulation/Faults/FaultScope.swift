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

    /// Who sends; nil is anybody.
    let sender: Party?
    /// Who receives; nil is anybody.
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
