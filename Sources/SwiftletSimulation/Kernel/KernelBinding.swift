import Glibc
import Syscalls

// Local addresses: who may have which, and who listens there (bind(2), listen(2)).
extension Kernel {
    /// Gives a socket its local address (bind(2)); port 0 takes a free one.
    mutating func bind(
        _ socket: RawDescriptor, on host: HostID, to address: SocketAddress
    ) throws(Errno) {
        try check(socket, on: host)
        try checkFaults(.bind, on: host)
        try checkFamily(of: address, for: socket, on: host)
        guard self[socket, host].local == nil else { throw .invalidArgument }
        var local = Endpoint(address)
        guard self.host(at: local.address, asking: host) == host else {
            throw .addressNotAvailable
        }
        if local.port == 0 {
            if self[socket, host].options.bindsLate != 0 {
                return self[socket, host].local = local
            }
            guard let port = hosts[host.index].ports.freePort() else { throw .addressInUse }
            local.port = port
        } else if isTaken(local, for: socket, on: host) {
            throw .addressInUse
        }
        self[socket, host].local = local
        self[socket, host].isBound = true
        hosts[host.index].ports.bind(socket, to: local.port)
    }

    /// Throws when a socket cannot have to do with an address of this family.
    func checkFamily(
        of address: SocketAddress, for socket: RawDescriptor, on host: HostID
    ) throws(Errno) {
        let isIPv6 = self[socket, host].isIPv6
        if isIPv6 == address.isIPv6 { return }
        throw isIPv6 ? .invalidArgument : Errno(rawValue: EAFNOSUPPORT)
    }

    /// Whether somebody has an address with whom a socket may not share it.
    ///
    /// As Linux has it: both must have said that they share, by `SO_REUSEADDR` while nobody listens
    /// there, or by `SO_REUSEPORT`.
    private func isTaken(_ local: Endpoint, for socket: RawDescriptor, on host: HostID) -> Bool {
        let mine = self[socket, host]
        let ports = hosts[host.index].ports
        let sharing = mine.options.sharesPort
        if ports.hasConnections(at: local.port, sharing: sharing) { return true }
        return ports.bound(to: local.port).contains { number in
            let other = self[number, host]
            guard number != socket, let address = other.local?.address,
                covers(mine, local.address, address) || covers(other, address, local.address)
            else { return false }
            let options = self.options(of: number, on: host)
            if mine.options.reusePort != 0, options.reusePort != 0 { return false }
            return mine.options.reuseAddress == 0 || options.reuseAddress == 0
                || other.listener != nil
        }
    }

    /// Whether a socket with one local address has another one too.
    private func covers(_ socket: KernelSocket, _ address: IPAddress, _ other: IPAddress) -> Bool {
        if address == other || address == .anyIPv4 && other.isIPv4 { return true }
        return address == .anyIPv6 && (!other.isIPv4 || socket.options.ipv6Only == 0)
    }

    /// Starts to queue connections (listen(2)); once more only changes the backlog.
    mutating func listen(
        _ socket: RawDescriptor, on host: HostID, backlog: Int
    ) throws(Errno) {
        try check(socket, on: host)
        try checkFaults(.listen, on: host)
        guard self[socket, host].end == nil else { throw .invalidArgument }
        // As Linux takes a negative number, and with its usual limit (somaxconn).
        let backlog = (0...4_096).contains(backlog) ? backlog : 4_096
        if self[socket, host].listener != nil {
            self[socket, host].listener?.backlog = backlog
            return
        }
        if let local = self[socket, host].local, local.port != 0 {
            if isTaken(local, for: socket, on: host) { throw .addressInUse }
        } else {
            try bindToFreePort(socket, on: host)
        }
        self[socket, host].listener = Listener(backlog: backlog)
    }

    private mutating func bindToFreePort(
        _ socket: RawDescriptor, on host: HostID
    ) throws(Errno) {
        guard let port = hosts[host.index].ports.freePort() else { throw .addressInUse }
        let any = self[socket, host].isIPv6 ? IPAddress.anyIPv6 : .anyIPv4
        let address = self[socket, host].local?.address ?? any
        self[socket, host].local = Endpoint(address, port: port)
        self[socket, host].isBound = true
        hosts[host.index].ports.bind(socket, to: port)
    }

    /// The listener to which a connection to an address goes; nil when nobody listens there.
    ///
    /// One that has just this address comes before one that has all of them; the seed chooses among
    /// those that share the port, as Linux does by a hash.
    mutating func listener(on host: HostID, at target: Endpoint) -> RawDescriptor? {
        let listeners = hosts[host.index].ports.bound(to: target.port).filter { number in
            let socket = self[number, host]
            guard socket.listener != nil, let address = socket.local?.address else { return false }
            return covers(socket, address, target.address)
        }
        let exact = listeners.filter { self[$0, host].local?.address == target.address }
        let best = exact.isEmpty ? listeners : exact
        guard best.count > 1 else { return best.first }
        return best[random.number(below: best.count)]
    }
}
