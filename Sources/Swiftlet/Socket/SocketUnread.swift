import Syscalls

// Reading to a certain byte or a certain count. What arrives is gathered with the socket, and
// leaves it only when the whole is there; so a read that fails half-way has taken nothing, and no
// byte that was received is ever lost.
extension Socket {
    /// Reads exactly `count` bytes.
    nonisolated(nonsending)
        func receive(
            exactly count: Int, until deadline: Instant, in call: Call
        ) async throws(IOError) -> [UInt8]
    {
        try beginReading()
        defer { endReading() }
        if !loop.spend() { try await yield(.read) }
        while loop.state.table[unread: id].count < count {
            if try await gather(until: deadline, in: call) == 0 {
                throw IOError(.read, .endOfStream)
            }
        }
        return loop.state.table[unread: id].take(count)
    }

    /// Reads up to and with the first `delimiter`; at the end of the stream what is left, or nil if
    /// nothing is.
    nonisolated(nonsending)
        func receive(
            until delimiter: UInt8, limit: Int, deadline: Instant, in call: Call
        ) async throws(IOError) -> [UInt8]?
    {
        try beginReading()
        defer { endReading() }
        if !loop.spend() { try await yield(.read) }
        var searched = 0
        while true {
            let end = loop.state.table[unread: id].count(to: delimiter, after: searched)
            searched = loop.state.table[unread: id].count
            if end ?? searched > limit { throw IOError(.read, .tooLong) }
            if let end { return loop.state.table[unread: id].take(end) }
            if try await gather(until: deadline, in: call) == 0 {
                return searched == 0 ? nil : loop.state.table[unread: id].take(searched)
            }
        }
    }

    /// Waits for bytes and puts them behind what was gathered; says how many, 0 at the end of the
    /// stream.
    nonisolated(nonsending)
        private func gather(until deadline: Instant, in call: Call) async throws(IOError) -> Int
    {
        let received = try await receiveInsideReading(until: deadline, in: call)
        guard let received else { return 0 }
        defer { loop.state.buffers.put(received.base) }
        loop.state.table[unread: id].append(
            UnsafeRawBufferPointer(start: received.base, count: received.count))
        return received.count
    }

    /// Takes bytes that were gathered, in a buffer of the pool.
    func takeUnread() -> Received {
        let base = loop.state.buffers.take()
        let memory = UnsafeMutableRawBufferPointer(start: base, count: BufferPool.bufferSize)
        return Received(base: base, count: loop.state.table[unread: id].take(into: memory))
    }
}
