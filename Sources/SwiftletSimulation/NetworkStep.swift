import Syscalls

/// What a trace tells of the network.
enum NetworkStep: TraceStep {
    /// Bytes, or a signal when there are none, left for a host.
    case left(to: HostID, bytes: Int)

    func text(hosts: [String]) -> String {
        switch self {
        case .left(let host, let bytes): "\(bytes) bytes left for \(hosts[host.index])"
        }
    }

    func mix(into digest: inout TraceDigest) {
        switch self {
        case .left(let host, let bytes): digest.add(1, host.index, bytes)
        }
    }
}
