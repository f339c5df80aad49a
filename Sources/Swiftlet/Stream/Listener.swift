import Drivers
import Syscalls

/// A socket that accepts connections.
public struct Listener: Sendable {
    let socket: Socket
    /// The loop that it belongs to.
    let loop: EventLoop
    /// The address that it listens on, with the port that the kernel chose when 0 was asked for.
    public let address: SocketAddress

    /// Binds a listener on the loop that the caller belongs to (bind(2), listen(2)).
    ///
    /// - Parameters:
    ///   - address: where to listen; port 0 takes a free one. At a Unix path, the file of a socket
    ///     to which none listens any more is replaced, and no other file is ever touched; it is
    ///     removed when the listener closes, if it is still the same file.
    ///   - type: `.sequencedPackets` keeps messages apart, over a Unix socket.
    ///   - backlog: connections that the kernel queues until they are accepted; at most
    ///     /proc/sys/net/core/somaxconn.
    ///   - reusePort: lets other listeners share the port (`SO_REUSEPORT`).
    ///   - options: socket options that are set before the socket is bound; connections have those
    ///     of their listener.
    ///   - access: mode and owner of the file at a Unix path; nil leaves them to the umask.
    /// - Returns: the listener, whose `address` has the port that the kernel chose.
    /// - Throws: `IOError` of `open`, `option`, `bind`, `listen` or `address`, such as
    ///   "bind 127.0.0.1:80: Address already in use".
    public static func bind(
        to address: SocketAddress, as type: ConnectionType = .stream, backlog: Int = 1024,
        reusePort: Bool = false, options: [SocketOption: Int] = [:],
        access: SocketFileAccess? = nil
    ) async throws(IOError) -> Listener {
        var options = options
        if reusePort { options[.reusePort] = 1 }
        return try await EventLoop.require(.bind).listen(
            on: address, as: type, backlog: backlog, options, access)
    }

    /// Binds a listener on each loop of the run that the caller belongs to, all on one port
    /// (`SO_REUSEPORT`, socket(7)): the kernel spreads connections over them by their addresses.
    ///
    /// - Parameters:
    ///   - address: where to listen; port 0 takes a free one for all of them.
    ///   - backlog: connections that the kernel queues for each listener until they are accepted.
    /// - Returns: the listeners, in the order of `EventLoop.all`.
    /// - Throws: as `bind(to:backlog:reusePort:options:access:)`.
    public static func bindOnEachLoop(
        to address: SocketAddress, backlog: Int = 1024
    ) async throws(IOError) -> [Listener] {
        var listeners: [Listener] = []
        for loop in try EventLoop.require(.bind).loops {
            let address = listeners.first?.address ?? address
            listeners.append(
                try await loop.listen(
                    on: address, as: .stream, backlog: backlog, [.reusePort: 1], nil))
        }
        return listeners
    }

    /// Waits for a connection and takes it (accept4(2)).
    ///
    /// A connection that was given up before it was accepted is passed over. Reads and writes of
    /// the connection fail with `.timedOut` after `idleTimeout` without a byte in either direction;
    /// nil is never.
    ///
    /// - Returns: the connection.
    /// - Throws: `IOError` with `.cancelled`, `.busy`, `.closed`, or what the kernel says, such as
    ///   "accept: Too many open files"; the listener is as good as before then.
    public func accept(
        idleTimeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Connection {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            try await socket.accept(in: call).adopt(on: socket.loop, idleTimeout: idleTimeout)
        }
    }

    /// Stops listening. A task that waits for a connection is resumed with a `closed` error.
    public func close() { socket.close() }
}

extension EventLoop {
    /// Opens a listener on this loop, wherever the caller is.
    fileprivate func listen(
        on address: SocketAddress, as type: ConnectionType, backlog: Int,
        _ options: [SocketOption: Int], _ access: SocketFileAccess?
    ) async throws(IOError) -> Listener {
        try await executor.perform { () async throws(IOError) in
            if executor.state.isEnding {
                throw IOError(.listen, await executor.refuse(in: Call(#fileID, #line)))
            }
            let sockets = executor.sockets
            let socket = try executor.openSocket(for: address, as: type, .open)
            try socket.set([.reuseAddress: 1])
            // Said, because machines differ in what they take for usual (/proc/sys/net/ipv6).
            if address.isIPv6, options[.ipv6Only] == nil { try socket.set([.ipv6Only: 0]) }
            try socket.set(options)
            executor.state.table[socket.id].isListening = true
            do throws(IOError) {
                let file = try socket.attempt(.bind) { descriptor throws(Errno) in
                    try SocketFile.bind(descriptor, to: address, access: access, over: sockets)
                }
                executor.state.socketFiles[socket.descriptor] = file
                try socket.attempt(.listen) { descriptor throws(Errno) in
                    try sockets.listen(descriptor, backlog: backlog)
                }
            } catch {
                throw IOError(error.operation, error.reason, at: address)
            }
            let bound = try socket.attempt(.address) { descriptor throws(Errno) in
                try sockets.localAddress(descriptor)
            }
            return Listener(socket: socket, loop: self, address: bound)
        }
    }
}

extension LoopExecutor {
    /// Removes the file of a socket that closes, if it has one and it is still there. Before the
    /// socket closes: so no client finds a file to which none listens.
    @inline(never)
    func removeSocketFile(of socket: RawDescriptor) {
        state.socketFiles.removeValue(forKey: socket)?.remove(over: sockets)
    }
}

extension Socket {
    /// Waits for a connection. The caller is on the loop's thread.
    func accept(in call: Call) async throws(IOError) -> Arrival {
        try checkReadable(.accept)
        loop.state.table[id].isReading = true
        defer { endReading() }
        while true {
            if !loop.spend() { try await yield(.accept) }
            if let arrival = try tryAccepting() { return arrival }
            try await park(for: .read, .accept, until: .never, in: call)
        }
    }

    /// Asks the kernel until it has a good connection or none; nil when it would block.
    ///
    /// Where each attempt fails, as a filter can have it, it is no use to go on at once.
    private func tryAccepting() throws(IOError) -> Arrival? {
        var failures = 0
        while true {
            do throws(Errno) {
                let (descriptor, peer) = try loop.sockets.accept(descriptor)
                if let peer { return Arrival(descriptor: descriptor, peer: peer) }
                loop.sockets.close(descriptor)
            } catch .wouldBlock {
                loop.state.statistics.wouldBlocks += 1
                return nil
            } catch {
                // Linux hands over what happened to the connection while it waited in the queue
                // (accept(2)).
                failures += 1
                guard error.concernsOneConnection, failures < Errno.acceptFailuresInARow else {
                    throw IOError(.accept, .system(error))
                }
            }
        }
    }
}
