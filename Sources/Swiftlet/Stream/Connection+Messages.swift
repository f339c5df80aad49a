import Drivers
import Syscalls

// Messages of a Unix connection: bytes, with descriptors that come along.

/// What one read of a Unix connection has received.
public struct Message: Sendable {
    /// The bytes; of a stream those that had come, up to where descriptors came along.
    public let bytes: [UInt8]
    /// The descriptors that came along.
    public let descriptors: [PassedDescriptor]
    /// Whether more came along than were asked for, or than this process may have open; those are
    /// closed.
    public let hasLostDescriptors: Bool
    /// Whether the message was longer than what was asked for, and the rest of it is lost. What a
    /// stream has too much the next read gives.
    public let isCut: Bool
}

extension Connection {
    /// Waits for bytes, or for one message of a connection of `.sequencedPackets`, and for the
    /// descriptors that come along.
    ///
    /// Every other read closes descriptors that come along.
    ///
    /// - Parameters:
    ///   - count: the most bytes to read, at least 1 and at most 64 MiB, which are allocated while
    ///     this reads.
    ///   - limit: the most descriptors to take, at most 253.
    ///   - timeout: how long to wait for the first byte.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: what came; nil at the end of the stream. The kernel says the same of an empty
    ///   message: a peer that sends one looks as if it had ended its stream.
    /// - Throws: as `read(timeout:file:line:)`, and `.outOfRange` for a count or a limit that
    ///   cannot be.
    public func readMessage(
        atMost count: Int = 65_536, descriptors limit: Int = 16, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Message? {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            guard (1...(64 << 20)).contains(count) else { throw IOError(.read, .outOfRange(count)) }
            guard (0...RawDescriptor.passedMax).contains(limit) else {
                throw IOError(.read, .outOfRange(limit))
            }
            let deadline = socket.loop.deadline(after: timeout)
            return try await socket.receiveMessage(
                atMost: count, descriptors: limit, until: deadline, in: call)
        }
    }

    /// Writes bytes, and sends descriptors along with the first of them (`SCM_RIGHTS`, unix(7)).
    /// The peer has them as its own, and this process may close its own as soon as this returns.
    ///
    /// - Parameters:
    ///   - bytes: at least one.
    ///   - passing: what to send along, at most 253.
    ///   - timeout: how long it may take until the kernel has all of the bytes.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Throws: as `write(_:timeout:file:line:)`, `.outOfRange` without a byte and for too many
    ///   descriptors, `.closed` for what is to be passed and is closed or was taken, also while
    ///   this waits for room, `.otherLoop` for a connection or a listener of another loop, and what
    ///   the kernel says: "Too many references: cannot splice" when so many are under way.
    public func write(
        _ bytes: [UInt8], passing: [any Passable], timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let socket = socket
        let call = Call(file, line)
        try await socket.loop.perform { () async throws(IOError) in
            guard !bytes.isEmpty else { throw IOError(.write, .outOfRange(0)) }
            guard passing.count <= RawDescriptor.passedMax else {
                throw IOError(.write, .outOfRange(passing.count))
            }
            // Other sockets do not say that they send none along.
            guard passing.isEmpty || socket.peer.isUnix else {
                throw IOError(.write, .system(.invalidArgument))
            }
            let deadline = socket.loop.deadline(after: timeout)
            // What is passed, and the bytes, are here until all is written.
            defer { extendLifetime((bytes, passing)) }
            let memory = bytes.span.bytes.withUnsafeBytes { $0 }
            try await socket.transmit(memory, passing: passing, until: deadline, in: call)
        }
    }
}

extension Socket {
    /// The caller is on the loop's thread.
    fileprivate func receiveMessage(
        atMost count: Int, descriptors limit: Int, until deadline: Instant, in call: Call
    ) async throws(IOError) -> Message? {
        try checkReadable(.read)
        if !loop.spend() { try await yieldReading() }
        if loop.state.table.hasUnread(id) {
            let left = min(count, loop.state.table[unread: id].count)
            return Message(
                bytes: loop.state.table[unread: id].take(left), descriptors: [],
                hasLostDescriptors: false, isCut: false)
        }
        while true {
            // What came may be the end, or a message behind the one that was read last.
            if let message = try tryReceivingMessage(atMost: count, descriptors: limit) {
                return message.isEnd ? nil : message
            }
            guard try await waitToRead(until: deadline, in: call) else { return nil }
        }
    }

    /// Asks the kernel once; nil when there is nothing.
    private func tryReceivingMessage(
        atMost count: Int, descriptors limit: Int
    ) throws(IOError) -> Message? {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { memory.deallocate() }
        loop.state.statistics.receives += 1
        do throws(Errno) {
            let received = try loop.sockets.receiveMessage(
                descriptor, into: memory, descriptors: limit)
            loop.state.table[id].isDry = false
            loop.state.statistics.bytesRead += received.count
            noteActivity()
            return Message(
                bytes: Array(memory[..<received.count]),
                descriptors: received.descriptors.map {
                    PassedDescriptor(adopting: $0, over: loop.sockets)
                },
                hasLostDescriptors: received.hasLostDescriptors,
                isCut: received.isCut)
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return nil
        } catch {
            throw IOError(.read, .system(error))
        }
    }
}

extension Message {
    /// Whether it is what the end of the stream looks like.
    fileprivate var isEnd: Bool {
        bytes.isEmpty && descriptors.isEmpty && !hasLostDescriptors && !isCut
    }
}
