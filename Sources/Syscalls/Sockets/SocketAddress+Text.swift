import Glibc

// Addresses as text: what is read, what is printed, and what is said of a text that is none.
extension SocketAddress {
    /// What is wrong with a text that should have been an address.
    public struct ParseError: Error, Hashable {
        /// Why a text is no address.
        public enum Reason: Hashable, Sendable {
            /// It is none of the forms.
            case form
            /// What is behind the last colon is not a port.
            case port
            /// What is before the port is no IPv4 address.
            case ipv4
            /// What is in brackets is no IPv6 address.
            case ipv6
            /// What is behind the percent sign is no interface of this machine.
            case scope
            /// A Unix socket needs a path or a name.
            case unixName
            /// The path or name of a Unix socket has so many bytes, and 107 is the limit.
            case unixNameTooLong(Int)
            /// It has a zero byte, at which C would end it.
            case zeroByte
        }
        /// The text that could not be read.
        public let text: String
        /// Why it could not.
        public let reason: Reason

        init(_ text: String, _ reason: Reason) {
            self.text = text
            self.reason = reason
        }
    }

    /// Reads `127.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `localhost:80`, `:80`,
    /// `unix:/run/app.sock` or `unix:@name`.
    ///
    /// `localhost:80` and `:80` mean 127.0.0.1 (RFC 6761, 6.3). No other name is looked up. The
    /// name behind `unix:@` is an abstract one; to bind to `unix:` alone takes a free one, as port
    /// 0 does for the others.
    ///
    /// - Throws: `ParseError`, which says what is wrong with the text.
    public init(_ text: String) throws(ParseError) {
        // C takes a text to its first zero byte, and would not see what stands behind it.
        if text.utf8.contains(0) { throw ParseError(text, .zeroByte) }
        if text.hasPrefix("unix:") {
            let name = Array(text.utf8.dropFirst("unix:".utf8.count))
            let isAbstract = name.first == UInt8(ascii: "@")
            if isAbstract, name.count == 1 { throw ParseError(text, .unixName) }
            self = try SocketAddress(
                unixName: isAbstract ? [0] + name.dropFirst() : name, sayingOf: text)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw ParseError(text, .form) }
        let host = text[..<colon]
        guard let port: UInt16 = number(text[text.index(after: colon)...]) else {
            throw ParseError(text, .port)
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            try self.init(ipv6: host.dropFirst().dropLast(), port: port, in: text)
        } else {
            let literal = host.isEmpty || host == "localhost" ? "127.0.0.1" : String(host)
            var address = in_addr()
            guard inet_pton(AF_INET, literal, &address) == 1 else { throw ParseError(text, .ipv4) }
            self.init(ipv4: UInt32(bigEndian: address.s_addr), port: port)
        }
    }

    private init(
        ipv6 host: Substring, port: UInt16, in text: String
    ) throws(ParseError) {
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var address = sockaddr_in6()
        address.sin6_port = port.bigEndian
        guard let literal = parts.first,
            inet_pton(AF_INET6, String(literal), &address.sin6_addr) == 1
        else { throw ParseError(text, .ipv6) }
        if parts.count == 2 {
            address.sin6_scope_id = number(parts[1]) ?? if_nametoindex(String(parts[1]))
            if address.sin6_scope_id == 0 { throw ParseError(text, .scope) }
        }
        self.init(address)
    }

    /// The host without its port: "127.0.0.1", "::1", "fe80::1%2"; of a Unix socket its path, or
    /// its abstract name behind an @.
    public var host: String {
        switch storage {
        case .unix(let name):
            return name.first == 0
                ? "@" + String(decoding: name.dropFirst(), as: UTF8.self)
                : String(decoding: name, as: UTF8.self)
        case .ipv4(let number, _):
            var address = in_addr(s_addr: number.bigEndian)
            return SocketAddress.text(AF_INET, &address)
        case .ipv6(_, _, let scope, _):
            var address = kernelIPv6.sin6_addr
            return SocketAddress.text(AF_INET6, &address) + (scope == 0 ? "" : "%\(scope)")
        }
    }

    /// An address of a family as text (inet_ntop(3)).
    private static func text(_ family: CInt, _ address: UnsafeRawPointer) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            guard let base = text.baseAddress,
                inet_ntop(family, address, base, socklen_t(text.count)) != nil
            else { return "" }
            return String(cString: base)
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The form that `init(_:)` reads back: "127.0.0.1:7788", "[::1]:7788", "unix:/run/app.sock",
    /// "unix:@name", and "unix:" for a Unix socket without a name.
    public var description: String {
        switch storage {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, _, _, let port): "[\(host)]:\(port)"
        case .unix: "unix:\(host)"
        }
    }
}

extension SocketAddress.ParseError: CustomStringConvertible {
    /// Says what is wrong and how to write it: "'[::1]' is not an address: …".
    public var description: String { "'\(text)' is not an address: \(words)" }

    private var words: String {
        switch reason {
        case .form:
            "write 127.0.0.1:7788, [::1]:7788, localhost:7788, :7788, unix:/run/app.sock or "
                + "unix:@name"
        case .port: "behind the last colon comes a port, which is 0 to 65535"
        case .ipv4:
            "before the port comes an IPv4 address such as 127.0.0.1, an IPv6 address in brackets "
                + "such as [::1], or localhost"
        case .ipv6: "in the brackets comes an IPv6 address such as ::1"
        case .scope: "behind the % comes an interface of this machine, see 'ip link'"
        case .unixName: "a Unix socket needs a path or a name: /run/app.sock or @name"
        case .unixNameTooLong(let count):
            "the path or name of a Unix socket has \(count) bytes, and at most "
                + "\(SocketAddress.unixNameMax) fit"
        case .zeroByte: "it has a zero byte"
        }
    }
}

/// A number that is written with digits and nothing else: integers of Swift take a sign, too.
private func number<Value: FixedWidthInteger>(_ text: Substring) -> Value? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        ? Value(text) : nil
}
