import Glibc
import Syscalls

/// The options of a simulated socket, in the units and bounds of Linux (socket(7), tcp(7)).
///
/// Some are only remembered: every byte is sent at once, so there is nothing that `noDelay` could
/// change, and a silent peer is not probed.
struct SocketOptions: Sendable {
    /// What `SO_RCVBUF` and `SO_SNDBUF` can be made: twice what is asked for, from the smallest
    /// that Linux gives up to twice its usual limit of 212,992 bytes.
    static let receiveBuffers = 2_304...425_984
    static let sendBuffers = 4_608...425_984

    fileprivate var noDelay = 0
    fileprivate var keepAlive = 0
    fileprivate var keepAliveIdle = 7_200
    fileprivate(set) var reuseAddress = 0
    fileprivate(set) var reusePort = 0
    fileprivate(set) var ipv6Only = 0
    fileprivate(set) var bindsLate = 0
    /// Bytes; half of it is for what has arrived, as half of Linux's is for its bookkeeping.
    fileprivate var receiveBuffer = 131_072
    fileprivate var sendBuffer = 87_040
    /// Whether `close` resets the connection.
    var resetsOnClose = false

    /// Whether other sockets that share ports may bind to the same one.
    var sharesPort: Bool { reuseAddress != 0 || reusePort != 0 }
    /// Bytes that wait to be read at most.
    var receiveCapacity: Int { receiveBuffer / 2 }
    /// Bytes that wait to be sent at most.
    var sendCapacity: Int { sendBuffer / 2 }
}

extension KernelSocket {
    /// The value of an option.
    func value(of option: SocketOption) throws(Errno) -> Int {
        try checkLevel(of: option)
        switch option {
        case .noDelay: return options.noDelay
        case .keepAlive: return options.keepAlive
        case .keepAliveIdle: return options.keepAliveIdle
        case .reuseAddress: return options.reuseAddress
        case .reusePort: return options.reusePort
        case .receiveBuffer: return options.receiveBuffer
        case .sendBuffer: return options.sendBuffer
        case .bindsLate: return options.bindsLate
        case .isListening: return listener == nil ? 0 : 1
        case .ipv6Only:
            guard family == .ipv6 else { throw Errno(rawValue: EOPNOTSUPP) }
            return options.ipv6Only
        }
    }

    /// The options when one of them is set.
    func setting(_ option: SocketOption, to value: Int) throws(Errno) -> SocketOptions {
        try checkLevel(of: option)
        var options = options
        let flag = value == 0 ? 0 : 1
        switch option {
        case .noDelay: options.noDelay = flag
        case .keepAlive: options.keepAlive = flag
        case .keepAliveIdle:
            guard (1...32_767).contains(value) else { throw .invalidArgument }
            options.keepAliveIdle = value
        case .reuseAddress: options.reuseAddress = flag
        case .reusePort: options.reusePort = flag
        case .receiveBuffer: options.receiveBuffer = size(value, in: SocketOptions.receiveBuffers)
        case .sendBuffer: options.sendBuffer = size(value, in: SocketOptions.sendBuffers)
        case .bindsLate: options.bindsLate = flag
        case .isListening: throw Errno(rawValue: ENOPROTOOPT)
        case .ipv6Only:
            guard family == .ipv6 else { throw Errno(rawValue: ENOPROTOOPT) }
            guard local.map({ $0.port == 0 }) ?? true else { throw .invalidArgument }
            options.ipv6Only = flag
        }
        return options
    }

    /// Throws when a Unix socket is asked for an option of TCP or IP.
    private func checkLevel(of option: SocketOption) throws(Errno) {
        if family == .unix, option.isOfInternet { throw Errno(rawValue: EOPNOTSUPP) }
    }

    /// What Linux makes of a size that was asked for.
    private func size(_ asked: Int, in bounds: ClosedRange<Int>) -> Int {
        min(max(min(max(asked, 0), bounds.upperBound) * 2, bounds.lowerBound), bounds.upperBound)
    }
}
