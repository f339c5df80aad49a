import Glibc

/// A socket option whose value is one number, by its usual name (socket(7), tcp(7), ip(7),
/// ipv6(7)).
///
/// Switches take 0 for off and 1 for on; sizes are bytes and times are seconds.
public enum SocketOption: CaseIterable, Sendable {
    /// `TCP_NODELAY`: send small pieces at once instead of gathering them (Nagle's algorithm).
    case noDelay
    /// `SO_KEEPALIVE`: probe a silent peer, and fail the connection when it is gone.
    case keepAlive
    /// `TCP_KEEPIDLE`: seconds of silence before the first probe.
    case keepAliveIdle
    /// `SO_REUSEADDR`: let a listener take a port whose old connections still linger.
    case reuseAddress
    /// `SO_REUSEPORT`: let several listeners share a port.
    case reusePort
    /// `SO_RCVBUF`: the kernel's receive buffer; Linux doubles what is set.
    case receiveBuffer
    /// `SO_SNDBUF`: the kernel's send buffer; Linux doubles what is set.
    case sendBuffer
    /// `IPV6_V6ONLY`: an IPv6 listener that takes no IPv4 connections.
    case ipv6Only
    /// `IP_BIND_ADDRESS_NO_PORT`: a bind to port 0 sets the address alone, and connect chooses the
    /// port, which connections to other targets may then have too (ip(7)).
    case bindsLate
    /// `SO_ACCEPTCONN`: 1 when the socket listens; cannot be set.
    case isListening

    fileprivate var code: (level: CInt, name: CInt) {
        switch self {
        case .noDelay: (CInt(IPPROTO_TCP), TCP_NODELAY)
        case .keepAlive: (SOL_SOCKET, SO_KEEPALIVE)
        case .keepAliveIdle: (CInt(IPPROTO_TCP), TCP_KEEPIDLE)
        case .reuseAddress: (SOL_SOCKET, SO_REUSEADDR)
        case .reusePort: (SOL_SOCKET, SO_REUSEPORT)
        case .receiveBuffer: (SOL_SOCKET, SO_RCVBUF)
        case .sendBuffer: (SOL_SOCKET, SO_SNDBUF)
        case .ipv6Only: (CInt(IPPROTO_IPV6), IPV6_V6ONLY)
        case .bindsLate: (CInt(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT)
        case .isListening: (SOL_SOCKET, SO_ACCEPTCONN)
        }
    }
}

extension SocketOption {
    /// Whether only IPv4 and IPv6 sockets have it; for a Unix socket it is `EOPNOTSUPP`.
    package var isOfInternet: Bool { code.level != SOL_SOCKET }
}

extension RawDescriptor {
    /// Reads an option (getsockopt(2)).
    package func option(_ option: SocketOption) throws(Errno) -> Int {
        let code = option.code
        return Int(try self.option(code.level, code.name))
    }

    /// Sets an option (setsockopt(2)).
    package func setOption(_ option: SocketOption, to value: Int) throws(Errno) {
        let code = option.code
        try setOption(code.level, code.name, to: CInt(clamping: value))
    }
}
