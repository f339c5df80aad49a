import Glibc
import Syscalls

// How connections come about (connect(2), accept4(2)).
extension Kernel {
    /// Starts a connection; true when it is up already, else the socket becomes writable when the
    /// attempt has ended.
    ///
    /// As on Linux the first call never waits for the answer, however near it is, and a later one
    /// says how it ended.
    mutating func connect(
        _ socket: RawDescriptor, on host: HostID, to address: SocketAddress
    ) throws(Errno) -> Bool {
        try check(socket, on: host)
        if self[socket, host].listener != nil { throw Errno(rawValue: EISCONN) }
        if let end = self[socket, host].end { return try outcome(of: end, socket, on: host) }
        try checkFamily(of: address, for: socket, on: host)
        var remote = Endpoint(address)
        if remote.address.isAny { remote.address = loopback(like: remote.address) }
        guard let target = self.host(at: remote.address, asking: host) else {
            throw Errno(rawValue: ENETUNREACH)
        }
        try checkFaults(.connect, on: host)
        let local = try chooseLocal(for: socket, on: host, to: remote)
        if local.address.isLoopback, target != host { throw .invalidArgument }
        let end = try begin(socket, on: host, from: local, to: remote, on: target)
        self[socket, host].local = local
        self[socket, host].end = end
        self[socket, host].isConnecting = true
        send(.synchronize, from: end)
        return false
    }

    /// What a further connect(2) says of the attempt that was started before.
    private mutating func outcome(
        of end: EndID, _ socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> Bool {
        if self[end].state == .connecting { throw Errno(rawValue: EALREADY) }
        guard self[socket, host].isConnecting else { throw Errno(rawValue: EISCONN) }
        self[socket, host].isConnecting = false
        if self[end].state == .established { return true }
        let error = self[end].error ?? Errno(rawValue: ECONNABORTED)
        detach(socket, on: host)
        throw error
    }

    /// Makes a socket whose attempt has come to nothing as good as new.
    mutating func detach(_ socket: RawDescriptor, on host: HostID) {
        guard let end = self[socket, host].end else { return }
        self[socket, host].options = self[end].options
        self[socket, host].end = nil
        self[socket, host].isConnecting = false
        if !self[socket, host].isBound { self[socket, host].local = nil }
        vanish(end)
        touch(socket, on: host)
    }

    private func loopback(like any: IPAddress) -> IPAddress {
        any.isIPv4 ? IPAddress(ipv4: 0x7F00_0001) : IPAddress(high: 0, low: 1)
    }

    private mutating func chooseLocal(
        for socket: RawDescriptor, on host: HostID, to remote: Endpoint
    ) throws(Errno) -> Endpoint {
        let source = source(on: host, to: remote.address)
        var local = self[socket, host].local ?? Endpoint(source, port: 0)
        if local.address.isAny { local.address = source }
        if local.port == 0 {
            let port = hosts[host.index].ports.freePort(from: local.address, to: remote)
            guard let port else { throw .addressNotAvailable }
            local.port = port
        }
        return local
    }

    /// Enters a connection into the table.
    private mutating func begin(
        _ socket: RawDescriptor, on host: HostID, from local: Endpoint, to remote: Endpoint,
        on target: HostID
    ) throws(Errno) -> EndID {
        connectionCount += 1
        var asking = ConnectionEnd(
            number: connectionCount, host: host, local: local, remote: remote,
            options: self[socket, host].options)
        let asked = ConnectionEnd(
            number: connectionCount, host: target, local: remote, remote: local,
            options: SocketOptions())
        asking.descriptor = socket
        asking.started = now
        let end = freePairs.popLast() ?? EndID(index: ends.count)
        if end.index == ends.count { ends += [asking, asked] }
        self[end] = asking
        self[end.peer] = asked
        takePort(of: end)
        guard self[end].sharesPort != nil else {
            freePairs.append(end)
            throw .addressNotAvailable
        }
        self[end].state = .connecting
        awaitAnswer(end)
        return end
    }

    // MARK: Asking again

    /// After which the request is sent again, and after which nobody waits any longer (tcp(7),
    /// tcp_syn_retries: 6 times).
    private static let requests: [Duration] =
        [1, 3, 7, 15, 31, 63, 127].map { .seconds($0) }

    private mutating func awaitAnswer(_ end: EndID) {
        let started = self[end].started
        let due = Kernel.requests.lazy.map(started.advanced).first { $0 > now }
        let event = due.map { events.insert(.repeatedRequest(end), at: $0) }
        self[end].timer = event
    }

    /// Sends the request again that had no answer, or gives up.
    mutating func askAgain(_ end: EndID) {
        awaitAnswer(end)
        if self[end].timer == nil { return fail(end, with: .timedOut) }
        let isLost = self[end].stream.wire.isEmpty && self[end.peer].state == .absent
        if isLost, !self[end.peer].hasReset { send(.synchronize, from: end) }
    }

    // MARK: Accepting

    /// Takes a connection from the queue of a listener (accept4(2)).
    mutating func accept(
        _ socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try check(socket, on: host)
        try checkFaults(.accept, on: host)
        guard self[socket, host].listener != nil else { throw .invalidArgument }
        try checkLimit(on: host)
        guard let end = self[socket, host].listener?.queue.popFirst() else { throw .wouldBlock }
        var accepted = KernelSocket(isIPv6: self[socket, host].isIPv6)
        accepted.end = end
        accepted.local = self[end].local
        let descriptor = hosts[host.index].descriptors.insert(accepted)
        self[end].descriptor = descriptor
        self[end].listener = nil
        return (descriptor, self[end].remote.socketAddress(isIPv6: accepted.isIPv6))
    }
}
