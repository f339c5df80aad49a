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
        guard hosts[host][listener].listener?.isFull == false else { throw .wouldBlock }
        let local = hosts[host][socket].local ?? AddressFamily.unix.unbound
        let end = begin(from: socket, local, to: remote, on: host)
        connections.join(end, at: listener, as: nil)
        hosts[host].attach(end, at: local, to: socket)
        hosts[host].noteOutcome(of: socket)
        hosts[host].addToQueue(end.peer, of: listener)
        hosts[host].touch(listener, connections)
        hosts[host].touch(socket, connections)
        return true
    }

    /// Opens two sockets that are connected to each other (socketpair(2)).
    mutating func openPair(on host: HostID) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        if hosts[host].isDown { throw Errno(rawValue: ENETDOWN) }
        try checkFaults(.open, on: host)
        let first = try hosts[host].open(.unix)
        let local = AddressFamily.unix.unbound
        let end = begin(from: first, local, to: local, on: host)
        hosts[host].attach(end, at: local, to: first)
        hosts[host].noteOutcome(of: first)
        do throws(Errno) {
            let second = try hosts[host].insert(end.peer)
            connections.join(end, at: nil, as: second)
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
        try hosts[host].check(socket)
        guard let end = hosts[host][socket].end, connections[end].isUnix else {
            throw .notConnected
        }
        return PeerCredentials(processID: host.index + 1, userID: 0, groupID: 0)
    }
}
