import Swiftlet
import Syscalls

/// A datagram that is under way to one host, or waits there to be received.
struct KernelDatagram: Sendable {
    /// In the order in which they were sent, from 1; all copies have the same one.
    let number: Int
    let bytes: [UInt8]
    let sender: HostID
    let source: Endpoint
    /// The socket that sent it, by the number of its queue.
    let queue: Int
    let receiver: HostID
    /// The address that it was sent to: the receiver's, a group's, or that of all.
    let target: Endpoint
    let purpose: Purpose

    /// What a host does with it.
    enum Purpose: Sendable {
        /// A socket receives it.
        case message
        /// The host answers it by itself.
        case echoRequest
        /// The answer to that, which a ping socket receives.
        case echoReply
    }

    /// Bytes of a buffer that it takes, with those that the kernel keeps beside it.
    var cost: Int { bytes.count + 512 }
}

/// What a socket for datagrams has beside what all sockets have.
///
///     received  [ datagram | datagram | … ]   at most as much as the receive buffer holds
struct DatagramQueue {
    /// Which queue of its host it is; none ever has the same.
    let number: Int
    /// Whether it is of a ping socket: then what stands for the port is the identifier of its
    /// echoes.
    let isPing: Bool
    /// Where it sends to, and of whom alone it receives; nil when it is not connected.
    var peer: Endpoint?
    /// What the next call throws: that a datagram found no receiver.
    var error: Errno?
    /// The groups that it has joined, with the index of the interface.
    var groups: [Group] = []
    /// What has arrived.
    private(set) var received = FIFO<KernelDatagram>()
    /// What came when there was no room for it.
    private(set) var dropped = 0
    private var size = 0

    init(number: Int, isPing: Bool) {
        self.number = number
        self.isPing = isPing
    }

    /// A group of receivers, on an interface.
    struct Group: Equatable {
        let address: IPAddress
        let interface: Int
    }

    /// Datagrams that wait at a Unix socket at most, but for one more (unix(7), max_dgram_qlen).
    private static let unixLimit = 10

    /// Whether a Unix socket takes no more.
    var isFullForUnix: Bool { received.count > DatagramQueue.unixLimit }

    /// Takes a datagram that has arrived into a buffer of so many bytes; false when it is dropped
    /// because there is no room.
    mutating func add(_ datagram: KernelDatagram, capacity: Int) -> Bool {
        guard received.isEmpty || size + datagram.cost <= capacity else {
            dropped += 1
            return false
        }
        size += datagram.cost
        received.append(datagram)
        return true
    }

    /// Bytes that what one socket has sent takes here, by the number of its queue.
    func cost(ofThoseBy sender: Int) -> Int {
        (0..<received.count).reduce(0) { sum, place in
            received[place].queue == sender ? sum + received[place].cost : sum
        }
    }

    /// Takes out what is to be received next; nil when nothing is there.
    mutating func popFirst() -> KernelDatagram? {
        guard let datagram = received.popFirst() else { return nil }
        size -= datagram.cost
        return datagram
    }

    /// Takes the pending error.
    mutating func takeError() -> Errno? { error.take() }
}

extension IPAddress {
    /// Whether it stands for a group of receivers: 224.0.0.0/4 or ff00::/8.
    var isMulticast: Bool {
        family == .ipv4 ? low >> 28 & 0xF == 0xE : high >> 56 == 0xFF
    }

    /// Whether it means all hosts: 255.255.255.255, 10.255.255.255 of the simulated network, or
    /// 127.255.255.255, of which there is one.
    var isBroadcast: Bool {
        family == .ipv4
            && [0xFFFF_FFFF, 0x0AFF_FFFF, 0x7FFF_FFFF].contains(low & 0xFFFF_FFFF)
    }
}
