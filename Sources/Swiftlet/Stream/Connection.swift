import Drivers
import Syscalls

/// A stream to a peer, over TCP or a Unix socket, whose operations look blocking and park their
/// task instead of a thread.
///
/// One task may read while another one writes; a second reader or writer gets a `busy` error. A
/// connection closes when its scope ends: a server's handler, or the body given to `connect`;
/// without a scope, when the last copy of this value goes. It may be used from any task; tasks
/// outside the loop pay two hops for each operation.
public struct Connection: Sendable {
    @usableFromInline let socket: Socket
    /// The address of the peer.
    public var remoteAddress: SocketAddress { socket.peer }

    /// Connects to `address`, lends the connection to `body`, and closes it when `body` ends,
    /// however it ends. The timeout is that of the attempt alone.
    ///
    /// - Returns: what `body` returns.
    /// - Throws: what the same call without a body and `body` throw.
    public static func connect<Value>(
        to address: SocketAddress, as type: ConnectionType = .stream,
        from local: SocketAddress? = nil, options: [SocketOption: Int] = [:],
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await connect(
            to: address, as: type, from: local, options: options, timeout: timeout, file: file,
            line: line)
        defer { connection.close() }
        return try await body(connection)
    }

    /// Connects to `address`, within `timeout` (connect(2)). Nil leaves the time to the kernel,
    /// which gives up after minutes.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - type: `.sequencedPackets` keeps messages apart, over a Unix socket.
    ///   - local: the address of this end, bound first; port 0 takes a free one. Nil leaves it to
    ///     the kernel.
    ///   - options: socket options that are set before anything else.
    ///   - timeout: how long the attempt may take.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the connection, which closes when its last copy goes.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, or what the kernel says, such as
    ///   "connect 127.0.0.1:80: Connection refused".
    public static func connect(
        to address: SocketAddress, as type: ConnectionType = .stream,
        from local: SocketAddress? = nil, options: [SocketOption: Int] = [:],
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Connection {
        let loop = try EventLoop.require(.connect).executor
        let call = Call(file, line)
        return try await loop.perform { () async throws(IOError) in
            try await open(
                to: address, as: type, Beginning(local: local, options: options), on: loop,
                until: loop.deadline(after: timeout), in: call)
        }
    }

    /// What a socket gets before it connects.
    struct Beginning: Sendable {
        let local: SocketAddress?
        let options: [SocketOption: Int]
    }

    /// Connects to `address` on the loop of the caller, which is on its thread.
    static func open(
        to address: SocketAddress, as type: ConnectionType, _ beginning: Beginning,
        on loop: LoopExecutor, until deadline: Instant, in call: Call
    ) async throws(IOError) -> Connection {
        if loop.state.isEnding { throw IOError(.connect, await loop.refuse(in: call)) }
        let socket = try loop.openSocket(for: address, as: type, .connect)
        do throws(IOError) {
            try socket.set(beginning.options)
            if let local = beginning.local { try socket.bind(to: local) }
            try await socket.connect(to: address, until: deadline, in: call)
        } catch {
            socket.close()
            throw IOError(error.operation, error.reason, at: address)
        }
        return Connection(socket: socket)
    }
}

// Ending a connection in its various ways, its addresses and its options.
extension Connection {
    /// Ends the writing half: the peer reads the end of the stream, and may go on writing
    /// (shutdown(2), `SHUT_WR`).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func closeWrite() async throws(IOError) {
        try await socket.perform(.closeWrite) { sockets, descriptor throws(Errno) in
            try sockets.closeWrite(descriptor)
        }
    }

    /// Closes the connection. A task that is parked on it is resumed with a `closed` error; again
    /// does nothing.
    ///
    /// From another thread than the loop's it returns before the loop has done so.
    public func close() { socket.close() }

    /// Closes the connection with a reset: the peer's next call fails, and nothing lingers in the
    /// kernel (`SO_LINGER` of 0 seconds, socket(7)). A Unix socket knows no reset: its peer reads
    /// the end of the stream.
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func reset() async throws(IOError) {
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.resetOnClose(descriptor)
        }
        close()
    }

    /// The address of this end (getsockname(2)).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public var localAddress: SocketAddress {
        get async throws(IOError) {
            try await socket.perform(.address) { sockets, descriptor throws(Errno) in
                try sockets.localAddress(descriptor)
            }
        }
    }

    /// Reads a socket option (getsockopt(2)).
    ///
    /// - Returns: 0 or 1, bytes or seconds, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func option(_ option: SocketOption) async throws(IOError) -> Int {
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.option(option, of: descriptor)
        }
    }

    /// Sets a socket option (setsockopt(2)).
    ///
    /// - Parameters:
    ///   - option: which one.
    ///   - value: 0 or 1, bytes or seconds, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says: "Invalid argument" for a value
    ///   that the option does not take.
    public func setOption(_ option: SocketOption, to value: Int) async throws(IOError) {
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.setOption(option, of: descriptor, to: value)
        }
    }
}

extension Socket {
    /// Sets options of a socket that has just been opened. The caller is on the loop's thread.
    ///
    /// In the order of their numbers: that of a dictionary is another one in each process, and a
    /// recording is replayed in another one.
    func set(_ options: [SocketOption: Int]) throws(IOError) {
        let inOrder = options.sorted {
            ($0.key.level, $0.key.code) < ($1.key.level, $1.key.code)
        }
        for (option, value) in inOrder {
            try attempt(.option) { descriptor throws(Errno) in
                try loop.sockets.setOption(option, of: descriptor, to: value)
            }
        }
    }

    /// Gives a socket that is to connect its local address. The caller is on the loop's thread.
    func bind(to local: SocketAddress) throws(IOError) {
        loop.state.socketFiles[descriptor] = try attempt(.bind) { descriptor throws(Errno) in
            try SocketFile.bind(descriptor, to: local, access: nil, over: loop.sockets)
        }
    }
}

// Connecting: start, park until the socket is writable, and ask how it went.
extension Socket {
    /// Connects to `address` and waits for the outcome. The caller is on the loop's thread.
    func connect(
        to address: SocketAddress, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        if address.isUnix { return try await connectToName(address, until: deadline, in: call) }
        let isUp = try attempt(.connect) { descriptor throws(Errno) in
            try loop.sockets.setOption(.noDelay, of: descriptor, to: 1)
            return try loop.sockets.connect(descriptor, to: address)
        }
        if isUp { return }
        loop.state.targets[descriptor] = address
        defer { loop.state.targets[descriptor] = nil }
        repeat {
            try await park(for: .write, .connect, until: deadline, in: call)
        } while try !finishConnecting(to: address)
    }

    /// Takes the outcome of the attempt: true when the connection is up, false when the attempt
    /// goes on; throws when it has failed, and then the socket can try again.
    ///
    /// Readiness is a hint, and may have been meant for an earlier owner of the descriptor's
    /// number: only connect(2) itself tells the three apart, and takes the error.
    private func finishConnecting(to address: SocketAddress) throws(IOError) -> Bool {
        try attempt(.connect) { descriptor throws(Errno) in
            do throws(Errno) {
                return try loop.sockets.connect(descriptor, to: address)
            } catch .already {
                return false
            }
        }
    }
}
