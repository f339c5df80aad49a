import Syscalls

/// Which addresses a socket has to do with.
enum AddressFamily: Sendable {
    case ipv4, ipv6, unix

    init(of address: SocketAddress) {
        self = address.isUnix ? .unix : address.isIPv6 ? .ipv6 : .ipv4
    }

    /// The address of a socket that has none yet: every address of a host, or no name.
    var unbound: Endpoint {
        self == .unix ? Endpoint(name: []) : Endpoint(any, port: 0)
    }
    /// Every address of a host.
    var any: IPAddress { self == .ipv6 ? .anyIPv6 : .anyIPv4 }
    /// The host itself, for every host.
    var loopback: IPAddress { self == .ipv6 ? .loopbackIPv6 : .loopbackIPv4 }
}

/// An address of the simulated network without a port.
///
/// All are held as IPv6; one of IPv4 as ::ffff:10.0.0.1, which is how Linux shows it to a socket of
/// IPv6. So one table serves both families.
struct IPAddress: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// `::`, every address of the host.
    static let anyIPv6 = IPAddress(high: 0, low: 0)
    /// `0.0.0.0`, every IPv4 address of the host.
    static let anyIPv4 = IPAddress(ipv4: 0)
    /// `::1`, the host itself.
    static let loopbackIPv6 = IPAddress(high: 0, low: 1)
    /// `127.0.0.1`, the host itself.
    static let loopbackIPv4 = IPAddress(ipv4: 0x7F00_0001)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(ipv4 number: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(number)) }

    var family: AddressFamily { high == 0 && low >> 32 == 0xFFFF ? .ipv4 : .ipv6 }
    /// Whether it stands for all addresses of a host.
    var isAny: Bool { self == .anyIPv6 || self == .anyIPv4 }
    /// Whether it is in 127.0.0.0/8 or ::1: the host itself, for every host.
    var isLoopback: Bool { family == .ipv4 ? low >> 24 & 0xFF == 127 : self == .loopbackIPv6 }
}

/// Where one end of a connection is.
struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    var address: IPAddress
    /// 0 when there is none yet.
    var port: UInt16
    /// The name of a Unix socket, which has no address; empty for one without a name, nil for all
    /// other sockets.
    let name: [UInt8]?

    init(_ address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
        name = nil
    }

    /// The endpoint of a Unix socket.
    init(name: [UInt8]) {
        address = .anyIPv6
        port = 0
        self.name = name
    }

    /// An endpoint as a program gave it.
    init(_ address: SocketAddress) {
        if let words = address.words {
            self.init(IPAddress(high: words.high, low: words.low), port: address.port)
        } else {
            self.init(name: address.unixName ?? [])
        }
    }

    /// The endpoint as a socket of one family shows it.
    func socketAddress(as family: AddressFamily) -> SocketAddress {
        switch family {
        case .unix: SocketAddress(unixName: name ?? [])
        case .ipv6: SocketAddress(ipv6: address.high, address.low, port: port)
        case .ipv4: SocketAddress(ipv4: UInt32(truncatingIfNeeded: address.low), port: port)
        }
    }

    var description: String {
        socketAddress(as: name == nil ? address.family : .unix).description
    }
}

/// The addresses that hosts have, which follow from the order in which they were added.
extension HostID {
    /// Host 0 has 10.0.0.1, and so on.
    var ipv4: IPAddress { IPAddress(ipv4: 10 << 24 | UInt32(index + 1)) }

    /// Host 0 has fd00::1, and so on.
    var ipv6: IPAddress { IPAddress(high: 0xFD00 << 48, low: UInt64(index + 1)) }

    /// The host's address for others, with a port.
    func address(port: UInt16) -> SocketAddress {
        Endpoint(ipv4, port: port).socketAddress(as: .ipv4)
    }

    /// The host's IPv6 address for others, with a port.
    func ipv6Address(port: UInt16) -> SocketAddress {
        Endpoint(ipv6, port: port).socketAddress(as: .ipv6)
    }

    /// The address from which the host speaks to another address.
    func source(to target: IPAddress) -> IPAddress {
        if target.isLoopback { return target.family.loopback }
        return target.family == .ipv4 ? ipv4 : ipv6
    }
}

extension [KernelHost] {
    /// Which host an address means to `asking`; nil when no host has it.
    func owner(of address: IPAddress, asking: HostID) -> HostID? {
        if address.isLoopback || address.isAny { return asking }
        let number =
            address.family == .ipv4
            ? Int(truncatingIfNeeded: address.low & 0xFFFF_FFFF) - 10 << 24
            : address.high == 0xFD00 << 48 ? Int(clamping: address.low) : 0
        return indices.contains(number - 1) ? HostID(index: number - 1) : nil
    }
}
