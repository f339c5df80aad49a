import Drivers
import Syscalls

// Every write returns when the kernel has taken every byte, so that closing afterwards loses
// nothing.
extension TCPConnection {
    /// Writes bytes that a connection received.
    ///
    /// - Parameters:
    ///   - bytes: what to write.
    ///   - timeout: how long the whole may take; nil for ever, or for the idle timeout at each
    ///     pause.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, or what send(2)
    ///   says, such as "Connection reset by peer". How much was taken by then is not known.
    public nonisolated(nonsending) func write(
        _ bytes: borrowing Bytes, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let memory = bytes.memory
        try await write(memory, timeout: timeout, file: file, line: line)
    }

    /// Writes the bytes of an array.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public nonisolated(nonsending) func write(
        _ bytes: [UInt8], timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let socket = socket
        let call = Call(file, line)
        if socket.loop.isHome {
            let deadline = socket.deadline(after: timeout)
            return try await socket.transmit(bytes, until: deadline, in: call)
        }
        try await socket.loop.perform { () async throws(IOError) in
            try await socket.transmit(bytes, until: socket.deadline(after: timeout), in: call)
        }
    }

    /// Writes a text in UTF-8.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public nonisolated(nonsending) func write(
        _ text: String, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(Array(text.utf8), timeout: timeout, file: file, line: line)
    }

    /// Writes the caller's memory, which must stay valid and unchanged until the call returns.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public nonisolated(nonsending) func write(
        _ memory: UnsafeRawBufferPointer, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let socket = socket
        let call = Call(file, line)
        var rest = memory
        let isTried = socket.loop.isCurrent
        if isTried {
            rest = try await socket.transmitAtOnce(memory)
            if rest.isEmpty { return }
            if socket.loop.isHome {
                let deadline = socket.deadline(after: timeout)
                return try await socket.transmit(rest, until: deadline, in: call, isFull: true)
            }
        }
        // The caller waits for the loop, so nobody changes the memory meanwhile.
        nonisolated(unsafe) let memory = rest
        try await socket.loop.perform { () async throws(IOError) in
            let deadline = socket.deadline(after: timeout)
            try await socket.transmit(memory, until: deadline, in: call, isFull: isTried)
        }
    }
}
