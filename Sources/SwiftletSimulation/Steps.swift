import Syscalls

/// What a trace tells of the faults.
enum FaultStep: Sendable {
    /// So many connections between two hosts were reset.
    case reset(HostID, HostID, connections: Int)
}

/// What a trace tells of the hosts themselves.
enum HostStep: Sendable {
    case crashed, restarted
}
