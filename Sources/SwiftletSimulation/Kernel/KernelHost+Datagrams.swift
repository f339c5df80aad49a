import Drivers
import Glibc
import Syscalls

// The sockets of a host that carry datagrams: their ports, which of them receives what arrives, and
// when they are ready.
extension KernelHost {
    /// Opens a socket for datagrams, or for pings.
    mutating func openDatagram(
        _ family: AddressFamily, isPing: Bool
    ) throws(Errno) -> RawDescriptor {
        try checkLimit()
        var socket = KernelSocket(family)
        datagramQueueCount += 1
        socket.datagrams = DatagramQueue(number: datagramQueueCount, isPing: isPing)
        socket.options = .ofDatagrams
        return descriptors.insert(socket)
    }

    /// The socket for datagrams that a number names; throws when it is none.
    func datagramFile(_ number: RawDescriptor) throws(Errno) -> RawDescriptor {
        let socket = try file(number)
        if self[socket].datagrams == nil { throw Errno(rawValue: EOPNOTSUPP) }
        return socket
    }

    /// The sockets by their ports: those of UDP, or those for pings by the identifiers of these.
    private static func table(forPings: Bool) -> WritableKeyPath<KernelHost, PortTable> {
        forPings ? \.pingPorts : \.datagramPorts
    }

    private func table(of socket: RawDescriptor) -> WritableKeyPath<KernelHost, PortTable> {
        KernelHost.table(forPings: self[socket].datagrams?.isPing == true)
    }

    mutating func bindDatagrams(
        _ socket: RawDescriptor, to local: Endpoint
    ) throws(Errno) {
        let table = table(of: socket)
        var local = local
        if local.port == 0 {
            guard let port = self[keyPath: table].freePort() else { throw .addressInUse }
            local.port = port
        } else if isTakenByDatagrams(local, for: socket) {
            throw .addressInUse
        }
        descriptors[socket].local = local
        descriptors[socket].isBound = true
        self[keyPath: table].bind(socket, to: local.port)
    }

    /// Gives back the port of a socket that is closed.
    mutating func unbindDatagrams(
        _ socket: RawDescriptor, of queue: DatagramQueue, from port: UInt16
    ) {
        self[keyPath: KernelHost.table(forPings: queue.isPing)].unbind(socket, from: port)
    }

    /// Whether another socket has an address and does not share it: both must have said so, by
    /// `SO_REUSEADDR` or by `SO_REUSEPORT`.
    private func isTakenByDatagrams(_ local: Endpoint, for socket: RawDescriptor) -> Bool {
        let mine = self[socket]
        // Ping sockets always share.
        if mine.datagrams?.isPing == true { return false }
        return datagramPorts.bound(to: local.port).contains { number in
            let other = self[number]
            guard let address = other.local?.address,
                mine.covers(local.address, address) || other.covers(address, local.address)
            else { return false }
            return mine.options.reusePort & other.options.reusePort == 0
                && mine.options.reuseAddress & other.options.reuseAddress == 0
        }
    }

    /// Gives a socket that has no address one, with a free port; one of its own address `source`
    /// where it has every address until now, and nil leaves that to each datagram.
    mutating func bindDatagrams(
        _ socket: RawDescriptor, from source: IPAddress?
    ) throws(Errno) {
        if self[socket].local == nil {
            let local = Endpoint(source ?? self[socket].family.any, port: 0)
            try bindDatagrams(socket, to: local)
        }
        if let source, self[socket].local?.address.isAny == true {
            descriptors[socket].local?.address = source
        }
    }

    /// Names the peer of a socket; what was received of others is still there.
    mutating func connectDatagrams(_ socket: RawDescriptor, to peer: Endpoint) {
        descriptors[socket].datagrams?.peer = peer
        descriptors[socket].datagrams?.error = nil
    }

    mutating func takeDatagramError(of socket: RawDescriptor) -> Errno? {
        descriptors[socket].datagrams?.takeError()
    }

    /// Takes the next datagram of a socket, or its pending error.
    mutating func takeDatagram(from socket: RawDescriptor) throws(Errno) -> KernelDatagram {
        if let error = takeDatagramError(of: socket) { throw error }
        guard let datagram = descriptors[socket].datagrams?.popFirst() else { throw .wouldBlock }
        return datagram
    }

    /// The sockets that receive a datagram: all members of a group, and otherwise the one that is
    /// the nearest.
    ///
    /// One that is connected to the sender comes before one that has just the address, and that
    /// before one that has all of them. Of several that share a port a sender always has the same,
    /// and of ping sockets with one identifier the latest has the answers.
    func receivers(of datagram: KernelDatagram) -> [RawDescriptor] {
        let target = datagram.target
        let table = datagram.purpose == .message ? datagramPorts : pingPorts
        let sockets = table.bound(to: target.port).filter { number in
            // A ping socket takes what has its identifier, of whomever it is.
            guard let local = self[number].local?.address, let queue = self[number].datagrams,
                queue.isPing || queue.peer == nil || queue.peer == datagram.source
            else { return false }
            if target.address.isMulticast,
                !queue.groups.contains(where: { $0.address == target.address })
            {
                return false
            }
            return self[number].covers(local, target.address)
        }
        if target.address.isGroup { return sockets }
        func nearness(_ number: RawDescriptor) -> Int {
            (self[number].datagrams?.peer != nil ? 2 : 0)
                + (self[number].local?.address == target.address ? 1 : 0)
        }
        let nearest = sockets.map(nearness).max() ?? 0
        let best = sockets.filter { nearness($0) == nearest }
        if best.count < 2 { return best }
        if datagram.purpose == .echoReply { return [best[best.count - 1]] }
        let source = datagram.source
        return [best[Int((source.address.low &+ UInt64(source.port)) % UInt64(best.count))]]
    }

    /// Whether a socket has joined a group.
    func hasMember(of group: IPAddress) -> Bool {
        descriptors.open.contains { number in
            self[number].datagrams?.groups.contains { $0.address == group } ?? false
        }
    }

    /// Lets a datagram wait at a socket; false when there is no room for it.
    mutating func add(
        _ datagram: KernelDatagram, to socket: RawDescriptor, _ connections: Connections
    ) -> Bool {
        // What waits at a Unix socket fills the buffer of its sender instead.
        let capacity =
            self[socket].isUnixDatagrams ? Int.max : self[socket].options.datagramCapacity
        guard descriptors[socket].datagrams?.add(datagram, capacity: capacity) == true else {
            return false
        }
        touch(socket, connections)
        return true
    }

    /// Tells the socket that has sent from an address to its peer that none receives there.
    mutating func noteRefusal(
        at source: Endpoint, by peer: Endpoint, _ connections: Connections
    ) {
        for socket in datagramPorts.bound(to: source.port)
        where self[socket].datagrams?.peer == peer {
            descriptors[socket].datagrams?.error = .connectionRefused
            touch(socket, connections)
        }
    }

    /// Tells the driver of Unix sockets that wait to send: there may be room, or no receiver.
    mutating func touchSenders(_ connections: Connections) {
        for socket in descriptors.held where self[socket].isUnixDatagrams {
            touch(socket, connections)
        }
    }

    /// Joins or leaves a group.
    mutating func change(
        _ membership: Membership, of socket: RawDescriptor, in group: DatagramQueue.Group
    ) throws(Errno) {
        let isMember = self[socket].datagrams?.groups.contains(group) == true
        switch membership {
        case .join:
            if isMember { throw .addressInUse }
            descriptors[socket].datagrams?.groups.append(group)
        case .leave:
            guard isMember else { throw .addressNotAvailable }
            descriptors[socket].datagrams?.groups.removeAll { $0 == group }
        }
    }

    /// What a driver says of a socket for datagrams.
    func report(
        of queue: DatagramQueue, _ options: SocketOptions, _ interest: Interest
    ) -> Interest {
        if queue.error != nil { return .both }
        var ready = Interest.none
        if !queue.received.isEmpty { ready.insert(.readable) }
        // Linux calls a buffer writable when at most a quarter of it is full.
        if interest.contains(.writable), hasRoom(at: queue.peer),
            unreceived(of: queue) * 4 <= options.datagramSendBuffer
        {
            ready.insert(.writable)
        }
        return interest.intersection(ready)
    }

    /// Bytes of its buffer that a socket has sent to Unix sockets, which have not received them.
    func unreceived(of queue: DatagramQueue) -> Int {
        descriptors.held.reduce(0) { sum, socket in
            guard self[socket].isUnixDatagrams, let other = self[socket].datagrams else {
                return sum
            }
            return sum + other.cost(ofThoseBy: queue.number)
        }
    }

    /// Whether a peer has room: only that of a Unix socket ever has none.
    private func hasRoom(at peer: Endpoint?) -> Bool {
        // A name that is gone is found out by sending.
        guard let name = peer?.name, let found = try? names.socket(named: name) else { return true }
        return self[found].datagrams?.isFullForUnix != true
    }
}
