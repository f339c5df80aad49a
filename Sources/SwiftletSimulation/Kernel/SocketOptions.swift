import Glibc
import Syscalls

/// The options of a simulated socket, in the units and bounds of Linux (socket(7), tcp(7)).
///
/// Some are only remembered: every byte is sent at once, so there is nothing that `noDelay` could
/// change, and nobody probes a silent peer.
struct SocketOptions: Sendable {
    /// What `SO_RCVBUF` and `SO_SNDBUF` can be made: twice what is asked for, from the smallest
    /// that Linux gives up to twice its usual limit of 212,992 bytes.
    static let receiveBuffers = 2_304...425_984
    static let sendBuffers = 4_608...425_984

    private var noDelay = 0
    private var keepAlive = 0
    private var keepAliveIdle = 7_200
    private(set) var reuseAddress = 0
    private(set) var reusePort = 0
    private(set) var ipv6Only = 0
    private(set) var bindsLate = 0
    /// Bytes; half of it is for what has arrived, as half of Linux's is for its bookkeeping.
    private var receiveBuffer = 131_072
    private var sendBuffer = 87_040
    /// Whether `close` resets the connection.
    var resetsOnClose = false

    /// Whether others who share ports may bind the same one.
    var sharesPort: Bool { reuseAddress != 0 || reusePort != 0 }
    /// Bytes that wait to be read at most.
    var receiveCapacity: Int { receiveBuffer / 2 }
    /// Bytes that wait to be sent at most.
    var sendCapacity: Int { sendBuffer / 2 }

    /// The value of an option of a socket of one family.
    func value(of option: SocketOption, isIPv6: Bool, isListening: Bool) throws(Errno) -> Int {
        switch option {
        case .noDelay: return noDelay
        case .keepAlive: return keepAlive
        case .keepAliveIdle: return keepAliveIdle
        case .reuseAddress: return reuseAddress
        case .reusePort: return reusePort
        case .receiveBuffer: return receiveBuffer
        case .sendBuffer: return sendBuffer
        case .bindsLate: return bindsLate
        case .isListening: return isListening ? 1 : 0
        case .ipv6Only:
            guard isIPv6 else { throw Errno(rawValue: EOPNOTSUPP) }
            return ipv6Only
        }
    }

    /// Sets an option of a socket of one family.
    mutating func set(
        _ option: SocketOption, to value: Int, isIPv6: Bool, isBound: Bool
    ) throws(Errno) {
        let flag = value == 0 ? 0 : 1
        switch option {
        case .noDelay: noDelay = flag
        case .keepAlive: keepAlive = flag
        case .keepAliveIdle:
            guard (1...32_767).contains(value) else { throw .invalidArgument }
            keepAliveIdle = value
        case .reuseAddress: reuseAddress = flag
        case .reusePort: reusePort = flag
        case .receiveBuffer: receiveBuffer = size(value, in: SocketOptions.receiveBuffers)
        case .sendBuffer: sendBuffer = size(value, in: SocketOptions.sendBuffers)
        case .bindsLate: bindsLate = flag
        case .isListening: throw Errno(rawValue: ENOPROTOOPT)
        case .ipv6Only:
            guard isIPv6 else { throw Errno(rawValue: ENOPROTOOPT) }
            guard !isBound else { throw .invalidArgument }
            ipv6Only = flag
        }
    }

    /// What Linux makes of a size that was asked for.
    private func size(_ asked: Int, in bounds: ClosedRange<Int>) -> Int {
        min(max(min(max(asked, 0), bounds.upperBound) * 2, bounds.lowerBound), bounds.upperBound)
    }
}
