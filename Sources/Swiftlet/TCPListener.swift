import Drivers
import Syscalls

/// A socket that accepts TCP connections.
public struct TCPListener: Sendable {
    let socket: Socket
    /// The address that it listens on, with the port that the kernel chose when 0 was asked for.
    public let address: SocketAddress

    /// Binds a listener on the loop that the caller belongs to (bind(2), listen(2)).
    ///
    /// - Parameters:
    ///   - address: where to listen; port 0 takes a free one.
    ///   - backlog: connections that the kernel queues until they are accepted; at most
    ///     /proc/sys/net/core/somaxconn.
    ///   - reusePort: lets other listeners share the port (`SO_REUSEPORT`).
    /// - Returns: the listener, whose `address` has the port that the kernel chose.
    /// - Throws: `IOError` of `open`, `bind` or `listen`, such as "bind: Address already in use".
    public static func bind(
        to address: SocketAddress, backlog: Int = 1024, reusePort: Bool = false
    ) async throws(IOError) -> TCPListener {
        let loop = try EventLoop.require(.bind)
        return try await loop.perform { () async throws(IOError) in
            try loop.listen(on: address, backlog: backlog, reusePort: reusePort)
        }
    }

    /// Waits for a connection and takes it (accept4(2)).
    ///
    /// A connection that was given up before it was accepted is passed over.
    ///
    /// - Parameter idleTimeout: the time without a byte in either direction after which the
    ///   connection's reads and writes fail with `.timedOut`; nil for never.
    /// - Returns: the connection.
    /// - Throws: `IOError` with `.cancelled`, `.busy`, `.closed`, or what the kernel says, such as
    ///   "accept: Too many open files"; the listener is as good as before then.
    public nonisolated(nonsending) func accept(
        idleTimeout: Duration? = nil
    ) async throws(IOError) -> TCPConnection {
        let socket = socket
        return try await socket.loop.perform { () async throws(IOError) in
            try await socket.accept(idleTimeout: idleTimeout)
        }
    }

    /// Stops listening. Whoever waits for a connection is resumed with a `closed` error.
    public func close() { socket.close() }
}

extension LoopExecutor {
    /// Opens a listener. The caller is on the loop's thread.
    fileprivate func listen(
        on address: SocketAddress, backlog: Int, reusePort: Bool
    ) throws(IOError) -> TCPListener {
        if state.isEnding { throw IOError(.listen, .loopEnded) }
        let socket = try openSocket(for: address, .open)
        try socket.attempt(.option) { descriptor throws(Errno) in
            try sockets.setOption(.reuseAddress, of: descriptor, to: 1)
            if reusePort { try sockets.setOption(.reusePort, of: descriptor, to: 1) }
        }
        try socket.attempt(.bind) { descriptor throws(Errno) in
            try sockets.bind(descriptor, to: address)
        }
        try socket.attempt(.listen) { descriptor throws(Errno) in
            try sockets.listen(descriptor, backlog: backlog)
        }
        let bound = try socket.attempt(.address) { descriptor throws(Errno) in
            try sockets.localAddress(descriptor)
        }
        return TCPListener(socket: socket, address: bound)
    }
}

extension Socket {
    /// Waits for a connection. The caller is on the loop's thread.
    fileprivate nonisolated(nonsending)
        func accept(idleTimeout: Duration?) async throws(IOError) -> TCPConnection
    {
        try beginReading(.accept)
        defer { endReading() }
        while true {
            if !loop.spend() { try await yield(.accept) }
            if let (descriptor, address) = try tryAccepting() {
                let accepted = Socket(
                    adopting: descriptor, peer: address, on: loop, idleTimeout: idleTimeout)
                // An option that a connection will not take does not make it a worse connection.
                try? loop.sockets.setOption(.noDelay, of: descriptor, to: 1)
                return TCPConnection(socket: accepted)
            }
            try await park(for: .read, .accept, until: .never)
        }
    }

    /// Asks the kernel until it has a good connection or none; nil when it would block.
    private func tryAccepting() throws(IOError) -> (RawDescriptor, SocketAddress)? {
        while true {
            do throws(Errno) {
                let (descriptor, address) = try loop.sockets.accept(descriptor)
                if let address { return (descriptor, address) }
                loop.sockets.close(descriptor)
            } catch .wouldBlock {
                loop.state.statistics.wouldBlocks += 1
                return nil
            } catch {
                // Linux hands over what happened to the connection while it waited in the queue
                // (accept(2)).
                if !error.concernsOneConnection { throw IOError(.accept, .system(error)) }
            }
        }
    }
}
