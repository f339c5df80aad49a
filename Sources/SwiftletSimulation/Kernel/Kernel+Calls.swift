import Glibc
import Syscalls

// The calls that make, name and close the sockets of a host.
extension Kernel {
    /// An open socket of a host; changed in place.
    subscript(socket: RawDescriptor, host: HostID) -> KernelSocket {
        get { hosts[host.index].descriptors[socket] }
        _modify { yield &hosts[host.index].descriptors[socket] }
    }

    /// Throws when a number of a host is not open.
    func check(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        guard hosts[host.index].descriptors.isOpen(socket) else { throw .badDescriptor }
    }

    /// Throws when a rule wants a call to fail.
    mutating func checkFaults(_ call: Faults.Call, on host: HostID) throws(Errno) {
        if let error = faults.error(of: call, on: host, using: &random) { throw error }
    }

    /// Throws when a host has as many sockets open as it may.
    func checkLimit(on host: HostID) throws(Errno) {
        let limit = hosts[host.index].descriptorLimit
        if hosts[host.index].descriptors.count >= limit { throw .tooManyOpenFiles }
    }

    /// Opens a socket of a family on a host (socket(2)).
    mutating func open(isIPv6: Bool, on host: HostID) throws(Errno) -> RawDescriptor {
        if hosts[host.index].isDown { throw Errno(rawValue: ENETDOWN) }
        try checkFaults(.open, on: host)
        try checkLimit(on: host)
        return hosts[host.index].descriptors.insert(KernelSocket(isIPv6: isIPv6))
    }

    /// Closes a socket (close(2)); a number that is not open is left alone.
    ///
    /// A number that is closed and watched is noted: poll(2) would report whoever has it next.
    mutating func close(_ socket: RawDescriptor, on host: HostID) {
        guard hosts[host.index].descriptors.isOpen(socket) else { return }
        let closed = self[socket, host]
        if !closed.interest.isEmpty { hosts[host.index].closedWhileWatched.append(socket) }
        release(socket, on: host)
        hosts[host.index].descriptors.remove(socket)
        if let end = closed.end { close(end) }
        if let listener = closed.listener { close(listener) }
    }

    /// Gives the port of a socket back, if it was bound to one.
    private mutating func release(_ socket: RawDescriptor, on host: HostID) {
        guard self[socket, host].isBound, let local = self[socket, host].local else { return }
        hosts[host.index].ports.unbind(socket, from: local.port)
    }

    // MARK: Options

    /// The options of a socket, which its connection keeps when it has one.
    func options(of socket: RawDescriptor, on host: HostID) -> SocketOptions {
        let socket = self[socket, host]
        return socket.end.map { self[$0].options } ?? socket.options
    }

    /// Reads an option (getsockopt(2)).
    func option(
        _ option: SocketOption, of socket: RawDescriptor, on host: HostID
    ) throws(Errno) -> Int {
        try check(socket, on: host)
        return try options(of: socket, on: host).value(
            of: option, isIPv6: self[socket, host].isIPv6,
            isListening: self[socket, host].listener != nil)
    }

    /// Sets an option (setsockopt(2)).
    mutating func setOption(
        _ option: SocketOption, of socket: RawDescriptor, on host: HostID, to value: Int
    ) throws(Errno) {
        try check(socket, on: host)
        var options = options(of: socket, on: host)
        try options.set(
            option, to: value, isIPv6: self[socket, host].isIPv6,
            isBound: self[socket, host].local.map { $0.port != 0 } ?? false)
        replaceOptions(of: socket, on: host, with: options)
    }

    /// Makes `close` reset the connection (`SO_LINGER` of 0 seconds).
    mutating func resetOnClose(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        try check(socket, on: host)
        var options = options(of: socket, on: host)
        options.resetsOnClose = true
        replaceOptions(of: socket, on: host, with: options)
    }

    private mutating func replaceOptions(
        of socket: RawDescriptor, on host: HostID, with options: SocketOptions
    ) {
        guard let end = self[socket, host].end else { return self[socket, host].options = options }
        self[end].options = options
        // A smaller buffer must not wait for more to be read than it holds.
        acknowledge(from: end)
        touch(socket, on: host)
    }

    // MARK: Names

    /// The address of this end (getsockname(2)).
    func localAddress(of socket: RawDescriptor, on host: HostID) throws(Errno) -> SocketAddress {
        try check(socket, on: host)
        let socket = self[socket, host]
        let none = Endpoint(socket.isIPv6 ? .anyIPv6 : .anyIPv4, port: 0)
        return (socket.local ?? none).socketAddress(isIPv6: socket.isIPv6)
    }

    /// The address of the other end (getpeername(2)).
    func remoteAddress(of socket: RawDescriptor, on host: HostID) throws(Errno) -> SocketAddress {
        try check(socket, on: host)
        guard let end = self[socket, host].end, self[end].state == .established else {
            throw .notConnected
        }
        return self[end].remote.socketAddress(isIPv6: self[socket, host].isIPv6)
    }

    /// Takes the error that is pending (`SO_ERROR`).
    mutating func takeError(of socket: RawDescriptor, on host: HostID) throws(Errno) -> Errno? {
        try check(socket, on: host)
        guard let end = self[socket, host].end else { return nil }
        return self[end].error.take()
    }
}
