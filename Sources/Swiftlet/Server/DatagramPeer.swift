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

    init(of first: Datagram, waitingAtMost limit: Int, _ idleTimeout: Duration?) {
        address = first.sender
        localAddress = first.received.localAddress
        socket = first.socket
        self.idleTimeout = idleTimeout
        inbox = Channel(capacity: max(1, limit), name: "datagrams of \(first.sender)")
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
        let isIdleFirst =
            timeout.map { timeout in idleTimeout.map { $0 <= timeout } ?? false } ?? true
        do throws(IOError) {
            return try await inbox.receive(
                timeout: isIdleFirst ? idleTimeout : timeout, file: file, line: line)
        } catch {
            guard error.reason == .timedOut, isIdleFirst else { throw error }
            // From here on what comes is for another handler.
            inbox.close()
            return inbox.tryReceive()
        }
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
