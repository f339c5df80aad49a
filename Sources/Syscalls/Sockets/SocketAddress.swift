import Glibc

/// Where a socket is: an IPv4 or IPv6 address and a port (ip(7), ipv6(7)), or the name of a Unix
/// socket, which is a path or an abstract name (unix(7)).
///
/// A plain value of 24 bytes. Only the name of a Unix socket has memory of its own. Two are equal
/// that mean the same address, whatever text they were read from.
public struct SocketAddress: Hashable, Sendable {
    /// Numbers are in the machine's order; the kernel's form is made for each call that needs it.
    enum Storage: Hashable, Sendable {
        case ipv4(UInt32, port: UInt16)
        case ipv6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
        /// The bytes of `sun_path`: a path without its zero at the end, a zero and an abstract
        /// name, or none for a socket that has no name.
        case unix([UInt8])
    }
    let storage: Storage

    init(_ storage: Storage) { self.storage = storage }

    /// The address of the Unix socket at a path, which has at most 107 bytes (unix(7)).
    ///
    /// - Throws: `ParseError` for a path that is empty, longer, or has a zero byte.
    public static func unix(path: String) throws(ParseError) -> SocketAddress {
        // What begins with @ is written as a path that does not, so that it is not read as a name.
        let bytes = Array((path.hasPrefix("@") ? "./" + path : path).utf8)
        if bytes.isEmpty { throw ParseError(path, .unixName) }
        return try SocketAddress(unixName: bytes, sayingOf: path)
    }

    /// The address of the Unix socket with an abstract name, which stands in no file system and
    /// goes with its socket; at most 107 bytes (unix(7)).
    ///
    /// - Throws: `ParseError` for a name that is empty, longer, or has a zero byte.
    public static func unix(abstractName name: String) throws(ParseError) -> SocketAddress {
        if name.isEmpty { throw ParseError(name, .unixName) }
        return try SocketAddress(unixName: [0] + Array(name.utf8), sayingOf: name)
    }

    /// The bytes of a name in the kernel's form, checked; `text` is what an error names.
    init(unixName name: [UInt8], sayingOf text: String) throws(ParseError) {
        let isAbstract = name.first == 0
        let length = name.count - (isAbstract ? 1 : 0)
        if name.dropFirst(isAbstract ? 1 : 0).contains(0) { throw ParseError(text, .zeroByte) }
        guard length <= SocketAddress.unixNameMax else {
            throw ParseError(text, .unixNameTooLong(length))
        }
        storage = .unix(name)
    }

    /// The longest path or name of a Unix socket, in bytes: `sun_path` has one more, for a zero at
    /// the end of a path or at the beginning of a name.
    package static let unixNameMax = 107

    /// The port, 0 to 65,535; 0 asks the kernel for a free one. A Unix socket has none: 0.
    public var port: UInt16 {
        switch storage {
        case .ipv4(_, let port), .ipv6(_, _, _, let port): port
        case .unix: 0
        }
    }

    /// The same host with another port; a Unix socket's address as it is.
    public func with(port: UInt16) -> SocketAddress {
        switch storage {
        case .ipv4(let number, _): SocketAddress(.ipv4(number, port: port))
        case .ipv6(let high, let low, let scope, _):
            SocketAddress(.ipv6(high: high, low: low, scope: scope, port: port))
        case .unix: self
        }
    }

    /// The bytes of the host's address as they go over a network: 4 of IPv4, 16 of IPv6, none of a
    /// Unix socket.
    public var hostBytes: [UInt8] {
        switch storage {
        case .ipv4(let number, _): withUnsafeBytes(of: number.bigEndian, Array.init)
        case .ipv6(let high, let low, _, _):
            withUnsafeBytes(of: (high.bigEndian, low.bigEndian), Array.init)
        case .unix: []
        }
    }

    /// Whether this is an IPv6 address.
    public var isIPv6: Bool {
        if case .ipv6 = storage { true } else { false }
    }

    /// Whether this is the address of a Unix socket.
    public var isUnix: Bool {
        if case .unix = storage { true } else { false }
    }

    /// The path of a Unix socket; nil for any other address, and for one that is not in the file
    /// system.
    public var unixPath: String? {
        guard case .unix(let name) = storage, let first = name.first, first != 0 else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    /// Whether only this machine can reach it: 127.0.0.0/8, also in its form for IPv6, ::1, or a
    /// Unix socket.
    package var isLoopback: Bool {
        switch storage {
        case .ipv4(let number, _): number >> 24 == 127
        case .ipv6(let high, let low, _, _): high == 0 && (low == 1 || low >> 24 == 0xFFFF7F)
        case .unix: true
        }
    }

    /// Whether it stands for all addresses of a host: 0.0.0.0 or ::.
    package var isAny: Bool {
        switch storage {
        case .ipv4(let number, _): number == 0
        case .ipv6(let high, let low, _, _): high == 0 && low == 0
        case .unix: false
        }
    }
}

// Addresses from numbers, and as numbers.
extension SocketAddress {
    /// A port of this machine: 127.0.0.1 and the port.
    package init(loopbackPort port: UInt16) { self.init(ipv4: INADDR_LOOPBACK, port: port) }

    /// An IPv4 address from its number, which is 0x7F000001 for 127.0.0.1, and a port.
    package init(ipv4 number: UInt32, port: UInt16) { storage = .ipv4(number, port: port) }

    /// An IPv6 address from its first and its last eight bytes as numbers, and a port.
    package init(ipv6 high: UInt64, _ low: UInt64, port: UInt16) {
        storage = .ipv6(high: high, low: low, scope: 0, port: port)
    }

    /// The address without its port as two numbers, as `init(ipv6:_:port:)` takes them; one of IPv4
    /// in the form ::ffff:127.0.0.1 (RFC 4291, 2.5.5.2). Nil for a Unix socket.
    package var words: (high: UInt64, low: UInt64)? {
        switch storage {
        case .ipv4(let number, _): (0, 0xFFFF_0000_0000 | UInt64(number))
        case .ipv6(let high, let low, _, _): (high, low)
        case .unix: nil
        }
    }

    /// The address of a Unix socket from the bytes of its name, as `unixName` has them.
    package init(unixName name: [UInt8]) { storage = .unix(name) }

    /// The name of a Unix socket as the kernel has it: the bytes of its path, a zero and its
    /// abstract name, or none if it has no name. Nil for any other address.
    package var unixName: [UInt8]? {
        if case .unix(let name) = storage { name } else { nil }
    }
}
