import Syscalls

// Looking at what comes next without taking it.
extension Connection {
    /// Waits until `count` bytes are there, or the stream has ended, and gives them without taking
    /// them: the next read gives them again. `timeout` is for all of them.
    ///
    /// The bytes are kept with the connection meanwhile, so check a count that comes from outside.
    ///
    /// - Returns: `count` bytes, fewer where the stream ends before; nil where it has ended.
    /// - Throws: as `read(timeout:file:line:)`, and `.outOfRange` for a count below 1.
    public func peek(
        _ count: Int = 1, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8]? {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            let deadline = socket.loop.deadline(after: timeout)
            return try await socket.peek(count, until: deadline, in: call)
        }
    }
}

extension Socket {
    /// Gathers bytes until there are `count`, and leaves them where they are. The caller is on the
    /// loop's thread.
    func peek(
        _ count: Int, until deadline: Instant, in call: Call
    ) async throws(IOError) -> [UInt8]? {
        try checkReadable(.read)
        guard count > 0 else { throw IOError(.read, .outOfRange(count)) }
        if !loop.spend() { try await yieldReading() }
        while loop.state.table[unread: id].count < count {
            if try await gather(until: deadline, in: call) == 0 { break }
        }
        let bytes = loop.state.table[unread: id].prefix(count)
        return bytes.isEmpty ? nil : bytes
    }
}
