import Syscalls

/// Which ports of a host are taken, and by which sockets and connections.
///
/// Two tables: sockets that were bound, of which a port may have several, and connections, which
/// are told apart by both of their ends.
struct PortTable {
    /// The ports that a host gives out by itself, as on Linux (ip(7), ip_local_port_range).
    static let ephemeral: ClosedRange<UInt16> = 32_768...60_999

    /// A connection as its port's owner sees it.
    struct Tuple: Hashable {
        let local: Endpoint
        let remote: Endpoint
    }

    private struct Users {
        var bound: [RawDescriptor] = []
        var connections = 0
        /// Those of them that do not share their port with sockets that are bound to it.
        var strict = 0
        var isEmpty: Bool { bound.isEmpty && connections == 0 }
    }

    // Neither is ever walked, because their order is another one in each process.
    private var users: [UInt16: Users] = [:]
    private var tuples: Set<Tuple> = []
    private var next = ephemeral.lowerBound

    init() {}

    /// The sockets that are bound to a port, in the order in which they were.
    func bound(to port: UInt16) -> [RawDescriptor] { users[port]?.bound ?? [] }

    /// Whether a port has connections beside which one that may share it, or not, cannot be bound.
    func hasConnections(at port: UInt16, sharing: Bool) -> Bool {
        guard let users = users[port], users.connections > 0 else { return false }
        return !sharing || users.strict > 0
    }

    mutating func bind(_ descriptor: RawDescriptor, to port: UInt16) {
        users[port, default: Users()].bound.append(descriptor)
    }

    mutating func unbind(_ descriptor: RawDescriptor, from port: UInt16) {
        users[port]?.bound.removeAll { $0 == descriptor }
        if users[port]?.isEmpty == true { users[port] = nil }
    }

    /// Takes the port for a connection; false when there is the same connection already.
    mutating func connect(_ tuple: Tuple, sharing: Bool) -> Bool {
        guard tuples.insert(tuple).inserted else { return false }
        users[tuple.local.port, default: Users()].connections += 1
        if !sharing { users[tuple.local.port, default: Users()].strict += 1 }
        return true
    }

    mutating func disconnect(_ tuple: Tuple, sharing: Bool) {
        guard tuples.remove(tuple) != nil else { return }
        users[tuple.local.port]?.connections -= 1
        if !sharing { users[tuple.local.port]?.strict -= 1 }
        if users[tuple.local.port]?.isEmpty == true { users[tuple.local.port] = nil }
    }

    /// A port of the host's choice that is free; nil when all are taken.
    mutating func freePort() -> UInt16? {
        for _ in PortTable.ephemeral {
            let port = nextPort()
            if users[port] == nil { return port }
        }
        return nil
    }

    /// A port of the host's choice for a connection: no socket is bound to it, and it may have
    /// other connections, but to other ends; nil when all are taken.
    mutating func freePort(from local: IPAddress, to remote: Endpoint) -> UInt16? {
        for _ in PortTable.ephemeral {
            let port = nextPort()
            guard let users = users[port] else { return port }
            let tuple = Tuple(local: Endpoint(local, port: port), remote: remote)
            if users.bound.isEmpty, !tuples.contains(tuple) { return port }
        }
        return nil
    }

    private mutating func nextPort() -> UInt16 {
        defer {
            next = next < PortTable.ephemeral.upperBound ? next + 1 : PortTable.ephemeral.lowerBound
        }
        return next
    }
}
