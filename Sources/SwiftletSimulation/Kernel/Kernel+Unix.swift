import Glibc
import Syscalls

// What programs ask of Unix sockets, which stay within a host: no wire is between two of them, so a
// connection is up or refused at once.
extension Kernel {
    /// Connects a socket to the listener that has a name (connect(2), unix(7)).
    mutating func join(
        _ socket: RawDescriptor, on host: HostID, with remote: Endpoint
    ) throws(Errno) -> Bool {
        try checkFaults(.connect, on: host)
        let listener = try hosts[host].listener(named: remote.name ?? [])
        let type = hosts[host][socket].type
        guard type == hosts[host][listener].type else {
            // The type is a part of an abstract name.
            throw remote.name?.first == 0 ? .connectionRefused : Errno(rawValue: EPROTOTYPE)
        }
        guard hosts[host][listener].listener?.isFull == false else { throw .wouldBlock }
        let local = hosts[host][socket].local ?? AddressFamily.unix.unbound
        let end = begin(from: socket, local, to: remote, on: host)
        connections.join(end, at: listener, as: nil, type: type)
        hosts[host].attach(end, at: local, to: socket)
        hosts[host].noteOutcome(of: socket)
        hosts[host].addToQueue(end.peer, of: listener)
        hosts[host].touch(listener, connections)
        hosts[host].touch(socket, connections)
        return true
    }

    /// Opens two sockets that are connected to each other (socketpair(2)).
    mutating func openPair(
        as type: ConnectionType, on host: HostID
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        if hosts[host].isDown { throw Errno(rawValue: ENETDOWN) }
        try checkFaults(.open, on: host)
        let first = try hosts[host].open(.unix, type)
        let local = AddressFamily.unix.unbound
        let end = begin(from: first, local, to: local, on: host)
        hosts[host].attach(end, at: local, to: first)
        hosts[host].noteOutcome(of: first)
        do throws(Errno) {
            let second = try hosts[host].insert(end.peer, type)
            connections.join(end, at: nil, as: second, type: type)
            return (first, second)
        } catch {
            close(first, on: host)
            throw error
        }
    }

    private mutating func begin(
        from socket: RawDescriptor, _ local: Endpoint, to remote: Endpoint, on host: HostID
    ) -> EndID {
        let options = hosts[host][socket].options
        let end = connections.begin(
            from: host, local, to: host, remote, by: socket, options: options, at: now)
        wires.add(end)
        return end
    }

    /// The process at the other end (`SO_PEERCRED`): a host has one, of one user.
    func peerCredentials(
        of socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> PeerCredentials {
        let socket = try hosts[host].file(socket)
        guard let end = hosts[host][socket].end, connections[end].isUnix else {
            throw .notConnected
        }
        return PeerCredentials(processID: host.index + 1, userID: 0, groupID: 0)
    }

    /// What the other end of a socket is that a program has received.
    func adopt(_ socket: RawDescriptor, on host: HostID) throws(Errno) -> SocketAddress {
        try remoteAddress(of: socket, on: host)
    }

    /// Ends the sockets that no program can have any more: those that only messages hold, each of
    /// which waits at such a socket itself, as one that was sent over itself does. Linux looks for
    /// them when a socket is closed, too (net/unix/garbage.c).
    mutating func endUnreachable(on host: HostID) {
        let held = hosts[host].descriptors.held
        var rest = held.filter { hosts[host].descriptors.hasNumber($0) }
        var reached = Set(rest)
        while let file = rest.popLast() {
            for end in ends(of: file, on: host) {
                for next in connections.files(to: end) where reached.insert(next).inserted {
                    rest.append(next)
                }
            }
        }
        for file in held where !reached.contains(file) && hosts[host].descriptors.isHeld(file) {
            for end in ends(of: file, on: host) { dropFiles(to: end) }
        }
    }

    /// The end that a socket has, or those that wait to be accepted there.
    private func ends(of file: RawDescriptor, on host: HostID) -> [EndID] {
        let socket = hosts[host][file]
        if let end = socket.end { return [end] }
        guard let queue = socket.listener?.queue else { return [] }
        return (0..<queue.count).map { queue[$0] }
    }

    /// Lets the sockets go that are under way to an end, whose program will not receive them.
    mutating func dropFiles(to end: EndID) {
        for file in connections.takeFiles(to: end) {
            endSocket(hosts[connections[end].host].release(file))
        }
    }
}
