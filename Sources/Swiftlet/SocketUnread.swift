import Syscalls

// Reading to a certain byte or a certain count. Such an operation takes what there is and gives
// back what belongs to somebody else: the rest after the delimiter, or everything when it fails
// half-way. What was given back is the next read's, so no byte that was received is ever lost.
extension Socket {
    /// Reads exactly `count` bytes.
    nonisolated(nonsending)
        func receive(exactly count: Int, until deadline: Instant) async throws(IOError) -> [UInt8]
    {
        try beginReading()
        defer { endReading() }
        var bytes: [UInt8] = []
        do throws(IOError) {
            while bytes.count < count {
                let received = try await receiveInsideReading(until: deadline)
                guard let received else { throw IOError(.read, .endOfStream) }
                take(received, upTo: count - bytes.count, into: &bytes)
            }
        } catch {
            putBack(bytes)
            throw error
        }
        return bytes
    }

    /// Reads up to and with the first `delimiter`; at the end of the stream what is left, or nil if
    /// nothing is.
    nonisolated(nonsending)
        func receive(
            until delimiter: UInt8, limit: Int, deadline: Instant
        ) async throws(IOError) -> [UInt8]?
    {
        try beginReading()
        defer { endReading() }
        var bytes: [UInt8] = []
        do throws(IOError) {
            while true {
                let received = try await receiveInsideReading(until: deadline)
                guard let received else { return bytes.isEmpty ? nil : bytes }
                let memory = UnsafeRawBufferPointer(start: received.base, count: received.count)
                let end = memory.firstIndex(of: delimiter).map { $0 + 1 }
                take(received, upTo: end ?? received.count, into: &bytes)
                if bytes.count > limit { throw IOError(.read, .tooLong) }
                if end != nil { return bytes }
            }
        } catch {
            putBack(bytes)
            throw error
        }
    }

    /// Appends the first bytes of a buffer, puts the others back, and returns the buffer to the
    /// pool.
    private func take(_ received: Received, upTo count: Int, into bytes: inout [UInt8]) {
        let memory = UnsafeRawBufferPointer(start: received.base, count: received.count)
        bytes.append(contentsOf: memory.prefix(count))
        putBack(memory.dropFirst(count))
        loop.state.buffers.put(received.base)
    }

    /// Puts bytes back in front of what the next read finds.
    private func putBack(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, loop.state.table.isOpen(id) else { return }
        loop.state.table[id].unread.insert(contentsOf: bytes, at: 0)
    }

    /// Takes bytes that were put back, in a buffer of the pool; nil when there are none.
    func takeUnread() -> Received? {
        guard !loop.state.table[id].unread.isEmpty else { return nil }
        let base = loop.state.buffers.take()
        let memory = UnsafeMutableRawBufferPointer(start: base, count: BufferPool.bufferSize)
        return takeUnread(into: memory).map { Received(base: base, count: $0) }
    }

    /// Takes bytes that were put back, into the caller's memory; nil when there are none.
    func takeUnread(into memory: UnsafeMutableRawBufferPointer) -> Int? {
        let unread = loop.state.table[id].unread
        guard !unread.isEmpty else { return nil }
        let count = min(unread.count, memory.count)
        memory.copyBytes(from: unread[..<count])
        loop.state.table[id].unread = Array(unread[count...])
        return count
    }
}
