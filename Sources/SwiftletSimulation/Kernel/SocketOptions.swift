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
    /// Those that are set and change nothing here.
    fileprivate var remembered: [SocketOption: Int] = [:]
    /// Bytes; half of it is for what has arrived, as half of Linux's is for its bookkeeping.
    fileprivate var receiveBuffer = 131_072
    fileprivate var sendBuffer = 87_040
    /// Whether `close` resets the connection.
    var resetsOnClose = false

    /// What an option that changes nothing here may be, and what it is at first (tcp(7),
    /// socket(7)).
    fileprivate struct Form {
        let usual: Int
        var values = 0...1
        /// Whether any number but 0 is 1.
        var isSwitch = false
        var error = Errno.invalidArgument
    }

    fileprivate static let forms: [SocketOption: Form] = [
        .keepAliveInterval: Form(usual: 75, values: 1...32_767),
        .keepAliveCount: Form(usual: 9, values: 1...127),
        .userTimeout: Form(usual: 0, values: 0...Int(Int32.max)),
        .quickAck: Form(usual: 1, isSwitch: true),
        .fastOpen: Form(usual: 0, values: 0...4_096),
        .broadcast: Form(usual: 0, isSwitch: true),
        .priority: Form(usual: 0, values: 0...6, error: .notPermitted),
        .mark: Form(usual: 0, values: 0...Int(Int32.max)),
        .boundInterface: Form(usual: 0, values: 0...Int(Int32.max)),
        .timeToLive: Form(usual: 64, values: 1...255),
        .timeToLiveIPv6: Form(usual: 64, values: -1...255),
        .multicastTimeToLive: Form(usual: 1, values: -1...255),
        .multicastTimeToLiveIPv6: Form(usual: 1, values: -1...255),
        .multicastLoop: Form(usual: 1, isSwitch: true),
        .multicastLoopIPv6: Form(usual: 1),
        .multicastInterface: Form(usual: 0, values: 0...2, error: .addressNotAvailable),
        .multicastInterfaceIPv6: Form(usual: 0, values: 0...2, error: .noDevice),
        .localAddresses: Form(usual: 0, isSwitch: true),
        .localAddressesIPv6: Form(usual: 0, isSwitch: true),
        .receiveSegments: Form(usual: 0, isSwitch: true),
    ]

    /// Those of a socket for datagrams, whose buffers are as large as Linux's (socket(7)).
    static let ofDatagrams = {
        var options = SocketOptions()
        options.receiveBuffer = 212_992
        options.sendBuffer = 212_992
        return options
    }()

    // What options of datagrams say here.

    /// Bytes of datagrams that wait to be received at most, with what the kernel keeps with each.
    var datagramCapacity: Int { receiveBuffer }
    /// Bytes of datagrams that were sent and not yet received at which a Unix socket sends no more.
    var datagramSendBuffer: Int { sendBuffer }
    /// Bytes of a Unix datagram at most (unix(7)).
    var unixDatagramMost: Int { sendBuffer - 32 }
    /// Whether datagrams may go to all hosts.
    var mayBroadcast: Bool { remembered[.broadcast] == 1 }

    /// Whether a datagram tells the address that it came to.
    func tellsLocalAddress(of family: AddressFamily) -> Bool {
        remembered[family == .ipv6 ? .localAddressesIPv6 : .localAddresses] == 1
    }

    /// Whether what is sent to a group comes to receivers on the same host.
    func loopsMulticast(_ family: AddressFamily) -> Bool {
        remembered[family == .ipv6 ? .multicastLoopIPv6 : .multicastLoop] != 0
    }

    /// How many hosts what is sent to a group may pass.
    func multicastHops(_ family: AddressFamily) -> Int {
        let option = family == .ipv6 ? SocketOption.multicastTimeToLiveIPv6 : .multicastTimeToLive
        let hops = remembered[option] ?? 1
        return hops < 0 ? 1 : hops
    }

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
        case .linger: return options.resetsOnClose ? 0 : options.remembered[.linger] ?? -1
        default:
            guard let form = SocketOptions.forms[option] else { throw Errno(rawValue: ENOPROTOOPT) }
            return options.remembered[option] ?? form.usual
        }
    }

    /// The options when one of them is set.
    func setting(_ option: SocketOption, to value: Int) throws(Errno) -> SocketOptions {
        try checkLevel(of: option)
        guard CInt(exactly: value) != nil || UInt32(exactly: value) != nil else {
            throw .invalidArgument
        }
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
        case .linger:
            options.resetsOnClose = value == 0
            options.remembered[.linger] = max(value, -1)
        default:
            guard let form = SocketOptions.forms[option] else { throw Errno(rawValue: ENOPROTOOPT) }
            guard form.values.contains(value) || form.isSwitch else { throw form.error }
            options.remembered[option] = form.isSwitch ? flag : value
        }
        return options
    }

    /// Throws when a Unix socket is asked for an option of TCP or IP.
    private func checkLevel(of option: SocketOption) throws(Errno) {
        if family == .unix, option.isOfInternet { throw Errno(rawValue: EOPNOTSUPP) }
        if datagrams != nil, option.level == CInt(IPPROTO_TCP) {
            throw Errno(rawValue: ENOPROTOOPT)
        }
    }

    /// What Linux makes of a size that was asked for.
    private func size(_ asked: Int, in bounds: ClosedRange<Int>) -> Int {
        min(max(min(max(asked, 0), bounds.upperBound) * 2, bounds.lowerBound), bounds.upperBound)
    }
}
