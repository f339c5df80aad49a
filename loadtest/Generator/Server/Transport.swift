import Syscalls

/// What requests go over to a server that is started for them, and so has no address yet.
package enum Transport: String, CaseIterable, Sendable {
    case tcp, unix, udp

    /// Where a server is to listen that chooses a free address itself, and says which.
    package var freeAddress: String {
        switch self {
        case .tcp: "127.0.0.1:0"
        case .unix: "unix:"
        case .udp: "udp:127.0.0.1:0"
        }
    }

    /// The kind of socket that is reached over it.
    package var socket: SocketKind { self == .udp ? .datagram : .stream }

    /// A load on a server that is not there yet.
    package var plan: LoadPlan {
        var plan = LoadPlan(target: SocketAddress(loopbackPort: 0))
        if self == .unix { plan.target = SocketAddress(unixName: []) }
        plan.socket = socket
        return plan
    }
}
