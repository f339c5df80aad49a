import Syscalls

/// What a trace tells of the network.
enum NetworkStep: Sendable {
    /// Bytes, or a signal when there are none, left for a host.
    case left(to: HostID, bytes: Int)
}

/// What a trace tells of the faults.
enum FaultStep: Sendable {
    /// A fault came into force.
    case began(FaultRule)
    /// A fault is in force no longer.
    case ended(FaultRule)
    /// So many connections between two hosts were reset.
    case reset(HostID, HostID, connections: Int)
}

/// What a trace tells of the hosts themselves.
enum HostStep: Sendable {
    case crashed, restarted
}
