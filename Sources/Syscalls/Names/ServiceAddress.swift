/// The two kinds of socket that a service may have (socket(2)).
package enum SocketKind: String, CaseIterable, Sendable {
    /// `SOCK_STREAM`: bytes of a connection.
    case stream
    /// `SOCK_DGRAM`: messages, each by itself.
    case datagram
}

/// Where a service is, and by which kind of socket it is reached.
///
///     127.0.0.1:7788   unix:/run/app.sock      a stream
///     udp:127.0.0.1:7788                       datagrams
///
/// `tcp://` and `udp://` are read as well, as commands of others write them.
package struct ServiceAddress: Hashable, Sendable {
    package var kind: SocketKind
    package var address: SocketAddress

    /// A service at an address.
    package init(_ kind: SocketKind, _ address: SocketAddress) {
        self.kind = kind
        self.address = address
    }

    /// The address that a text names, or the first one of the name in it; waits for that.
    ///
    /// Throws `SocketAddress.ParseError`, `NameFailure` or `Unserved`.
    package init(lookingUp text: String) throws {
        let (kind, rest) = ServiceAddress.parts(of: text)
        address = try SocketAddress(lookingUp: rest)
        self.kind = kind
        if isUnserved { throw Unserved(text: text) }
    }

    /// Reads what `description` prints; nil for another text.
    package init?(_ text: String) {
        let (kind, rest) = ServiceAddress.parts(of: text)
        // Why it is none does not matter where it is another line.
        guard let address = try? SocketAddress(rest) else { return nil }
        self.init(kind, address)
        if isUnserved { return nil }
    }

    /// Whether it is what no service here has: datagrams of a Unix socket.
    private var isUnserved: Bool { kind == .datagram && address.isUnix }

    /// A text that names what no service here has.
    package struct Unserved: Error, CustomStringConvertible {
        let text: String

        package var description: String {
            "'\(text)' is not served: datagrams go over UDP here, and over a Unix socket a stream; "
                + "write udp:127.0.0.1:7788 or unix:PATH"
        }
    }

    /// The kind of socket, and what stands behind the word that says it.
    private static func parts(of text: String) -> (kind: SocketKind, rest: String) {
        for prefix in ["udp://", "udp:"] where text.hasPrefix(prefix) {
            return (.datagram, String(text.dropFirst(prefix.count)))
        }
        let prefix = "tcp://"
        return (.stream, text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text)
    }
}

extension ServiceAddress: CustomStringConvertible {
    /// The form that it is read back from: "127.0.0.1:7788", "udp:127.0.0.1:7788".
    package var description: String {
        switch kind {
        case .stream: "\(address)"
        case .datagram: "udp:\(address)"
        }
    }
}

extension RawDescriptor {
    /// Opens a non-blocking socket of a kind and an address family (socket(2)).
    package static func socket(_ kind: SocketKind, family: CInt) throws(Errno) -> RawDescriptor {
        switch kind {
        case .stream: return try streamSocket(family: family)
        case .datagram: return try datagramSocket(family: family, .datagram)
        }
    }
}
