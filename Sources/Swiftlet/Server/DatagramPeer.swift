import Syscalls

/// A peer of a server that has one handler for each peer: its address, and what comes from it.
///
/// ```swift
/// try await DatagramServer.servePeers(on: "127.0.0.1:7788") { peer in
///     while let datagram = try await peer.receive() { try await peer.send(datagram.bytes) }
/// }
/// ```
public final class DatagramPeer: Sendable {
    /// The address from which its datagrams come.
    public let address: SocketAddress
    /// The address of this machine to which the first one came; nil where that is not known.
    public let localAddress: SocketAddress?
    /// The server's socket, which it is not this handler's to close.
    public let socket: DatagramSocket
    /// What has come and was not received; closed when nothing more will.
    let inbox: Channel<Datagram>
    private let idleTimeout: Duration?
    /// When the last one came.
    private let lastArrival: Guarded<Instant>

    /// The caller is on the loop's thread, as for `put`.
    init(of first: Datagram, waitingAtMost limit: Int, _ idleTimeout: Duration?) {
        address = first.sender
        localAddress = first.received.localAddress
        socket = first.socket
        self.idleTimeout = idleTimeout
        // Not listed: there may be as many as there are clients.
        inbox = Channel(
            capacity: max(1, limit), "datagrams of \(first.sender)", Call(#fileID, #line),
            isListed: false)
        lastArrival = Guarded(first.socket.socket.loop.now)
    }

    /// Lets a datagram wait for the handler; false when there is no room, or its handler is at its
    /// end. The caller is on the loop's thread.
    func put(_ datagram: Datagram) -> Bool {
        let now = socket.socket.loop.now
        lastArrival.withLock { $0 = now }
        return inbox.trySend(datagram)
    }

    /// Waits for the next datagram of this peer.
    ///
    /// - Returns: the datagram; nil when none has come for the server's `idleTimeout`, or the
    ///   server stops. A handler that returns then is not needed any more; a datagram that comes
    ///   later begins another one.
    /// - Throws: `IOError` of `receive` with `.timedOut` after `timeout`, `.cancelled` or
    ///   `.loopEnded`.
    public func receive(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Datagram? {
        // Silence lasts over several calls, each with a shorter time limit of its own.
        let patience = await patience()
        let isIdleFirst = patience.map { patience in timeout.map { patience <= $0 } ?? true }
        do throws(IOError) {
            return try await inbox.receive(
                timeout: isIdleFirst == true ? patience : timeout, file: file, line: line)
        } catch {
            guard error.reason == .timedOut, isIdleFirst == true else { throw error }
            // From here on what comes is for another handler.
            inbox.close()
            return inbox.tryReceive()
        }
    }

    /// How much longer the peer may be silent; nil for ever.
    private func patience() async -> Duration? {
        guard let idleTimeout else { return nil }
        let loop = socket.socket.loop
        let now = if loop.isHome { loop.now } else { await loop.perform { loop.now } }
        let end = lastArrival.withLock { $0 }.advanced(by: idleTimeout)
        return max(.zero, now.duration(to: end))
    }

    /// Sends a datagram to the peer, from the address to which its own came if that is known.
    ///
    /// - Throws: as `DatagramSocket.send`.
    public func send(
        _ bytes: [UInt8], timeout: Duration? = nil, file: SourceFile = #fileID,
        line: UInt32 = #line
    ) async throws(IOError) {
        try await socket.send(
            bytes, to: address, from: localAddress, timeout: timeout, file: file, line: line)
    }

    /// Sends a text in UTF-8 to the peer.
    ///
    /// - Throws: as `DatagramSocket.send`.
    public func send(
        _ text: String, timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await send(Array(text.utf8), timeout: timeout, file: file, line: line)
    }
}
