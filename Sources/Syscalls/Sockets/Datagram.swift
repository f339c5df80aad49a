import Glibc

// What is known of datagrams beside their bytes.

/// What kind of socket carries datagrams.
public enum DatagramKind: Hashable, Sendable {
    /// UDP (udp(7)); with the address of a Unix socket, the datagrams of unix(7).
    case datagram
    /// ICMP echoes without privileges: the bytes begin with the ICMP header, whose identifier is
    /// the port. Allowed where a group of the process is in `net.ipv4.ping_group_range` (icmp(7)).
    case ping
    /// Packets of an IP protocol by its number, such as 1 for ICMP; needs CAP_NET_RAW. What is
    /// received over IPv4 begins with the IP header (raw(7)).
    case raw(UInt8)

    /// Whether it is `raw`, whatever the protocol.
    package var isRaw: Bool { if case .raw = self { true } else { false } }
}

/// Joining or leaving a group of receivers.
package enum Membership: UInt8, Sendable {
    case join, leave
}

/// What the kernel tells of a datagram that was received.
public struct ReceivedDatagram: Hashable, Sendable {
    /// How many bytes were put into the memory.
    public let count: Int
    /// Whether the datagram was longer than the memory: the rest of it is gone.
    public let isTruncated: Bool
    /// The address that sent it; a Unix socket that has no name is `unix:`.
    public let sender: SocketAddress
    /// The address of this machine that it came to, with the port; nil where it was not asked for.
    ///
    /// What was sent to a group or to all has come to an address of the interface, or to nil.
    public package(set) var localAddress: SocketAddress?
    /// The index of the interface that it came through; 0 where the address was not asked for.
    public let interface: Int
    /// Where the kernel has put several datagrams of one sender together, how long each but the
    /// last is; 0 for one datagram (`UDP_GRO`).
    public let segmentSize: Int

    /// What was told of a datagram.
    package init(
        count: Int, isTruncated: Bool = false, sender: SocketAddress,
        localAddress: SocketAddress? = nil, interface: Int = 0, segmentSize: Int = 0
    ) {
        self.count = count
        self.isTruncated = isTruncated
        self.sender = sender
        self.localAddress = localAddress
        self.interface = interface
        self.segmentSize = segmentSize
    }
}

/// Where a datagram goes, and from where.
package struct DatagramRoute: Hashable, Sendable {
    /// The receiver; nil is the peer of a connected socket.
    package var target: SocketAddress?
    /// The address of this machine to send from; nil leaves it to the kernel. Its port means
    /// nothing.
    package var source: SocketAddress?
    /// Length of the datagrams that the bytes are cut into; 0 for one datagram.
    package var segmentSize: Int

    package init(
        to target: SocketAddress? = nil, from source: SocketAddress? = nil, segmentSize: Int = 0
    ) {
        self.target = target
        self.source = source
        self.segmentSize = segmentSize
    }
}
