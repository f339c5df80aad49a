import Glibc
import Swiftlet
import Syscalls

// Datagrams: what programs ask of sockets that carry them, and how they travel.
//
//     send → lost | arrives, once or twice, each copy at an instant of its own
//          → a socket is there: received, or dropped when its buffer is full
//          → none is there: the sender's host is told, and its socket if that is connected
extension Kernel {
    // MARK: Calls

    /// Opens a socket for datagrams of a family (socket(2)): UDP, Unix datagrams or pings. Raw ones
    /// there are not.
    mutating func openDatagram(
        _ family: AddressFamily, _ kind: DatagramKind, on host: HostID
    ) throws(Errno) -> RawDescriptor {
        if hosts[host].isDown { throw Errno(rawValue: ENETDOWN) }
        guard kind == .datagram || kind == .ping && family != .unix else {
            throw Errno(rawValue: EPROTONOSUPPORT)
        }
        try checkFaults(.open, on: host)
        return try hosts[host].openDatagram(family, isPing: kind == .ping)
    }

    /// Names the peer of a socket for datagrams (connect(2)).
    mutating func connectDatagrams(
        _ socket: RawDescriptor, on host: HostID, to address: SocketAddress
    ) throws(Errno) {
        let target = try destination(of: socket, on: host, address)
        try checkFaults(.connect, on: host)
        if let name = target.name {
            _ = try receiver(named: name, of: socket, on: host)
        } else {
            guard hosts.owner(of: target.address, asking: host) != nil || target.address.isGroup
            else { throw Errno(rawValue: ENETUNREACH) }
            try hosts[host].bindDatagrams(socket, from: host.source(to: target.address))
        }
        hosts[host].connectDatagrams(socket, to: target)
    }

    /// The endpoint that an address means to a socket for datagrams.
    private func destination(
        of socket: RawDescriptor, on host: HostID, _ address: SocketAddress
    ) throws(Errno) -> Endpoint {
        // A socket of IPv6 speaks IPv4 as well.
        if hosts[host][socket].family != .ipv6 || address.isUnix {
            try hosts[host].checkFamily(of: address, for: socket)
        }
        var target = Endpoint(address)
        if target.name == nil, target.address.isAny {
            target.address = target.address.family.loopback
        }
        return target
    }

    /// Receives one datagram (recvfrom(2)).
    mutating func receiveDatagram(
        _ socket: RawDescriptor, on host: HostID, into buffer: UnsafeMutableRawBufferPointer,
        readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        let socket = try hosts[host].datagramFile(socket)
        try checkFaults(.receive, on: host)
        let datagram = try hosts[host].takeDatagram(from: socket)
        let count = min(buffer.count, datagram.bytes.count)
        buffer.copyBytes(from: datagram.bytes[..<count])
        let family = hosts[host][socket].family
        if family == .unix { hosts[host].touchSenders(connections) }
        let isAsked =
            readingControl && hosts[host][socket].options.tellsLocalAddress(of: family)
        return ReceivedDatagram(
            count: count, isTruncated: count < datagram.bytes.count,
            sender: datagram.source.socketAddress(as: family),
            localAddress: isAsked ? localAddress(of: datagram, as: family) : nil,
            interface: !isAsked ? 0 : datagram.target.address.isLoopback ? 1 : 2)
    }

    /// The address of the receiver's that a datagram came to; nil for a group of IPv6.
    private func localAddress(
        of datagram: KernelDatagram, as family: AddressFamily
    ) -> SocketAddress? {
        let address = datagram.target.address
        if address.isMulticast, address.family == .ipv6 { return nil }
        let local = address.isGroup ? datagram.receiver.source(to: address) : address
        return Endpoint(local, port: 0).socketAddress(as: family)
    }

    /// Sends one datagram, or several of one size (sendto(2)).
    mutating func sendDatagram(
        _ socket: RawDescriptor, on host: HostID, _ bytes: UnsafeRawBufferPointer,
        _ route: DatagramRoute
    ) throws(Errno) {
        let socket = try hosts[host].datagramFile(socket)
        try checkFaults(.send, on: host)
        if let error = hosts[host].takeDatagramError(of: socket) { throw error }
        let given = route.target
        guard
            let target = try given.map({ address throws(Errno) in
                try destination(of: socket, on: host, address)
            }) ?? hosts[host][socket].datagrams?.peer
        else { throw .noDestination }
        let size = route.segmentSize > 0 ? route.segmentSize : max(bytes.count, 1)
        try checkLength(min(size, bytes.count), to: target, from: socket, on: host)
        if target.name != nil {
            return try sendWithin(host, bytes, from: socket, to: target)
        }
        let isPing = hosts[host][socket].datagrams?.isPing == true
        if isPing { try checkPing(bytes, route, from: socket, on: host, to: target) }
        let source = try source(of: socket, on: host, to: target, route)
        if isPing { return ping(bytes, from: socket, at: source, on: host, to: target) }
        var rest = bytes[...]
        repeat {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(size))
            rest = rest.dropFirst(size)
            send(piece, as: .message, from: socket, at: source, on: host, to: target)
        } while !rest.isEmpty
    }

    /// Throws when no packet can hold so many bytes.
    private func checkLength(
        _ count: Int, to target: Endpoint, from socket: RawDescriptor, on host: HostID
    ) throws(Errno) {
        // The header of an echo is among the bytes, where that of UDP is not.
        let header = hosts[host][socket].datagrams?.isPing == true ? 8 : 0
        let most =
            target.name != nil
            ? hosts[host][socket].options.unixDatagramMost
            : (target.address.family == .ipv4 ? 65_507 : 65_527) + header
        if count > most { throw .messageTooLong }
    }

    /// Where a datagram comes from: the socket's address, or this host's towards the target.
    private mutating func source(
        of socket: RawDescriptor, on host: HostID, to target: Endpoint, _ route: DatagramRoute
    ) throws(Errno) -> Endpoint {
        let isGroup = target.address.isGroup
        guard isGroup || hosts.owner(of: target.address, asking: host) != nil else {
            throw Errno(rawValue: ENETUNREACH)
        }
        if target.address.isBroadcast, !hosts[host][socket].options.mayBroadcast {
            throw .accessDenied
        }
        try hosts[host].bindDatagrams(socket, from: nil)
        var source = hosts[host][socket].local ?? Endpoint(.anyIPv4, port: 0)
        if let given = route.source {
            source.address = Endpoint(given).address
            guard hosts.owner(of: source.address, asking: host) == host else {
                throw .invalidArgument
            }
        }
        if source.address.isAny { source.address = host.source(to: target.address) }
        if source.address.isLoopback, !target.address.isLoopback, !isGroup {
            guard hosts.owner(of: target.address, asking: host) == host else {
                throw .invalidArgument
            }
        }
        return source
    }

    // MARK: The way

    /// Sends a datagram to the host that it is for, or to all that are concerned.
    mutating func send(
        _ bytes: UnsafeRawBufferPointer, as purpose: KernelDatagram.Purpose,
        from socket: RawDescriptor, at source: Endpoint, on host: HostID, to target: Endpoint
    ) {
        trace.mix(bytes)
        datagramCount += 1
        // What comes from the loopback address stays on the host.
        let isLocal = source.address.isLoopback
        for receiver in receivers(of: target, from: socket, on: host)
        where !isLocal || receiver == host {
            carry(
                KernelDatagram(
                    number: datagramCount, bytes: Array(bytes), sender: host, source: source,
                    queue: hosts[host][socket].datagrams?.number ?? 0, receiver: receiver,
                    target: target, purpose: purpose))
        }
    }

    /// Puts a datagram on its way, on which it may be lost, or become two.
    mutating func carry(_ datagram: KernelDatagram) {
        let (host, receiver) = (datagram.sender, datagram.receiver)
        let header = datagram.purpose == .message ? 0 : 8
        let arrivals = faults.arrivals(
            ofDatagram: datagram.bytes.count - header,
            isIPv6: datagram.target.address.family == .ipv6, from: host, to: receiver, at: now,
            using: &random)
        note(arrivals.isEmpty ? .lost : .sent, datagram, with: receiver, on: host)
        for arrival in arrivals {
            if receiver == host { deliver(datagram); continue }
            wires.schedule(.datagram(datagram), at: arrival)
        }
    }

    /// The hosts that a datagram goes to.
    private func receivers(
        of target: Endpoint, from socket: RawDescriptor, on host: HostID
    ) -> [HostID] {
        let all = hosts.indices.map(HostID.init(index:))
        if target.address.isLoopback { return [host] }
        if target.address.isBroadcast { return all }
        guard target.address.isMulticast else {
            return hosts.owner(of: target.address, asking: host).map { [$0] } ?? []
        }
        let options = hosts[host][socket].options
        return all.filter { other in
            guard hosts[other].hasMember(of: target.address) else { return false }
            return other == host
                ? options.loopsMulticast(target.address.family)
                : options.multicastHops(target.address.family) > 0
        }
    }

    /// A datagram arrives at its host: sockets receive it, or the sender hears that none is there.
    mutating func deliver(_ datagram: KernelDatagram) {
        let host = datagram.receiver
        if hosts[host].isDown { return note(.lost, datagram, with: datagram.sender, on: host) }
        note(.arrived, datagram, with: datagram.sender, on: host)
        if datagram.purpose == .echoRequest { return answer(datagram) }
        let sockets = hosts[host].receivers(of: datagram)
        for socket in sockets {
            if hosts[host].add(datagram, to: socket, connections) { continue }
            note(.dropped, datagram, with: datagram.sender, on: host)
        }
        if sockets.isEmpty, !datagram.target.address.isGroup, datagram.purpose == .message {
            refuse(datagram)
        }
    }

    /// Tells the host of a sender that no socket receives there (ICMP "port unreachable").
    private mutating func refuse(_ datagram: KernelDatagram) {
        let arrival = faults.arrivals(
            ofDatagram: 0, isIPv6: false, from: datagram.receiver, to: datagram.sender, at: now,
            using: &random
        ).first
        guard let arrival else { return }
        if datagram.sender == datagram.receiver { return noteRefusal(of: datagram) }
        wires.schedule(.refusal(datagram), at: arrival)
    }

    /// The host of a sender hears that no socket receives there; only a connected one is told.
    mutating func noteRefusal(of datagram: KernelDatagram) {
        let host = datagram.sender
        if hosts[host].isDown { return }
        note(.refused, datagram, with: datagram.receiver, on: host)
        hosts[host].noteRefusal(
            at: datagram.source, by: datagram.target, connections)
    }

    /// Puts into the trace of a host what became of a datagram.
    private mutating func note(
        _ fate: DatagramStep.Fate, _ datagram: KernelDatagram, with other: HostID, on host: HostID
    ) {
        let step = DatagramStep(
            fate: fate, count: datagram.bytes.count, number: datagram.number, other: other)
        trace.add(.datagram(step), on: host, at: now)
        segmentCount += 1
    }

    // MARK: Within a host

    /// Sends a datagram to a Unix socket, which has it at once or has no room.
    private mutating func sendWithin(
        _ host: HostID, _ bytes: UnsafeRawBufferPointer, from socket: RawDescriptor,
        to target: Endpoint
    ) throws(Errno) {
        let receiver = try receiver(named: target.name ?? [], of: socket, on: host)
        guard let queue = hosts[host][receiver].datagrams, !queue.isFullForUnix,
            let own = hosts[host][socket].datagrams,
            hosts[host].unreceived(of: own) < hosts[host][socket].options.datagramSendBuffer
        else { throw .wouldBlock }
        trace.mix(bytes)
        datagramCount += 1
        let datagram = KernelDatagram(
            number: datagramCount, bytes: Array(bytes), sender: host,
            source: hosts[host][socket].local ?? AddressFamily.unix.unbound,
            queue: own.number, receiver: host, target: target, purpose: .message)
        note(.arrived, datagram, with: host, on: host)
        _ = hosts[host].add(datagram, to: receiver, connections)
    }

    /// The Unix socket that has a name, and takes datagrams of another one.
    private func receiver(
        named name: [UInt8], of socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> RawDescriptor {
        guard let found = try hosts[host].names.socket(named: name) else {
            throw .connectionRefused
        }
        guard let queue = hosts[host][found].datagrams else { throw Errno(rawValue: EPROTOTYPE) }
        if let peer = queue.peer, peer != hosts[host][socket].local { throw .notPermitted }
        return found
    }

    // MARK: Groups

    /// Joins or leaves a group (`MCAST_JOIN_GROUP`).
    mutating func change(
        _ membership: Membership, of socket: RawDescriptor, on host: HostID,
        in group: SocketAddress, on interface: Int
    ) throws(Errno) {
        let socket = try hosts[host].datagramFile(socket)
        guard let words = group.words else { throw .invalidArgument }
        let address = IPAddress(high: words.high, low: words.low)
        guard address.isMulticast else { throw .invalidArgument }
        guard (0...2).contains(interface) else { throw Errno(rawValue: ENODEV) }
        try hosts[host].change(
            membership, of: socket,
            in: DatagramQueue.Group(address: address, interface: interface))
    }
}

extension IPAddress {
    /// Whether it stands for several receivers.
    var isGroup: Bool { isMulticast || isBroadcast }
}
