import Syscalls

/// What a trace tells of the faults.
enum FaultStep: TraceStep {
    /// So many connections between two hosts were reset.
    case reset(HostID, HostID, connections: Int)

    func text(hosts: [String]) -> String {
        switch self {
        case .reset(let left, let right, let count):
            "\(count) connections of \(hosts[left.index]) and \(hosts[right.index]) reset"
        }
    }

    func mix(into digest: inout TraceDigest) {
        switch self {
        case .reset(let left, let right, let count):
            digest.add(1, left.index, right.index, count)
        }
    }
}
