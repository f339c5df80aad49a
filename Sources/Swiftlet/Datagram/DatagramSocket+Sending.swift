import Drivers
import Syscalls

// Sending: a datagram is handed to the kernel as a whole. That the kernel has it does not mean that
// it arrives. A `timeout` of nil is for ever.
extension DatagramSocket {
    /// Sends the bytes of an array as one datagram.
    ///
    /// It waits only where the kernel has no room, which is soon over; on a Unix socket, until the
    /// receiver has room.
    ///
    /// - Parameters:
    ///   - bytes: what to send; none is a datagram, too.
    ///   - target: the receiver; nil is the peer of a connected socket.
    ///   - source: the address of this machine to send from, of a socket that is bound to every
    ///     address, such as `ReceivedDatagram.localAddress`; nil leaves it to the kernel.
    ///   - timeout: how long it may wait for room.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Throws: `IOError` of `send` with `.timedOut`, `.cancelled`, `.closed`,
    ///   `.datagramTooLong` for more bytes than a datagram can have, or what the kernel says.
    ///   "Connection refused" on a connected socket is about an earlier datagram; this one was not
    ///   sent then.
    public func send(
        _ bytes: [UInt8], to target: SocketAddress? = nil, from source: SocketAddress? = nil,
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await send(
            bytes.span.bytes, to: target, from: source, timeout: timeout, file: file, line: line)
    }

    /// Sends a text in UTF-8 as one datagram.
    ///
    /// - Throws: as `send` for an array.
    public func send(
        _ text: String, to target: SocketAddress? = nil, from source: SocketAddress? = nil,
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await send(
            Array(text.utf8), to: target, from: source, timeout: timeout, file: file, line: line)
    }

    /// Sends the bytes that a span lends as one datagram.
    ///
    /// - Throws: as `send` for an array.
    public func send(
        _ span: RawSpan, to target: SocketAddress? = nil, from source: SocketAddress? = nil,
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        // The span is lent until this returns, and so is its memory.
        let memory = span.withUnsafeBytes { Outgoing($0) }
        try await socket.sendDatagram(
            memory, DatagramRoute(to: target, from: source), timeout: timeout,
            in: Call(file, line))
    }
}

extension Datagram {
    /// Sends an answer to the sender, from the address that the datagram came to if that is known.
    ///
    /// - Throws: as `DatagramSocket.send`; "Invalid argument" when a Unix socket without a name,
    ///   `unix:`, is the sender.
    public func reply(
        _ bytes: [UInt8], timeout: Duration? = nil, file: SourceFile = #fileID,
        line: UInt32 = #line
    ) async throws(IOError) {
        try await socket.send(
            bytes, to: sender, from: received.localAddress, timeout: timeout, file: file,
            line: line)
    }

    /// Sends a text in UTF-8 as an answer.
    ///
    /// - Throws: as `DatagramSocket.send`.
    public func reply(
        _ text: String, timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await reply(Array(text.utf8), timeout: timeout, file: file, line: line)
    }
}

/// Bytes of a datagram to be sent, in memory that is the caller's until it is.
struct Outgoing: Sendable {
    /// Nil for an empty datagram.
    private let buffer: Buffer?

    init(_ memory: UnsafeRawBufferPointer) {
        buffer = memory.baseAddress.map {
            Buffer(base: UnsafeMutableRawPointer(mutating: $0), count: memory.count)
        }
    }

    var memory: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer?.base, count: buffer?.count ?? 0)
    }
}

extension Socket {
    /// Hands a datagram to the kernel, and waits if it has no room.
    func sendDatagram(
        _ bytes: Outgoing, _ route: DatagramRoute, timeout: Duration?, in call: Call
    ) async throws(IOError) {
        if loop.isHome {
            return try await sendDatagramHere(
                bytes, route, until: loop.deadline(after: timeout), in: call)
        }
        try await loop.perform { () async throws(IOError) in
            try await self.sendDatagramHere(
                bytes, route, until: self.loop.deadline(after: timeout), in: call)
        }
    }

    // The callers of all that follows are on the loop's thread.

    private func sendDatagramHere(
        _ bytes: Outgoing, _ route: DatagramRoute, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkOpen(.send)
        if !loop.spend() { try await yield(.send) }
        var pause = Pause()
        while try !trySending(bytes, route) {
            // No driver tells of room at a Unix socket that this one is not connected to.
            let isTold = !peer.isUnix || route.target == nil
            try await awaitRoom(isTold: isTold, pausing: &pause, until: deadline, in: call)
        }
    }

    /// Waits until the kernel may have room; the driver tells of it, or does not.
    ///
    /// Datagrams do not mix, so several tasks may send; but only one of them parks.
    func awaitRoom(
        isTold: Bool, pausing pause: inout Pause, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        if isTold, loop.state.table[id].writing != .underWay {
            loop.state.table[id].writing = .underWay
            defer { endSending() }
            try await park(for: .write, .send, until: deadline, in: call)
        } else {
            try await rest(for: &pause, .send, until: deadline, in: call)
        }
        try checkOpen(.send)
    }

    private func endSending() {
        if loop.state.table.isOpen(id) { loop.state.table[id].writing = .ended }
    }

    /// Asks the kernel once; false when it has no room.
    private func trySending(_ bytes: Outgoing, _ route: DatagramRoute) throws(IOError) -> Bool {
        loop.state.statistics.sends += 1
        do throws(Errno) {
            try loop.sockets.sendDatagram(descriptor, bytes.memory, route)
            loop.state.statistics.bytesWritten += bytes.memory.count
            return true
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return false
        } catch .messageTooLong {
            throw IOError(.send, .datagramTooLong(bytes.memory.count), at: route.target ?? peer)
        } catch {
            throw IOError(.send, .system(error), at: route.target ?? peer)
        }
    }
}
