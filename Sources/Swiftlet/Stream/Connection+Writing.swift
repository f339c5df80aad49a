import Drivers
import Syscalls

// Every write returns when the kernel has taken every byte, so that closing afterwards loses
// nothing. A `timeout` is for all of the bytes; nil is for ever, or for as long as the idle timeout
// allows at each pause.
extension Connection {
    /// Writes bytes that a connection received.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, or what send(2)
    ///   says, such as "Connection reset by peer". How much was taken by then is not known.
    @inlinable
    @inline(__always)
    public func write(
        _ bytes: borrowing Bytes, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await socket.transmit(bytes.memory, timeout: timeout, in: Call(file, line))
    }

    /// Writes the bytes of an array.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        _ bytes: [UInt8], timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(bytes.span.bytes, timeout: timeout, file: file, line: line)
    }

    /// Writes a text in UTF-8.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        _ text: String, timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(Array(text.utf8), timeout: timeout, file: file, line: line)
    }

    /// Writes the bytes of a part of an array.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        _ bytes: ArraySlice<UInt8>, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(bytes.span.bytes, timeout: timeout, file: file, line: line)
    }

    /// Writes a part of a text in UTF-8.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        _ text: Substring, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(Array(text.utf8), timeout: timeout, file: file, line: line)
    }

    /// Writes several pieces, one behind the other, as one: a head and its body do not take a
    /// system call and a segment each, and are not copied into one array (sendmsg(2)). Over a
    /// connection of `.sequencedPackets` they are one message.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        pieces: [[UInt8]], timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let socket = socket
        let call = Call(file, line)
        // A message is sent by one call, and a call takes only so many.
        if socket.peer.isUnix, pieces.count > RawDescriptor.piecesMax {
            return try await write(
                Array(pieces.joined()), timeout: timeout, file: file, line: line)
        }
        try await socket.loop.perform { () async throws(IOError) in
            let deadline = socket.loop.deadline(after: timeout)
            // The arrays are here until all is written, and so is their memory.
            defer { extendLifetime(pieces) }
            let memory = pieces.map { $0.span.bytes.withUnsafeBytes { $0 } }
            try await socket.transmit(pieces: memory, until: deadline, in: call)
        }
    }

    /// Writes the bytes that a span lends, of an array or of received bytes.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    public func write(
        _ span: Span<UInt8>, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(span.bytes, timeout: timeout, file: file, line: line)
    }

    /// Writes the memory of the caller's that a span lends.
    ///
    /// - Throws: as `write(_:timeout:file:line:)` for received bytes.
    @inlinable
    @inline(__always)
    public func write(
        _ span: RawSpan, timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        // The span is lent until this returns, and so is its memory.
        let memory = span.withUnsafeBytes { $0 }
        try await socket.transmit(memory, timeout: timeout, in: Call(file, line))
    }
}
