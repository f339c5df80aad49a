import CLinux
import Glibc

/// A socket option whose value is one number, by its usual name (socket(7), tcp(7), ip(7),
/// ipv6(7)); any other by its numbers.
///
/// Switches take 0 for off and 1 for on; sizes are bytes and times are seconds, if nothing else is
/// said.
public struct SocketOption: Hashable, Sendable {
    package let level: CInt
    package let code: CInt

    /// The option of a protocol's level with a number: `SOL_SOCKET` and `SO_INCOMING_CPU`.
    public init(level: CInt, number: CInt) {
        self.level = level
        code = number
    }

    private static func socket(_ number: CInt) -> SocketOption {
        SocketOption(level: SOL_SOCKET, number: number)
    }

    private static func tcp(_ number: CInt) -> SocketOption {
        SocketOption(level: CInt(IPPROTO_TCP), number: number)
    }

    /// `TCP_NODELAY`: send small pieces at once instead of gathering them (Nagle's algorithm).
    public static let noDelay = tcp(TCP_NODELAY)
    /// `SO_KEEPALIVE`: probe a silent peer, and fail the connection when it is gone.
    public static let keepAlive = socket(SO_KEEPALIVE)
    /// `TCP_KEEPIDLE`: seconds of silence before the first probe.
    public static let keepAliveIdle = tcp(TCP_KEEPIDLE)
    /// `SO_REUSEADDR`: let a listener take a port whose old connections still linger.
    public static let reuseAddress = socket(SO_REUSEADDR)
    /// `SO_REUSEPORT`: let several listeners share a port.
    public static let reusePort = socket(SO_REUSEPORT)
    /// `SO_RCVBUF`: the kernel's receive buffer; Linux doubles what is set.
    public static let receiveBuffer = socket(SO_RCVBUF)
    /// `SO_SNDBUF`: the kernel's send buffer; Linux doubles what is set.
    public static let sendBuffer = socket(SO_SNDBUF)
    /// `IPV6_V6ONLY`: an IPv6 listener that takes no IPv4 connections. A `Listener` sets it to 0 if
    /// its options do not say otherwise.
    public static let ipv6Only = SocketOption(level: CInt(IPPROTO_IPV6), number: IPV6_V6ONLY)
    /// `IP_BIND_ADDRESS_NO_PORT`: a bind to port 0 sets the address alone, and connect chooses the
    /// port, which connections to other targets may then have too (ip(7)).
    public static let bindsLate = SocketOption(
        level: CInt(IPPROTO_IP), number: IP_BIND_ADDRESS_NO_PORT)
    /// `SO_ACCEPTCONN`: 1 when the socket listens; cannot be set.
    public static let isListening = socket(SO_ACCEPTCONN)
    /// `TCP_KEEPINTVL`: seconds between two probes.
    public static let keepAliveInterval = tcp(TCP_KEEPINTVL)
    /// `TCP_KEEPCNT`: probes without an answer after which the connection fails.
    public static let keepAliveCount = tcp(TCP_KEEPCNT)
    /// `TCP_USER_TIMEOUT`: milliseconds that sent bytes may wait to be acknowledged before the
    /// connection fails; 0 leaves that to the kernel.
    public static let userTimeout = tcp(TCP_USER_TIMEOUT)
    /// `TCP_QUICKACK`: acknowledge at once; the kernel goes back to delaying by itself.
    public static let quickAck = tcp(TCP_QUICKACK)
    /// `TCP_FASTOPEN`: a listener takes bytes with the first segment of so many connections that
    /// are not up yet.
    public static let fastOpen = tcp(TCP_FASTOPEN)
    /// `SO_BROADCAST`: allow datagrams to broadcast addresses.
    public static let broadcast = socket(SO_BROADCAST)
    /// `SO_PRIORITY`: the queue of what is sent, 0 to 6; more needs privileges.
    public static let priority = socket(SO_PRIORITY)
    /// `SO_MARK`: the mark of what is sent, for routing and filters; needs privileges.
    public static let mark = socket(SO_MARK)
    /// `SO_BINDTOIFINDEX`: the index of the interface that alone is used; 0 for any. What
    /// `SO_BINDTODEVICE` does by a name: `[.boundInterface: NetworkInterface(named: "lo").index]`.
    public static let boundInterface = socket(SO_BINDTOIFINDEX)
    /// `SO_LINGER`: seconds that closing waits for what was sent to be acknowledged, and the loop
    /// with it; 0 resets the connection, -1 is off.
    public static let linger = socket(SO_LINGER)
}

// Options of datagrams: those of IPv4 and IPv6 are apart, and a socket takes those of its family.
extension SocketOption {
    private static func ipv4(_ number: CInt) -> SocketOption {
        SocketOption(level: CInt(IPPROTO_IP), number: number)
    }

    private static func ipv6(_ number: CInt) -> SocketOption {
        SocketOption(level: CInt(IPPROTO_IPV6), number: number)
    }

    /// `IP_TTL`: how many routers may pass a packet on, 1 to 255.
    public static let timeToLive = ipv4(IP_TTL)
    /// `IPV6_UNICAST_HOPS`: the same over IPv6; -1 is the usual number.
    public static let timeToLiveIPv6 = ipv6(IPV6_UNICAST_HOPS)
    /// `IP_MULTICAST_TTL`: how many routers may pass a packet to a group on, 0 to 255; 0 stays on
    /// the machine, 1 on the link, which is usual.
    public static let multicastTimeToLive = ipv4(IP_MULTICAST_TTL)
    /// `IPV6_MULTICAST_HOPS`: the same over IPv6; -1 is 1.
    public static let multicastTimeToLiveIPv6 = ipv6(IPV6_MULTICAST_HOPS)
    /// `IP_MULTICAST_LOOP`: what is sent to a group comes to receivers on this machine, too; on.
    public static let multicastLoop = ipv4(IP_MULTICAST_LOOP)
    /// `IPV6_MULTICAST_LOOP`: the same over IPv6.
    public static let multicastLoopIPv6 = ipv6(IPV6_MULTICAST_LOOP)
    /// `IP_MULTICAST_IF`: the index of the interface through which packets to groups leave, as
    /// if_nametoindex(3) has it; 0 leaves that to routing. Cannot be read.
    public static let multicastInterface = ipv4(IP_MULTICAST_IF)
    /// `IPV6_MULTICAST_IF`: the same over IPv6; can be read.
    public static let multicastInterfaceIPv6 = ipv6(IPV6_MULTICAST_IF)
    /// `IP_PKTINFO`: tell the local address of each datagram. `DatagramSocket.bind` sets it.
    public static let localAddresses = ipv4(IP_PKTINFO)
    /// `IPV6_RECVPKTINFO`: the same over IPv6.
    public static let localAddressesIPv6 = ipv6(IPV6_RECVPKTINFO)
    /// `IP_HDRINCL`: what is sent on a raw socket begins with the IP header.
    public static let headerIncluded = ipv4(IP_HDRINCL)
    /// `UDP_GRO`: give several datagrams of one sender and one size as one; for the `options` with
    /// which a socket is opened.
    public static let receiveSegments = SocketOption(
        level: CInt(IPPROTO_UDP), number: CInt(CLINUX_UDP_GRO))
}

extension SocketOption: CaseIterable {
    /// Every option that has a name here.
    public static var allCases: [SocketOption] { named.map(\.option) }

    private static let named: [(name: String, option: SocketOption)] = [
        ("noDelay", noDelay), ("keepAlive", keepAlive), ("keepAliveIdle", keepAliveIdle),
        ("reuseAddress", reuseAddress), ("reusePort", reusePort),
        ("receiveBuffer", receiveBuffer), ("sendBuffer", sendBuffer), ("ipv6Only", ipv6Only),
        ("bindsLate", bindsLate), ("isListening", isListening),
        ("keepAliveInterval", keepAliveInterval), ("keepAliveCount", keepAliveCount),
        ("userTimeout", userTimeout), ("quickAck", quickAck), ("fastOpen", fastOpen),
        ("broadcast", broadcast), ("priority", priority), ("mark", mark), ("linger", linger),
        ("boundInterface", boundInterface), ("timeToLive", timeToLive),
        ("timeToLiveIPv6", timeToLiveIPv6), ("multicastTimeToLive", multicastTimeToLive),
        ("multicastTimeToLiveIPv6", multicastTimeToLiveIPv6), ("multicastLoop", multicastLoop),
        ("multicastLoopIPv6", multicastLoopIPv6), ("multicastInterface", multicastInterface),
        ("multicastInterfaceIPv6", multicastInterfaceIPv6), ("localAddresses", localAddresses),
        ("localAddressesIPv6", localAddressesIPv6), ("headerIncluded", headerIncluded),
        ("receiveSegments", receiveSegments),
    ]
}

extension SocketOption: CustomStringConvertible {
    /// Its name here, or its numbers: "noDelay", "1:49".
    public var description: String {
        SocketOption.named.first { $0.option == self }?.name ?? "\(level):\(code)"
    }

    /// Reads what `description` prints.
    package init?(_ text: String) {
        if let known = SocketOption.named.first(where: { $0.name == text }) {
            self = known.option
            return
        }
        let numbers = text.split(separator: ":").compactMap { CInt($0) }
        guard numbers.count == 2 else { return nil }
        self.init(level: numbers[0], number: numbers[1])
    }
}

extension SocketOption {
    /// Whether only IPv4 and IPv6 sockets have it; for a Unix socket it is `EOPNOTSUPP`.
    package var isOfInternet: Bool { level != SOL_SOCKET }
}

extension RawDescriptor {
    /// Reads an option (getsockopt(2)).
    package func option(_ option: SocketOption) throws(Errno) -> Int {
        if option == .linger { return try lingerSeconds() }
        if option == .multicastInterface { throw Errno(rawValue: ENOPROTOOPT) }
        let value = try self.option(option.level, option.code)
        return option == .mark ? Int(UInt32(bitPattern: value)) : Int(value)
    }

    /// Sets an option (setsockopt(2)).
    package func setOption(_ option: SocketOption, to value: Int) throws(Errno) {
        if option == .linger { return try setLinger(to: value) }
        if option == .multicastInterface { return try setMulticastInterface(to: value) }
        guard let value = CInt(exactly: value) ?? UInt32(exactly: value).map(CInt.init(bitPattern:))
        else { throw .invalidArgument }
        try setOption(option.level, option.code, to: value)
    }

    private func lingerSeconds() throws(Errno) -> Int {
        var value = Glibc.linger()
        var length = socklen_t(MemoryLayout<Glibc.linger>.size)
        _ = try retrying { getsockopt(number, SOL_SOCKET, SO_LINGER, &value, &length) }
        return value.l_onoff == 0 ? -1 : Int(value.l_linger)
    }

    private func setMulticastInterface(to index: Int) throws(Errno) {
        guard let index = CInt(exactly: index) else { throw .invalidArgument }
        var value = ip_mreqn()
        value.imr_ifindex = index
        let length = socklen_t(MemoryLayout<ip_mreqn>.size)
        _ = try retrying {
            setsockopt(number, CInt(IPPROTO_IP), IP_MULTICAST_IF, &value, length)
        }
    }

    private func setLinger(to seconds: Int) throws(Errno) {
        var value = Glibc.linger(
            l_onoff: seconds < 0 ? 0 : 1, l_linger: CInt(clamping: max(seconds, 0)))
        let length = socklen_t(MemoryLayout<Glibc.linger>.size)
        _ = try retrying { setsockopt(number, SOL_SOCKET, SO_LINGER, &value, length) }
    }

    /// Makes `close` reset the connection instead of ending it in order (`SO_LINGER` of 0 seconds).
    package func resetOnClose() throws(Errno) { try setLinger(to: 0) }
}
