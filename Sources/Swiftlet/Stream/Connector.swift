import Drivers
import Syscalls

/// A socket that is to become a connection, step by step: options, a local address, and attempts
/// whose error is a value.
///
/// `Connection.connect` is all of it in one call. This is for programs that try one address after
/// another from the same local address, or decide by the kernel's number, as with `connect_ex` in
/// other languages.
///
/// ```swift
/// let connector = try await Connector.open(for: address)
/// try await connector.bind(to: local)
/// switch try await connector.connect(to: address, timeout: .seconds(1)) {
/// case .success(let connection): …
/// case .failure(let errno): …
/// }
/// ```
public struct Connector: Sendable {
    private let socket: Socket

    /// Opens a socket for addresses of the family of this one, on the loop of the caller
    /// (socket(2)).
    ///
    /// - Returns: the connector, whose socket closes with its last copy if it has not become a
    ///   connection.
    /// - Throws: `IOError` of `open`, such as "open: Too many open files".
    public static func open(
        for address: SocketAddress, as type: ConnectionType = .stream
    ) async throws(IOError) -> Connector {
        let loop = try EventLoop.require(.open).executor
        return try await loop.perform { () async throws(IOError) in
            if loop.state.isEnding {
                throw IOError(.open, await loop.refuse(in: Call(#fileID, #line)))
            }
            return Connector(socket: try loop.openSocket(for: address, as: type, .open))
        }
    }

    /// Gives the socket a local address; port 0 takes a free one (bind(2)).
    ///
    /// - Throws: `IOError` of `bind`: with `.closed`, or what the kernel says.
    public func bind(to local: SocketAddress) async throws(IOError) {
        try await onLoop { () throws(IOError) in
            do throws(IOError) {
                try socket.bind(to: local)
            } catch {
                throw IOError(error.operation, error.reason, at: local)
            }
        }
    }

    /// Sets options, in the order of their numbers (setsockopt(2)).
    ///
    /// - Throws: `IOError` of `option`: with `.closed`, or what the kernel says.
    public func set(_ options: [SocketOption: Int]) async throws(IOError) {
        try await onLoop { () throws(IOError) in try socket.set(options) }
    }

    /// The address of this end (getsockname(2)).
    ///
    /// - Throws: `IOError` of `address`: with `.closed`, or what the kernel says.
    public var localAddress: SocketAddress {
        get async throws(IOError) {
            try await socket.perform(.address) { sockets, descriptor throws(Errno) in
                try sockets.localAddress(descriptor)
            }
        }
    }

    /// Makes an attempt to connect, within `timeout` (connect(2)). One that fails, times out or is
    /// cancelled is withdrawn, and the next one may be made.
    ///
    /// - Returns: the connection, to which the socket belongs from now on, or the kernel's error:
    ///   `.connectionRefused` where nothing listens.
    /// - Throws: `IOError` of `connect` for what the kernel does not say: `.timedOut`,
    ///   `.cancelled`, `.closed`, `.busy` while another task waits for an attempt, `.loopEnded`.
    public func connect(
        to address: SocketAddress, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Result<Connection, Errno> {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            do throws(IOError) {
                let deadline = socket.loop.deadline(after: timeout)
                try await socket.attempt(to: address, until: deadline, in: call)
                return .success(Connection(socket: try socket.renewed(peer: address)))
            } catch {
                if case .system(let errno) = error.reason { return .failure(errno) }
                throw IOError(error.operation, error.reason, at: address)
            }
        }
    }

    /// Closes the socket, unless it has become a connection. A task that waits for an attempt is
    /// resumed with a `closed` error.
    public func close() { socket.close() }

    private func onLoop(
        _ body: @escaping @Sendable () throws(IOError) -> Void
    ) async throws(IOError) {
        try await socket.loop.perform { () async throws(IOError) in try body() }
    }
}

extension Socket {
    /// As `connect`, and withdraws what fails: else it goes on in the kernel, which gives its
    /// outcome for that of the next attempt, whatever address that has. A second attempt at the
    /// same time would be given it, too.
    fileprivate func attempt(
        to address: SocketAddress, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkOpen(.connect)
        if loop.state.table[id].writing == .underWay { throw IOError(.connect, .busy) }
        loop.state.table[id].writing = .underWay
        defer { endWriting(as: .ended) }
        do throws(IOError) {
            try await connect(to: address, until: deadline, in: call)
        } catch {
            let mayGoOn = !address.isUnix && loop.state.table.isOpen(id)
            // What cannot be withdrawn must not be taken for the next one either.
            if mayGoOn, (try? loop.sockets.disconnect(descriptor)) == nil { close() }
            throw error
        }
    }

    /// The same open socket, of which more is known now; this one is closed to those that have it.
    fileprivate func renewed(peer: SocketAddress) throws(IOError) -> Socket {
        // It may have been closed since the kernel answered.
        try checkOpen(.connect)
        _ = loop.state.table.remove(id)
        return Socket(adopting: descriptor, peer: peer, on: loop)
    }
}
