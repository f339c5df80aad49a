import Drivers
import Syscalls

// Receiving: try, and park when nothing is there. A `timeout` of nil is for ever.
extension DatagramSocket {
    /// Waits for a datagram and puts it into the caller's memory. What does not fit is gone, which
    /// `isTruncated` tells. Nothing is allocated, but for the sender's name on a Unix socket.
    ///
    /// - Returns: how long it is, who sent it, and what else is known of it.
    /// - Throws: `IOError` of `receive` with `.timedOut`, `.cancelled`, `.busy`, `.closed`,
    ///   `.outOfRange` for no memory, or what the kernel says. "Connection refused" on a connected
    ///   socket means that what was sent found no receiver; the socket is as good as before.
    public func receive(
        into memory: inout MutableRawSpan, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> ReceivedDatagram {
        // The span is this call's alone until it returns, and so is its memory.
        let memory = memory.withUnsafeMutableBytes { $0 }
        guard let base = memory.baseAddress, memory.count > 0 else {
            throw IOError(.receive, .outOfRange(0))
        }
        let received = try await socket.receiveDatagram(
            into: Buffer(base: base, count: memory.count), readingControl: readsControl,
            timeout: timeout, in: Call(file, line))
        return withPort(received)
    }

    /// Waits for a datagram of at most 65,536 bytes, which is more than a packet can hold. What a
    /// Unix socket sends can be longer: the rest is gone, which `received.isTruncated` tells.
    ///
    /// - Returns: its bytes, in an array of their own, with the sender.
    /// - Throws: as `receive(into:timeout:file:line:)`.
    public func receive(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Datagram {
        let (socket, call) = (socket, Call(file, line))
        if socket.loop.isHome { return try await receiveHere(timeout: timeout, in: call) }
        return try await socket.loop.perform { () async throws(IOError) in
            try await self.receiveHere(timeout: timeout, in: call)
        }
    }

    /// As above. The caller is on the loop's thread.
    func receiveHere(timeout: Duration?, in call: Call) async throws(IOError) -> Datagram {
        // Taken when something is there, and not before: a buffer is long.
        let deadline = socket.loop.deadline(after: timeout)
        while true {
            if let datagram = try await receiveAtOnce() { return datagram }
            try await socket.awaitDatagram(until: deadline, in: call)
        }
    }

    /// Takes the next datagram; nil when there is none.
    private func receiveAtOnce() async throws(IOError) -> Datagram? {
        let loop = socket.loop
        try socket.checkReadable(.receive)
        if !loop.spend() { try await socket.yieldReading(.receive) }
        let buffer = loop.state.buffers.take()
        defer { loop.state.buffers.put(buffer) }
        guard
            let received = try socket.takeDatagram(into: buffer, readingControl: readsControl)
        else { return nil }
        return Datagram(
            bytes: [UInt8](buffer.memory.prefix(received.count)), received: withPort(received),
            socket: self)
    }

    /// The port that a datagram came to is not told with it: it is the socket's.
    private func withPort(_ received: ReceivedDatagram) -> ReceivedDatagram {
        guard let address = received.localAddress else { return received }
        var received = received
        received.localAddress = address.with(port: localAddress.port)
        return received
    }
}

/// A datagram that was received, with its bytes.
public struct Datagram: Sendable {
    /// What came; none in an empty datagram.
    public let bytes: [UInt8]
    /// The address that sent it.
    public var sender: SocketAddress { received.sender }
    /// What else is known of it.
    public let received: ReceivedDatagram
    /// The socket that received it.
    public let socket: DatagramSocket

    /// What came as text in UTF-8; what is not valid becomes U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension Socket {
    /// Waits for a datagram.
    func receiveDatagram(
        into memory: Buffer, readingControl: Bool, timeout: Duration?, in call: Call
    ) async throws(IOError) -> ReceivedDatagram {
        if loop.isHome {
            return try await receiveDatagramHere(
                into: memory, readingControl, until: loop.deadline(after: timeout), in: call)
        }
        return try await loop.perform { () async throws(IOError) in
            try await self.receiveDatagramHere(
                into: memory, readingControl, until: self.loop.deadline(after: timeout), in: call)
        }
    }

    // The callers of all that follows are on the loop's thread.

    private func receiveDatagramHere(
        into memory: Buffer, _ readingControl: Bool, until deadline: Instant, in call: Call
    ) async throws(IOError) -> ReceivedDatagram {
        try checkReadable(.receive)
        if !loop.spend() { try await yieldReading(.receive) }
        while true {
            if let datagram = try takeDatagram(into: memory, readingControl: readingControl) {
                return datagram
            }
            try await awaitDatagram(until: deadline, in: call)
        }
    }

    /// Parks until a datagram may be there.
    func awaitDatagram(until deadline: Instant, in call: Call) async throws(IOError) {
        loop.state.table[id].isReading = true
        defer { endReading() }
        try await park(for: .read, .receive, until: deadline, in: call)
    }

    /// Asks the kernel once; nil when there is nothing.
    func takeDatagram(
        into memory: Buffer, readingControl: Bool
    ) throws(IOError) -> ReceivedDatagram? {
        loop.state.statistics.receives += 1
        do throws(Errno) {
            let received = try loop.sockets.receiveDatagram(
                descriptor, into: memory.memory, readingControl: readingControl)
            loop.state.statistics.bytesRead += received.count
            return received
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return nil
        } catch {
            throw IOError(.receive, .system(error))
        }
    }
}
