import Drivers
import Glibc
import Syscalls

/// A simulated machine as the kernel sees it: its sockets by their numbers, its ports, its clock,
/// and which descriptors are ready.
///
/// It decides whatever concerns no other machine and no connection; what is about datagrams alone
/// is in `KernelHost+Datagrams.swift`.
struct KernelHost {
    let name: String
    /// Set while the machine has no power: nothing leaves it, and what arrives is lost.
    private(set) var isDown = false
    /// How often it lost its power: what was opened before then is gone.
    private(set) var crashes = 0
    /// How many sockets it may have open at once; one more is `EMFILE`.
    var descriptorLimit = 20_000
    var clock = HostClock()
    /// Numbers that were closed with interest in them, against the contract of drivers.
    private(set) var closedWhileWatched: [RawDescriptor] = []
    var descriptors = DescriptorTable()
    private var ports = PortTable()
    /// How many sockets for datagrams it has opened.
    var datagramQueueCount = 0
    /// Ports of datagrams are others than those of streams.
    var datagramPorts = PortTable()
    /// And what pings have for ports.
    var pingPorts = PortTable()
    /// The names of its Unix sockets, and the files of those that are gone.
    private(set) var names = NameTable()

    init(name: String) { self.name = name }

    // MARK: Power

    /// Takes the power away, and with it every socket and every port.
    mutating func crash() {
        isDown = true
        crashes += 1
        descriptors = DescriptorTable()
        ports = PortTable()
        datagramPorts = PortTable()
        pingPorts = PortTable()
        names.crash()
    }

    mutating func restart() { isDown = false }

    // MARK: Descriptors

    /// An open socket.
    subscript(socket: RawDescriptor) -> KernelSocket { _read { yield descriptors[socket] } }

    var openSockets: [RawDescriptor] { descriptors.open }
    var openCount: Int { descriptors.count }

    /// The socket that a number names; throws when the number is not open.
    func file(_ number: RawDescriptor) throws(Errno) -> RawDescriptor {
        guard descriptors.isOpen(number) else { throw .badDescriptor }
        return self[number].file ?? number
    }

    /// Throws when as many sockets are open as may be.
    func checkLimit() throws(Errno) {
        if descriptors.count >= descriptorLimit { throw .tooManyOpenFiles }
    }

    /// Throws when a socket cannot have to do with an address of this family.
    func checkFamily(of address: SocketAddress, for socket: RawDescriptor) throws(Errno) {
        let family = self[socket].family
        if family == AddressFamily(of: address) { return }
        throw family == .ipv4 ? Errno(rawValue: EAFNOSUPPORT) : .invalidArgument
    }

    mutating func open(
        _ family: AddressFamily, _ type: ConnectionType
    ) throws(Errno) -> RawDescriptor {
        try checkLimit()
        guard type == .stream || family == .unix else { throw Errno(rawValue: ESOCKTNOSUPPORT) }
        return descriptors.insert(KernelSocket(family, type))
    }

    /// Closes a number, and says what the socket was that is over with it; nil when the number is
    /// not open, and when another one or a message has the socket still.
    ///
    /// A number that is closed and watched is noted: poll(2) would report the file that has it
    /// next.
    mutating func close(_ number: RawDescriptor) -> KernelSocket? {
        guard descriptors.isOpen(number) else { return nil }
        if !self[number].interest.isEmpty { closedWhileWatched.append(number) }
        let file = descriptors.removeNumber(number)
        return unbind(file, descriptors.release(file))
    }

    /// Lets a message under way hold a socket.
    mutating func hold(_ socket: RawDescriptor) { descriptors.hold(socket) }

    /// Gives a socket that has come with a message a number here.
    mutating func receive(_ socket: RawDescriptor) throws(Errno) -> RawDescriptor {
        try checkLimit()
        return descriptors.insertNumber(for: socket)
    }

    /// Lets a socket go that a message held, and says what it was when it is over with that.
    mutating func release(_ socket: RawDescriptor) -> KernelSocket? {
        unbind(socket, descriptors.releaseFromMessage(socket))
    }

    /// Takes a socket that is over out of the tables of ports and names.
    private mutating func unbind(
        _ socket: RawDescriptor, _ closed: KernelSocket?
    ) -> KernelSocket? {
        if let closed, closed.isBound, let local = closed.local {
            if let name = local.name {
                names.unbind(socket, from: name)
            } else if let queue = closed.datagrams {
                unbindDatagrams(socket, of: queue, from: local.port)
            } else {
                ports.unbind(socket, from: local.port)
            }
        }
        return closed
    }

    mutating func setOptions(_ options: SocketOptions, of socket: RawDescriptor) {
        descriptors[socket].options = options
    }

    // MARK: Local addresses

    /// Gives a socket a local address of this host; port 0 takes a free one.
    mutating func bind(_ socket: RawDescriptor, to local: Endpoint) throws(Errno) {
        if self[socket].datagrams != nil { return try bindDatagrams(socket, to: local) }
        var local = local
        if local.port == 0 {
            if self[socket].options.bindsLate != 0 {
                return descriptors[socket].local = local
            }
            local.port = try freePort()
        } else if isTaken(local, for: socket) {
            throw .addressInUse
        }
        enter(socket, at: local)
    }

    /// Gives a Unix socket its name: no name takes a free one.
    mutating func bind(_ socket: RawDescriptor, toName name: [UInt8]) throws(Errno) {
        descriptors[socket].local = Endpoint(name: try names.bind(socket, to: name))
        descriptors[socket].isBound = true
    }

    private mutating func enter(_ socket: RawDescriptor, at local: Endpoint) {
        descriptors[socket].local = local
        descriptors[socket].isBound = true
        ports.bind(socket, to: local.port)
    }

    private mutating func freePort() throws(Errno) -> UInt16 {
        guard let port = ports.freePort() else { throw .addressInUse }
        return port
    }

    /// Whether another socket or a connection has an address and does not share it.
    ///
    /// As Linux has it: both must have said that they share, by `SO_REUSEADDR` while no socket
    /// listens there, or by `SO_REUSEPORT`.
    private func isTaken(_ local: Endpoint, for socket: RawDescriptor) -> Bool {
        let mine = self[socket]
        if ports.hasConnections(at: local.port, sharing: mine.options.sharesPort) { return true }
        return ports.bound(to: local.port).contains { number in
            let other = self[number]
            guard number != socket, let address = other.local?.address,
                mine.covers(local.address, address) || other.covers(address, local.address)
            else { return false }
            if mine.options.reusePort != 0, other.options.reusePort != 0 { return false }
            return mine.options.reuseAddress == 0 || other.options.reuseAddress == 0
                || other.listener != nil
        }
    }

    /// The local address from which a socket connects, of this host's address `source` if it has
    /// none yet.
    mutating func chooseLocal(
        for socket: RawDescriptor, from source: IPAddress, to remote: Endpoint
    ) throws(Errno) -> Endpoint {
        var local = self[socket].local ?? Endpoint(source, port: 0)
        if local.address.isAny { local.address = source }
        if local.port == 0 {
            let port = ports.freePort(from: local.address, to: remote)
            guard let port else { throw .addressNotAvailable }
            local.port = port
        }
        return local
    }

    /// Takes the port of a connection, so that no socket binds to it; says whether the host has no
    /// such connection yet.
    mutating func takePort(_ tuple: PortTable.Tuple, sharing: Bool) -> Bool {
        ports.connect(tuple, sharing: sharing)
    }

    mutating func givePortBack(_ tuple: PortTable.Tuple, sharing: Bool) {
        ports.disconnect(tuple, sharing: sharing)
    }

    // MARK: Listeners

    /// Starts to queue connections at a socket that has none; once more only changes the backlog.
    mutating func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        // As Linux takes a negative number, and with its usual limit (somaxconn).
        let backlog = (0...4_096).contains(backlog) ? backlog : 4_096
        if self[socket].listener != nil {
            descriptors[socket].listener?.backlog = backlog
            return
        }
        if self[socket].family == .unix {
            // A Unix socket without a name cannot listen.
            if self[socket].local == nil { throw .invalidArgument }
        } else if let local = self[socket].local, local.port != 0 {
            if isTaken(local, for: socket) { throw .addressInUse }
        } else {
            let address = self[socket].local?.address ?? self[socket].family.any
            enter(socket, at: Endpoint(address, port: try freePort()))
        }
        descriptors[socket].listener = ListenQueue(backlog: backlog)
    }

    /// The listener to which a connection to an address goes; nil when no socket listens there.
    ///
    /// One that has just this address comes before one that has all of them; the seed chooses among
    /// those that share the port, as Linux does by a hash.
    func listener(
        at target: Endpoint, using random: inout SeededRandom
    ) -> RawDescriptor? {
        let listeners = ports.bound(to: target.port).filter { number in
            guard self[number].listener != nil, let address = self[number].local?.address else {
                return false
            }
            return self[number].covers(address, target.address)
        }
        let exact = listeners.filter { self[$0].local?.address == target.address }
        let best = exact.isEmpty ? listeners : exact
        guard best.count > 1 else { return best.first }
        return best[random.number(below: best.count)]
    }

    /// The listener that has a name; throws what connect(2) says when there is none.
    func listener(named name: [UInt8]) throws(Errno) -> RawDescriptor {
        let socket = try names.socket(named: name)
        guard let socket else { throw .connectionRefused }
        if self[socket].datagrams != nil { throw Errno(rawValue: EPROTOTYPE) }
        guard self[socket].listener != nil else { throw .connectionRefused }
        return socket
    }

    /// Changes the files of the Unix sockets.
    mutating func changeFiles<Result>(
        _ body: (inout NameTable) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try body(&names)
    }

    /// Whether a socket listens on a port, or takes datagrams there.
    func isListening(on port: UInt16) -> Bool {
        ports.bound(to: port).contains { self[$0].listener != nil }
            || !datagramPorts.bound(to: port).isEmpty
    }

    /// Keeps a place for an end that a listener has answered.
    mutating func addGreeted(_ end: EndID, to listener: RawDescriptor) {
        descriptors[listener].listener?.greeted.append(end)
    }

    /// Gives up the place of an end that was answered, if its listener is still there.
    mutating func removeGreeted(_ end: EndID, from listener: RawDescriptor) {
        guard descriptors.isHeld(listener) else { return }
        descriptors[listener].listener?.greeted.removeAll { $0 == end }
    }

    /// Lets an end that a listener has answered, and which is up, wait to be accepted.
    mutating func addToQueue(_ end: EndID, of listener: RawDescriptor) {
        removeGreeted(end, from: listener)
        descriptors[listener].listener?.queue.append(end)
    }

    /// Takes the next connection from the queue of a listener.
    mutating func takeFromQueue(of listener: RawDescriptor) throws(Errno) -> EndID {
        guard self[listener].listener != nil else { throw .invalidArgument }
        try checkLimit()
        guard let end = descriptors[listener].listener?.queue.popFirst() else { throw .wouldBlock }
        return end
    }

    // MARK: Connections

    /// Opens a socket for an end that a listener of the host has taken.
    mutating func insert(
        _ end: EndID, at local: Endpoint, of listener: RawDescriptor, options: SocketOptions
    ) -> RawDescriptor {
        var accepted = KernelSocket(self[listener].family, self[listener].type)
        accepted.end = end
        accepted.local = local
        accepted.options = options
        return descriptors.insert(accepted)
    }

    /// Opens a socket for an end of a pair.
    mutating func insert(_ end: EndID, _ type: ConnectionType) throws(Errno) -> RawDescriptor {
        try checkLimit()
        var socket = KernelSocket(.unix, type)
        socket.end = end
        return descriptors.insert(socket)
    }

    /// Gives a socket that connects its end and its address.
    mutating func attach(_ end: EndID, at local: Endpoint, to socket: RawDescriptor) {
        descriptors[socket].local = local
        descriptors[socket].end = end
        descriptors[socket].isConnecting = true
    }

    /// Notes that connect(2) has said how its attempt ended.
    mutating func noteOutcome(of socket: RawDescriptor) { descriptors[socket].isConnecting = false }

    /// Makes a socket whose attempt has come to nothing as good as new.
    mutating func detach(_ socket: RawDescriptor) {
        descriptors[socket].end = nil
        descriptors[socket].isConnecting = false
        if !self[socket].isBound { descriptors[socket].local = nil }
    }
}

// MARK: Readiness

// Which descriptors are ready, kept as epoll(7) does: interest stands with the socket, and what may
// be ready is in a list of the host, so that a wait looks at nothing else.
extension KernelHost {
    /// Replaces the interest in a descriptor.
    mutating func setInterest(
        _ interest: Interest, in socket: RawDescriptor, _ connections: Connections
    ) throws(Errno) {
        guard descriptors.isOpen(socket) else {
            if interest.isEmpty, socket.number >= 0 { return }
            throw .badDescriptor
        }
        descriptors[socket].interest = interest
        list(socket, connections)
    }

    /// Puts the numbers of a socket into the list that are ready for what is asked.
    mutating func touch(_ socket: RawDescriptor, _ connections: Connections) {
        list(socket, connections)
        for number in self[socket].otherNumbers { list(number, connections) }
    }

    private mutating func list(_ number: RawDescriptor, _ connections: Connections) {
        guard !self[number].isListed, !report(of: number, connections).isEmpty else { return }
        descriptors[number].isListed = true
        descriptors.listed.append(number)
    }

    /// What a driver says of a number: nothing without interest, and both directions of one whose
    /// socket is broken.
    private func report(of number: RawDescriptor, _ connections: Connections) -> Interest {
        let interest = self[number].interest
        if interest.isEmpty { return .none }
        let socket = self[number].file ?? number
        if let queue = self[socket].datagrams {
            return report(of: queue, self[socket].options, interest)
        }
        if let listener = self[socket].listener {
            return listener.queue.isEmpty ? .none : interest.intersection(.readable)
        }
        // One that is neither listening nor connected has hung up, says Linux.
        guard let end = self[socket].end else { return .both }
        switch connections[end].state {
        case .connecting: return .none
        case .absent, .greeted, .closed: return .both
        case .established: return interest.intersection(connections.readiness(of: end))
        }
    }

    /// Looks whether a wait of the host's driver would report something.
    mutating func findReadiness(_ connections: Connections) -> Bool {
        while let last = descriptors.listed.last {
            if !report(of: last, connections).isEmpty { return true }
            descriptors[last].isListed = false
            descriptors.listed.removeLast()
        }
        return false
    }

    /// Appends what is ready, in an order that the seed chooses.
    mutating func look(
        _ connections: Connections, using random: inout SeededRandom,
        into ready: inout [Readiness]
    ) {
        let first = ready.count
        let listed = descriptors.listed
        descriptors.listed.removeAll(keepingCapacity: true)
        for socket in listed {
            let report = report(of: socket, connections)
            descriptors[socket].isListed = !report.isEmpty
            if report.isEmpty { continue }
            descriptors.listed.append(socket)
            ready.append(Readiness(socket, report))
        }
        for last in stride(from: ready.count - 1, to: first, by: -1) {
            ready.swapAt(last, first + random.number(below: last - first + 1))
        }
    }

    /// Appends a socket that is watched although nothing is there; `first` is where the
    /// true ones begin.
    func lookForNothing(
        using random: inout SeededRandom, into ready: inout [Readiness], from first: Int
    ) {
        let reported = ready[first...].map(\.descriptor)
        let waiting = openSockets.filter {
            !self[$0].interest.isEmpty && !reported.contains($0)
        }
        guard !waiting.isEmpty else { return }
        let chosen = waiting[random.number(below: waiting.count)]
        ready.append(Readiness(chosen, self[chosen].interest))
    }
}

extension KernelSocket {
    /// Whether a socket with one local address has another one too.
    func covers(_ address: IPAddress, _ other: IPAddress) -> Bool {
        if address == other || address == .anyIPv4 && other.family == .ipv4 { return true }
        return address == .anyIPv6 && (other.family == .ipv6 || options.ipv6Only == 0)
    }
}

extension [KernelHost] {
    /// A host; changed in place.
    subscript(host: HostID) -> KernelHost {
        _read { yield self[host.index] }
        _modify { yield &self[host.index] }
    }
}
