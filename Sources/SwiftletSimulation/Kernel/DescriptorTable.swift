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
    /// The numbers that are open for it, and the messages under way that have it with them; its
    /// own number is given out again when there is none of either.
    fileprivate(set) var holders = 0
    /// The numbers that were received for it, beside its own.
    fileprivate(set) var otherNumbers: [RawDescriptor] = []
    /// For which socket this number was received; nil for a socket's own number.
    fileprivate(set) var file: RawDescriptor?
    let family: AddressFamily
    let type: ConnectionType
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

    init(_ family: AddressFamily, _ type: ConnectionType = .stream) {
        self.family = family
        self.type = type
    }

    /// Whether it carries datagrams within the host.
    var isUnixDatagrams: Bool { family == .unix && datagrams != nil }
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
///
/// What the rest of the kernel calls a socket is a file, named by the number that it was opened
/// with. A process that receives it over a Unix socket has another number for the same file:
///
///     sockets  [ - - - | file 3 | 4 | for 3 | … ]    3 may be closed, and the file goes on
struct DescriptorTable {
    private static let firstNumber = 3
    private var sockets = Array(repeating: KernelSocket(.ipv4), count: firstNumber)
    private var lowestFree = firstNumber
    private(set) var count = 0
    /// How many times messages hold a file.
    private var passed = 0
    var listed: [RawDescriptor] = []

    /// Opens a socket.
    mutating func insert(_ socket: KernelSocket) -> RawDescriptor {
        let number = lowestFree
        if number == sockets.count { sockets.append(socket) } else { sockets[number] = socket }
        sockets[number].isOpen = true
        sockets[number].holders = 1
        count += 1
        repeat {
            lowestFree += 1
        } while lowestFree < sockets.count
            && sockets[lowestFree].holders > 0
        return RawDescriptor(CInt(number))
    }

    /// Opens another number for a file, which the number holds.
    mutating func insertNumber(for file: RawDescriptor) -> RawDescriptor {
        let number = insert(KernelSocket(self[file].family))
        self[number].file = file
        self[file].otherNumbers.append(number)
        self[file].holders += 1
        return number
    }

    /// Closes a number that is open, and says of which file; that is still held.
    mutating func removeNumber(_ number: RawDescriptor) -> RawDescriptor {
        if self[number].isListed { listed.removeAll { $0 == number } }
        count -= 1
        self[number].isOpen = false
        self[number].isListed = false
        self[number].interest = .none
        guard let file = self[number].file else { return number }
        self[file].otherNumbers.removeAll { $0 == number }
        free(number)
        return file
    }

    /// Lets a message hold a file.
    mutating func hold(_ file: RawDescriptor) {
        self[file].holders += 1
        passed += 1
    }

    /// Whether messages hold a file.
    var hasPassed: Bool { passed > 0 }

    /// Whether a file has a number that is open.
    func hasNumber(_ file: RawDescriptor) -> Bool {
        isOpen(file) || !self[file].otherNumbers.isEmpty
    }

    /// Lets a file go that a message held, and gives it when it is over with that. A message may
    /// outlive the power of its host, and the file may not.
    mutating func releaseFromMessage(_ file: RawDescriptor) -> KernelSocket? {
        if isHeld(file) { passed -= 1 }
        return release(file)
    }

    /// Lets a file go, and gives it when none holds it any more, so that it is over.
    mutating func release(_ file: RawDescriptor) -> KernelSocket? {
        guard isHeld(file) else { return nil }
        self[file].holders -= 1
        guard self[file].holders == 0 else { return nil }
        defer { free(file) }
        return self[file]
    }

    private mutating func free(_ number: RawDescriptor) {
        lowestFree = min(lowestFree, number.index)
        self[number] = KernelSocket(.ipv4)
    }

    func isOpen(_ descriptor: RawDescriptor) -> Bool {
        sockets.indices.contains(descriptor.index) && sockets[descriptor.index].isOpen
    }

    /// Whether a file is not over yet.
    func isHeld(_ file: RawDescriptor) -> Bool {
        sockets.indices.contains(file.index) && sockets[file.index].holders > 0
    }

    /// The numbers that are open, the lowest first.
    var open: [RawDescriptor] {
        sockets.indices.filter { sockets[$0].isOpen }.map { RawDescriptor(CInt($0)) }
    }

    /// The files that are not over yet.
    var held: [RawDescriptor] {
        sockets.indices.filter { sockets[$0].holders > 0 && sockets[$0].file == nil }
            .map { RawDescriptor(CInt($0)) }
    }

    /// An open socket; changed in place.
    subscript(descriptor: RawDescriptor) -> KernelSocket {
        _read { yield sockets[descriptor.index] }
        _modify { yield &sockets[descriptor.index] }
    }
}
