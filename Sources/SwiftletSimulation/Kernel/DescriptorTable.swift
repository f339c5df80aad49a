import Drivers
import Syscalls

/// What a descriptor of a simulated host stands for.
///
///     fresh      neither a listener nor an end       bound or not
///     listening  a listener
///     connected  an end, in whatever state that is
///     datagrams  a queue of datagrams                connected to a peer or not
struct KernelSocket {
    /// Set by the table while the number is given out.
    fileprivate(set) var isOpen = false
    let family: AddressFamily
    /// The options; a connection has a copy of them.
    var options = SocketOptions()
    /// The local address; nil when none was chosen.
    var local: Endpoint?
    /// Whether the port is the program's choice or `bind`'s, and so stands in the host's table.
    var isBound = false
    var listener: ListenQueue?
    var end: EndID?
    /// Of a socket for datagrams alone.
    var datagrams: DatagramQueue?
    /// Whether connect(2) was called, and has not yet said how it ended.
    var isConnecting = false

    /// What the driver is asked for.
    var interest = Interest.none
    /// Whether it stands in the list of those that may be ready.
    var isListed = false

    init(_ family: AddressFamily) { self.family = family }
}

/// A socket that queues connections.
struct ListenQueue {
    /// One more than so many wait, as in Linux.
    var backlog: Int
    /// Ends that were answered, and hold a place.
    var greeted: [EndID] = []
    /// Connections that are up and wait for accept(2).
    var queue = FIFO<EndID>()

    var isFull: Bool { greeted.count + queue.count > backlog }
}

extension KernelSocket: CustomStringConvertible {
    /// What it is, when it has no connection.
    var description: String {
        let local = local.map { " \($0)" } ?? ""
        if let datagrams {
            let peer = datagrams.peer.map { " -> \($0)" } ?? ""
            return "datagrams\(local)\(peer), \(datagrams.received.count) to receive, "
                + "\(datagrams.dropped) dropped"
        }
        guard let listener else { return "fresh" + local }
        return "listening\(local), \(listener.queue.count) to accept, "
            + "\(listener.greeted.count) half open, backlog \(listener.backlog)"
    }
}

/// The open sockets of a host by their numbers, and which of them may be ready.
///
///     sockets  [ - - - | 3 | 4 | - | 6 ]    by number; 0 to 2 are a program's standard streams
///     listed   [ 6, 3 ]                     what may be ready, so that a wait does not scan
///
/// A number is the lowest that is free, as POSIX has it.
struct DescriptorTable {
    private static let firstNumber = 3
    private var sockets = Array(repeating: KernelSocket(.ipv4), count: firstNumber)
    private var lowestFree = firstNumber
    private(set) var count = 0
    var listed: [RawDescriptor] = []

    /// Opens a socket.
    mutating func insert(_ socket: KernelSocket) -> RawDescriptor {
        let number = lowestFree
        if number == sockets.count { sockets.append(socket) } else { sockets[number] = socket }
        sockets[number].isOpen = true
        count += 1
        repeat { lowestFree += 1 } while lowestFree < sockets.count && sockets[lowestFree].isOpen
        return RawDescriptor(CInt(number))
    }

    /// Closes a socket that is open.
    mutating func remove(_ descriptor: RawDescriptor) {
        if sockets[descriptor.index].isListed { listed.removeAll { $0 == descriptor } }
        count -= 1
        lowestFree = min(lowestFree, descriptor.index)
        sockets[descriptor.index] = KernelSocket(.ipv4)
    }

    func isOpen(_ descriptor: RawDescriptor) -> Bool {
        sockets.indices.contains(descriptor.index) && sockets[descriptor.index].isOpen
    }

    /// The numbers that are open, the lowest first.
    var open: [RawDescriptor] {
        sockets.indices.filter { sockets[$0].isOpen }.map { RawDescriptor(CInt($0)) }
    }

    /// An open socket; changed in place.
    subscript(descriptor: RawDescriptor) -> KernelSocket {
        _read { yield sockets[descriptor.index] }
        _modify { yield &sockets[descriptor.index] }
    }
}
