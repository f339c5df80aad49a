import Syscalls

/// What requests go over to a server that is started for them, and so has no address yet.
package enum Transport: String, CaseIterable, Sendable {
    case tcp, unix

    /// Where a server is to listen that chooses a free address itself, and says which.
    package var freeAddress: String {
        switch self {
        case .tcp: "127.0.0.1:0"
        case .unix: "unix:"
        }
    }

    /// A load on a server that is not there yet.
    package var plan: LoadPlan {
        switch self {
        case .tcp: LoadPlan(target: SocketAddress(loopbackPort: 0))
        case .unix: LoadPlan(target: SocketAddress(unixName: []))
        }
    }
}
