import CLinux
import Glibc

/// Why the name of a host has no address (getaddrinfo(3)).
public enum NameFailure: UInt8, Error, Hashable, Sendable, CaseIterable {
    /// There is no host of this name, or it has no address of IPv4 or IPv6.
    case unknown
    /// The name server has not answered; it may later.
    case noAnswer
    /// The name server has refused, or its answer made no sense.
    case refused
    /// So many lookups are under way that another one is not begun.
    case tooMany
    /// The machine has no memory or thread for it.
    case exhausted
}

extension NameFailure: CustomStringConvertible {
    /// The failure in words.
    public var description: String {
        switch self {
        case .unknown: "there is no host of this name"
        case .noAnswer: "the name server does not answer"
        case .refused: "the name server refuses to answer"
        case .tooMany: "too many names are being looked up"
        case .exhausted: "the machine has no memory or thread to look the name up"
        }
    }
}

extension SocketAddress {
    /// The addresses of a host by its name, in the order in which to try them, with port 0; waits
    /// for the answer, which may take many seconds (getaddrinfo(3)).
    ///
    /// glibc reads /etc/hosts, asks name servers and orders the addresses (RFC 6724), as
    /// /etc/nsswitch.conf, /etc/resolv.conf and /etc/gai.conf say.
    package static func lookUp(_ host: String) throws(NameFailure) -> [SocketAddress] {
        // C takes a text to its first zero byte, and would not see what stands behind it.
        if host.utf8.contains(0) { throw .unknown }
        var wish = addrinfo()
        wish.ai_family = AF_UNSPEC
        wish.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, nil, &wish, &list)
        guard failure == 0 else { throw NameFailure(failure, Errno.current) }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next, let bytes = entry.pointee.ai_addr {
            if let address = SocketAddress(bytes, length: Int(entry.pointee.ai_addrlen)),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        if addresses.isEmpty { throw .unknown }
        return addresses
    }
}

extension SocketAddress {
    /// The address that a text names, or the first one of the name in it; waits for that. For a
    /// command, which has nothing else to do before it knows.
    package init(lookingUp text: String) throws {
        switch try SocketTarget(text) {
        case .address(let address): self = address
        case .name(let host, let port):
            self = try SocketAddress.lookUp(host)[0].with(port: port)
        }
    }
}

extension NameFailure {
    fileprivate init(_ code: CInt, _ errno: Errno) {
        switch code {
        case EAI_AGAIN: self = .noAnswer
        case EAI_FAIL: self = .refused
        case EAI_MEMORY: self = .exhausted
        case EAI_SYSTEM: self = errno.meansExhaustion ? .exhausted : .noAnswer
        default: self = .unknown
        }
    }
}
