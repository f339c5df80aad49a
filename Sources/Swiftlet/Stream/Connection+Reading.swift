import Drivers
import Syscalls

// Every read is nil at the end of the stream, and in a handler where it would wait although its
// server stops (`StreamServer.stop`). A `timeout` of nil is for ever,
// or for as long as the idle timeout allows at each pause.
extension Connection {
    /// Waits for bytes and gives what has arrived; `timeout` is for the first byte.
    ///
    /// - Returns: 1 to 65,536 bytes; nil at the end of the stream.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, or what recv(2)
    ///   says.
    @inlinable
    @inline(__always)
    public func read(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Bytes? {
        // Inlined, so that a steady reader has no frame for it: what does not wait is no
        // asynchronous call, and the wait is the caller's own.
        let call = Call(file, line)
        var attempt = try socket.receiveOrPark(
            for: timeout, in: call, isFree: isNone(#isolation))
        #if !SWIFTLET_PUBLIC_API_ONLY
            if attempt.isParked {
                await suspendCurrentTask()
                attempt = try socket.receiveAfterPark()
            }
        #endif
        if attempt.isOver { return socket.bytes(of: attempt) }
        return try await socket.receive(after: attempt, timeout: timeout, in: call)
    }

    /// Waits for bytes and puts what has arrived at the beginning of the caller's memory; `timeout`
    /// is for the first byte.
    ///
    /// - Returns: how many bytes came, 0 only if there is no memory; nil at the end of the stream.
    /// - Throws: as `read(timeout:file:line:)`.
    public func read(
        into memory: inout MutableRawSpan, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Int? {
        // The span is this call's alone until it returns, and so is its memory.
        let memory = memory.withUnsafeMutableBytes { $0 }
        guard let base = memory.baseAddress, memory.count > 0 else { return 0 }
        let buffer = Buffer(base: base, count: memory.count)
        let call = Call(file, line)
        let attempt = try socket.receiveAtOnce(into: buffer)
        return try await socket.receive(after: attempt, into: buffer, timeout: timeout, in: call)?
            .count
    }

    /// Reads exactly `count` bytes; `timeout` is for all of them.
    ///
    /// Check a count that comes from outside, since all of the bytes are kept.
    ///
    /// - Returns: that many bytes; nil when the stream has ended before the first of them.
    /// - Throws: as `read(timeout:file:line:)`, `.outOfRange` for a negative count, and
    ///   `.endOfStream` when the stream ends within them. What had arrived by then is not lost: the
    ///   next read gives it.
    public func read(
        exactly count: Int, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8]? {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            let deadline = socket.loop.deadline(after: timeout)
            return try await socket.receive(exactly: count, until: deadline, in: call)
        }
    }

    /// Reads up to and with the first `delimiter`; `timeout` is for all of it.
    ///
    /// It gives up after `limit` bytes, so that one peer cannot fill the memory.
    ///
    /// - Returns: the bytes with the delimiter; at the end of the stream what is left, nil if
    ///   nothing is.
    /// - Throws: as `read(timeout:file:line:)`, and `.tooLong`. What had arrived by then is the
    ///   next read's.
    public func read(
        until delimiter: UInt8, limit: Int = 65_536, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8]? {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            let deadline = socket.loop.deadline(after: timeout)
            return try await socket.receive(
                until: delimiter, limit: limit, deadline: deadline, in: call)
        }
    }

    /// Reads a line of UTF-8 text.
    ///
    /// What is not valid UTF-8 becomes U+FFFD. It gives up after `limit` bytes, so that one peer
    /// cannot fill the memory; `timeout` is for the whole line.
    ///
    /// - Returns: the line without its end, which is LF or CR LF; nil at the end of the stream.
    /// - Throws: as `read(until:limit:timeout:file:line:)`.
    public func readLine(
        limit: Int = 65_536, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> String? {
        let bytes = try await read(
            until: UInt8(ascii: "\n"), limit: limit, timeout: timeout, file: file, line: line)
        guard var text = bytes else { return nil }
        if text.last == UInt8(ascii: "\n") {
            text.removeLast()
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
