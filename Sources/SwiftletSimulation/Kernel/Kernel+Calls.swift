import Drivers
import Glibc
import Syscalls

// What the programs of a host ask of its sockets, by the names of the calls that Linux has.
extension Kernel {
    /// Throws when a rule wants a call to fail.
    mutating func checkFaults(_ call: Fault.Call, on host: HostID) throws(Errno) {
        if let error = faults.error(of: call, on: host, using: &random) { throw error }
    }

    // MARK: Opening and closing

    /// Opens a socket of a family (socket(2)).
    mutating func open(
        _ family: AddressFamily, as type: ConnectionType = .stream, on host: HostID
    ) throws(Errno) -> RawDescriptor {
        if hosts[host].isDown { throw Errno(rawValue: ENETDOWN) }
        try checkFaults(.open, on: host)
        return try hosts[host].open(family, type)
    }

    /// Closes a socket (close(2)); a number that is not open is left alone.
    mutating func close(_ socket: RawDescriptor, on host: HostID) {
        let closed = hosts[host].close(socket)
        endSocket(closed)
        if closed?.isUnixDatagrams == true { hosts[host].touchSenders(connections) }
        if hosts[host].descriptors.hasPassed { endUnreachable(on: host) }
    }

    /// Ends what a socket was that is over.
    mutating func endSocket(_ closed: KernelSocket?) {
        guard let closed else { return }
        if let end = closed.end { close(end) }
        guard let listener = closed.listener else { return }
        // Connections that wait to be accepted are reset.
        for end in listener.greeted { abort(end) }
        for place in 0..<listener.queue.count
        where connections[listener.queue[place]].state != .absent {
            abort(listener.queue[place])
        }
    }

    // MARK: Addresses

    /// Gives a socket its local address (bind(2)); port 0 takes a free one.
    mutating func bind(
        _ socket: RawDescriptor, on host: HostID, to address: SocketAddress
    ) throws(Errno) {
        let socket = try hosts[host].file(socket)
        try checkFaults(.bind, on: host)
        try hosts[host].checkFamily(of: address, for: socket)
        guard hosts[host][socket].local == nil else { throw .invalidArgument }
        let local = Endpoint(address)
        if let name = local.name { return try hosts[host].bind(socket, toName: name) }
        let isGroup = hosts[host][socket].datagrams != nil && local.address.isGroup
        guard isGroup || hosts.owner(of: local.address, asking: host) == host else {
            throw .addressNotAvailable
        }
        try hosts[host].bind(socket, to: local)
    }

    /// The address of this end (getsockname(2)).
    func localAddress(of socket: RawDescriptor, on host: HostID) throws(Errno) -> SocketAddress {
        let socket = try hosts[host].file(socket)
        let family = hosts[host][socket].family
        let local = hosts[host][socket].local ?? family.unbound
        return local.socketAddress(as: family)
    }

    /// The address of the other end (getpeername(2)).
    func remoteAddress(of socket: RawDescriptor, on host: HostID) throws(Errno) -> SocketAddress {
        let socket = try hosts[host].file(socket)
        let family = hosts[host][socket].family
        if let peer = hosts[host][socket].datagrams?.peer { return peer.socketAddress(as: family) }
        guard let end = hosts[host][socket].end, connections[end].hasPeer else {
            throw .notConnected
        }
        return connections[end].remote.socketAddress(as: family)
    }

    // MARK: Accepting

    /// Starts to queue connections (listen(2)); once more only changes the backlog.
    mutating func listen(
        _ socket: RawDescriptor, on host: HostID, backlog: Int
    ) throws(Errno) {
        let socket = try hosts[host].file(socket)
        try checkFaults(.listen, on: host)
        if hosts[host][socket].datagrams != nil { throw Errno(rawValue: EOPNOTSUPP) }
        guard hosts[host][socket].end == nil else { throw .invalidArgument }
        try hosts[host].listen(socket, backlog: backlog)
    }

    /// Takes a connection from the queue of a listener (accept4(2)).
    mutating func accept(
        _ socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        let socket = try hosts[host].file(socket)
        try checkFaults(.accept, on: host)
        let end = try hosts[host].takeFromQueue(of: socket)
        let accepted = hosts[host].insert(
            end, at: connections[end].local, of: socket, options: connections[end].options)
        connections.accept(end, as: accepted)
        let family = hosts[host][accepted].family
        return (accepted, connections[end].remote.socketAddress(as: family))
    }

    // MARK: Connecting

    /// Starts a connection (connect(2)); true when it is up already, else the socket becomes
    /// writable when the attempt has ended.
    ///
    /// As on Linux the first call never waits for the answer, however near it is, and a later one
    /// says how it ended.
    mutating func connect(
        _ socket: RawDescriptor, on host: HostID, to address: SocketAddress
    ) throws(Errno) -> Bool {
        let socket = try hosts[host].file(socket)
        if hosts[host][socket].datagrams != nil {
            try connectDatagrams(socket, on: host, to: address)
            return true
        }
        if hosts[host][socket].listener != nil { throw Errno(rawValue: EISCONN) }
        if let end = hosts[host][socket].end { return try outcome(of: end, socket, on: host) }
        try hosts[host].checkFamily(of: address, for: socket)
        var remote = Endpoint(address)
        if remote.name != nil { return try join(socket, on: host, with: remote) }
        if remote.address.isAny { remote.address = remote.address.family.loopback }
        guard let target = hosts.owner(of: remote.address, asking: host) else {
            throw Errno(rawValue: ENETUNREACH)
        }
        try checkFaults(.connect, on: host)
        let source = host.source(to: remote.address)
        let local = try hosts[host].chooseLocal(for: socket, from: source, to: remote)
        if local.address.isLoopback, target != host { throw .invalidArgument }
        // Before the port is taken: a failure leaves no end behind.
        let options = hosts[host][socket].options
        let tuple = PortTable.Tuple(local: local, remote: remote)
        guard hosts[host].takePort(tuple, sharing: options.sharesPort) else {
            throw .addressNotAvailable
        }
        let end = connections.begin(
            from: host, local, to: target, remote, by: socket, options: options, at: now)
        connections.notePort(of: end, sharing: options.sharesPort)
        wires.add(end)
        hosts[host].attach(end, at: local, to: socket)
        awaitAnswer(end)
        send(.synchronize, from: end)
        return false
    }

    /// Withdraws an attempt to connect, or resets what has come of it (connect(2), `AF_UNSPEC`).
    mutating func disconnect(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        let socket = try hosts[host].file(socket)
        guard let end = hosts[host][socket].end else { return }
        if connections[end].state == .established { abort(end) }
        detach(socket, on: host)
    }

    /// What a further connect(2) says of the attempt that was started before.
    private mutating func outcome(
        of end: EndID, _ socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> Bool {
        if connections[end].state == .connecting { throw Errno(rawValue: EALREADY) }
        guard hosts[host][socket].isConnecting else { throw Errno(rawValue: EISCONN) }
        hosts[host].noteOutcome(of: socket)
        if connections[end].state == .established { return true }
        let error = connections[end].error ?? Errno(rawValue: ECONNABORTED)
        detach(socket, on: host)
        throw error
    }

    private mutating func detach(_ socket: RawDescriptor, on host: HostID) {
        guard let end = hosts[host][socket].end else { return }
        hosts[host].detach(socket)
        vanish(end)
        hosts[host].touch(socket, connections)
    }

    /// Takes the error that is pending (`SO_ERROR`).
    mutating func takeError(of socket: RawDescriptor, on host: HostID) throws(Errno) -> Errno? {
        let socket = try hosts[host].file(socket)
        if let error = hosts[host].takeDatagramError(of: socket) { return error }
        return hosts[host][socket].end.flatMap { connections.takeError(at: $0) }
    }

    // MARK: Bytes

    /// Receives at most as many bytes as the buffer holds (recv(2)); 0 is the end of the stream.
    mutating func receive(
        _ socket: RawDescriptor, on host: HostID, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try receiveMessage(socket, on: host, into: buffer, descriptors: 0).count
    }

    /// Receives, and gives numbers to at most `limit` of the sockets that came along (recvmsg(2)).
    mutating func receiveMessage(
        _ socket: RawDescriptor, on host: HostID, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        let socket = try hosts[host].file(socket)
        guard let end = hosts[host][socket].end else { throw .notConnected }
        try checkFaults(.receive, on: host)
        let readable = try connections.readable(at: end)
        let hasMessages = connections[end].hasMessages
        if readable == 0 && !hasMessages || buffer.isEmpty { return ReceivedMessage(count: 0) }
        var count = min(readable, buffer.count)
        if !hasMessages { count = faults.part(of: count, by: .receive, on: host, using: &random) }
        let (files, isToBeTold) = connections.read(
            at: end, into: .init(rebasing: buffer[..<count]))
        if isToBeTold { acknowledge(from: end) }
        // No window is between them: there is room at once.
        if hasMessages { touch(end.peer) }
        var message = ReceivedMessage(count: count, isCut: hasMessages && readable > count)
        take(files, on: host, atMost: limit, into: &message)
        return message
    }

    /// Gives numbers to sockets that have come, and lets those go for which there is none.
    private mutating func take(
        _ files: [RawDescriptor], on host: HostID, atMost limit: Int,
        into message: inout ReceivedMessage
    ) {
        for file in files {
            // Without a number left it is lost, and told so.
            if message.descriptors.count < limit, let number = try? hosts[host].receive(file) {
                message.descriptors.append(number)
            } else {
                message.hasLostDescriptors = true
            }
            // The message holds it no more.
            endSocket(hosts[host].release(file))
        }
    }

    /// Takes as many bytes as there is room for (send(2)), and sends what the window allows.
    mutating func send(
        _ socket: RawDescriptor, on host: HostID, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor] = []
    ) throws(Errno) -> Int {
        let socket = try hosts[host].file(socket)
        guard let end = hosts[host][socket].end else { throw .brokenPipe }
        try checkFaults(.send, on: host)
        let room = try connections.room(at: end)
        let hasMessages = connections[end].hasMessages
        if buffer.isEmpty, !hasMessages { return 0 }
        if hasMessages, buffer.count > connections[end].options.sendCapacity {
            throw Errno(rawValue: EMSGSIZE)
        }
        let files = try checkPassing(descriptors, over: end, on: host)
        guard room > 0 else { throw .wouldBlock }
        var count = buffer.count
        if !hasMessages {
            count = faults.part(of: min(room, count), by: .send, on: host, using: &random)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        trace.mix(bytes)
        for file in files { hosts[host].hold(file) }
        connections.write(bytes, at: end, passing: files)
        transmit(from: end)
        // An empty message has no byte that would arrive.
        if count == 0 { touch(end.peer) }
        return count
    }

    /// Whether what is sent over a socket are messages (`SOCK_SEQPACKET`).
    func hasMessages(_ socket: RawDescriptor, on host: HostID) throws(Errno) -> Bool {
        let socket = try hosts[host].file(socket)
        return hosts[host][socket].end.map { connections[$0].hasMessages } ?? false
    }

    /// The sockets that numbers name which are to be sent along.
    private func checkPassing(
        _ descriptors: [RawDescriptor], over end: EndID, on host: HostID
    ) throws(Errno) -> [RawDescriptor] {
        guard descriptors.isEmpty || connections[end].isUnix,
            descriptors.count <= RawDescriptor.passedMax
        else { throw .invalidArgument }
        var files: [RawDescriptor] = []
        for descriptor in descriptors { files.append(try hosts[host].file(descriptor)) }
        return files
    }

    /// How many bytes have not arrived at the other end (`SIOCOUTQ`); a listener has none to send.
    func unacknowledged(of socket: RawDescriptor, on host: HostID) throws(Errno) -> Int {
        let socket = try hosts[host].file(socket)
        if hosts[host][socket].listener != nil { throw .invalidArgument }
        return hosts[host][socket].end.map { connections[$0].stream.outstanding } ?? 0
    }

    /// Ends the writing half (shutdown(2), `SHUT_WR`).
    mutating func closeWrite(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        let socket = try hosts[host].file(socket)
        if hosts[host][socket].listener != nil { return }
        guard let end = hosts[host][socket].end, connections[end].state != .closed else {
            throw .notConnected
        }
        if connections[end].state == .connecting { return detach(socket, on: host) }
        connections.endWriting(at: end)
        transmit(from: end)
        touch(end)
    }

    // MARK: Options

    /// Reads an option (getsockopt(2)).
    func option(
        _ option: SocketOption, of socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> Int {
        let socket = try hosts[host].file(socket)
        return try hosts[host][socket].value(of: option)
    }

    /// Sets an option (setsockopt(2)).
    mutating func setOption(
        _ option: SocketOption, of socket: RawDescriptor, on host: HostID, to value: Int
    ) throws(Errno) {
        let socket = try hosts[host].file(socket)
        replaceOptions(
            of: socket, on: host, with: try hosts[host][socket].setting(option, to: value))
    }

    /// Makes `close` reset the connection (`SO_LINGER` of 0 seconds).
    mutating func resetOnClose(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        let socket = try hosts[host].file(socket)
        var options = hosts[host][socket].options
        options.resetsOnClose = true
        replaceOptions(of: socket, on: host, with: options)
    }

    private mutating func replaceOptions(
        of socket: RawDescriptor, on host: HostID, with options: SocketOptions
    ) {
        hosts[host].setOptions(options, of: socket)
        guard let end = hosts[host][socket].end else { return }
        connections.setOptions(options, of: end)
        // A smaller buffer must not wait for more to be read than it holds.
        acknowledge(from: end)
        hosts[host].touch(socket, connections)
    }

    // MARK: The driver

    /// Replaces the interest in a descriptor.
    mutating func setInterest(
        _ interest: Interest, in socket: RawDescriptor, on host: HostID
    ) throws(Errno) {
        try hosts[host].setInterest(interest, in: socket, connections)
    }

    /// Looks whether a wait of a host's driver would report something.
    mutating func findReadiness(on host: HostID) -> Bool { hosts[host].findReadiness(connections) }

    /// Appends what is ready on a host, and now and then something that is not.
    mutating func look(on host: HostID, into ready: inout [Readiness]) {
        let first = ready.count
        hosts[host].look(connections, using: &random, into: &ready)
        if faults.drawSpuriousWake(on: host, using: &random) {
            hosts[host].lookForNothing(using: &random, into: &ready, from: first)
        }
    }
}
