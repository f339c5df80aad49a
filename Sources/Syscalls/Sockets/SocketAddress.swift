import Glibc

/// Where a socket is: an IPv4 or IPv6 address and a port (ip(7), ipv6(7)).
public struct SocketAddress: Hashable, Sendable {
    /// The kernel's own form, kept whole so that a call needs no conversion.
    private enum Storage: Sendable {
        case ipv4(sockaddr_in)
        case ipv6(sockaddr_in6)
    }
    private var storage: Storage

    /// What is wrong with a text that should have been an address.
    public struct ParseError: Error, Equatable, CustomStringConvertible {
        /// The text that could not be read.
        public let text: String
        /// Says what was expected, with an example.
        public var description: String {
            "'\(text)' is not an address: write 127.0.0.1:7788, [::1]:7788, localhost:7788 or :7788"
        }
    }

    /// Reads `127.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `localhost:80` or `:80`.
    ///
    /// The last two mean 127.0.0.1. Names are not looked up: resolving blocks.
    public init(_ text: String) throws(ParseError) {
        let failure = ParseError(text: text)
        // C takes a text to its first zero byte, and would not see what stands behind it.
        guard !text.utf8.contains(0), let colon = text.lastIndex(of: ":"),
            let port: UInt16 = number(text[text.index(after: colon)...])
        else { throw failure }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let parsed = SocketAddress(ipv6: host.dropFirst().dropLast(), port: port) else {
                throw failure
            }
            self = parsed
        } else {
            let literal = host.isEmpty || host == "localhost" ? "127.0.0.1" : String(host)
            guard let parsed = SocketAddress(ipv4: literal, port: port) else { throw failure }
            self = parsed
        }
    }

    private init?(ipv4 text: String, port: UInt16) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else { return nil }
        storage = .ipv4(address)
    }

    private init?(ipv6 text: Substring, port: UInt16) {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let literal = parts.first,
            inet_pton(AF_INET6, String(literal), &address.sin6_addr) == 1
        else { return nil }
        if parts.count == 2 {
            let scope: UInt32 = number(parts[1]) ?? if_nametoindex(String(parts[1]))
            guard scope != 0 else { return nil }
            address.sin6_scope_id = scope
        }
        storage = .ipv6(address)
    }

    /// The port, 0 to 65,535; 0 asks the kernel for a free one.
    public var port: UInt16 {
        switch storage {
        case .ipv4(let address): UInt16(bigEndian: address.sin_port)
        case .ipv6(let address): UInt16(bigEndian: address.sin6_port)
        }
    }

    /// The same host with another port.
    public func with(port: UInt16) -> SocketAddress {
        var copy = self
        switch storage {
        case .ipv4(var address):
            address.sin_port = port.bigEndian
            copy.storage = .ipv4(address)
        case .ipv6(var address):
            address.sin6_port = port.bigEndian
            copy.storage = .ipv6(address)
        }
        return copy
    }

    /// Whether this is an IPv6 address.
    public var isIPv6: Bool {
        if case .ipv6 = storage { true } else { false }
    }

    /// Whether only this machine can reach it: 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        switch storage {
        case .ipv4(let address): UInt32(bigEndian: address.sin_addr.s_addr) >> 24 == 127
        case .ipv6: host == "::1"
        }
    }

    /// The host without its port: "127.0.0.1", "::1", "fe80::1%2".
    public var host: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            guard let base = text.baseAddress else { return "" }
            let size = socklen_t(text.count)
            switch storage {
            case .ipv4(var address):
                _ = inet_ntop(AF_INET, &address.sin_addr, base, size)
                return String(cString: base)
            case .ipv6(var address):
                _ = inet_ntop(AF_INET6, &address.sin6_addr, base, size)
                let scope = address.sin6_scope_id
                return String(cString: base) + (scope == 0 ? "" : "%\(scope)")
            }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The form that `init(_:)` reads back: "127.0.0.1:7788", "[::1]:7788".
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Two addresses are equal when they print alike.
    public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        left.description == right.description
    }

    /// Hashes what equality compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension SocketAddress {
    /// A port of this machine: 127.0.0.1 and the port.
    package init(loopbackPort port: UInt16) { self.init(ipv4: INADDR_LOOPBACK, port: port) }

    /// An IPv4 address from its number, which is 0x7F000001 for 127.0.0.1, and a port.
    package init(ipv4 number: UInt32, port: UInt16) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = number.bigEndian
        address.sin_port = port.bigEndian
        storage = .ipv4(address)
    }

    /// An IPv6 address from its first and its last eight bytes as numbers, and a port.
    package init(ipv6 high: UInt64, _ low: UInt64, port: UInt16) {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        storage = .ipv6(address)
    }

    /// The address without its port as two numbers, as `init(ipv6:_:port:)` takes them; one of IPv4
    /// in the form ::ffff:127.0.0.1 (RFC 4291, 2.5.5.2).
    package var words: (high: UInt64, low: UInt64) {
        switch storage {
        case .ipv4(let address):
            return (0, 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.sin_addr.s_addr)))
        case .ipv6(let address):
            return withUnsafeBytes(of: address.sin6_addr) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        }
    }

    /// `AF_INET` or `AF_INET6`.
    package var family: CInt { isIPv6 ? AF_INET6 : AF_INET }

    /// Lends the kernel's form of the address to `body`.
    package func withSockAddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        func lend<Address>(_ address: Address) -> Result {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<Address>.size))
                }
            }
        }
        switch storage {
        case .ipv4(let address): return lend(address)
        case .ipv6(let address): return lend(address)
        }
    }

    /// Runs a call that fills in an address: accept4, getsockname, getpeername.
    ///
    /// Returns nil as the address when the kernel gives a family that is neither IPv4 nor IPv6.
    package static func filled<Result: FixedWidthInteger & SignedInteger>(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) throws(Errno) -> (result: Result, address: SocketAddress?) {
        var space = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = try retrying {
            withUnsafeMutablePointer(to: &space) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
            }
        }
        return (result, SocketAddress(space))
    }

    private init?(_ space: sockaddr_storage) {
        let storage: Storage? = withUnsafeBytes(of: space) { bytes in
            switch CInt(space.ss_family) {
            case AF_INET: .ipv4(bytes.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: .ipv6(bytes.loadUnaligned(as: sockaddr_in6.self))
            default: nil
            }
        }
        guard let storage else { return nil }
        self.storage = storage
    }
}

/// A number that is written with digits and nothing else: integers of Swift take a sign, too.
private func number<Value: FixedWidthInteger>(_ text: Substring) -> Value? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        ? Value(text) : nil
}
