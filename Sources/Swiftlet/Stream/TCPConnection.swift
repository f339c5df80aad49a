import Drivers
import Syscalls

/// A TCP connection whose operations look blocking and park their task instead of a thread.
///
/// One task may read while another one writes; a second reader or writer gets a `busy` error. A
/// connection closes when its scope ends: a server's handler, or the body given to `connect`;
/// without a scope, when the last copy of this value goes. It may be used from any task; tasks
/// outside the loop pay two hops for each operation.
public struct TCPConnection: Sendable {
    let socket: Socket
    /// The address of the peer.
    public var remoteAddress: SocketAddress { socket.peer }

    /// Connects to `address`, lends the connection to `body`, and closes it when `body` ends,
    /// however it ends.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - timeout: how long the attempt may take, not the body; nil leaves it to the kernel.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    ///   - body: what to do with the connection.
    /// - Returns: what `body` returns.
    /// - Throws: what `connect(to:timeout:file:line:)` and `body` throw.
    public static func connect<Value>(
        to address: SocketAddress,
        timeout: Duration? = nil,
        file: SourceFile = #fileID,
        line: UInt32 = #line,
        _ body: (TCPConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await connect(
            to: address, timeout: timeout, file: file, line: line)
        defer { connection.close() }
        return try await body(connection)
    }

    /// Connects to `address` (connect(2)).
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - timeout: how long the attempt may take; nil leaves it to the kernel, which gives up
    ///     after minutes.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: the connection, which closes when its last copy goes.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, or what the kernel says, such as
    ///   "Connection refused".
    public static func connect(
        to address: SocketAddress, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> TCPConnection {
        let loop = try EventLoop.require(.connect).executor
        let call = Call(file, line)
        return try await loop.perform { () async throws(IOError) in
            try await loop.connect(to: address, timeout: timeout, in: call)
        }
    }

    /// Waits for bytes and gives what has arrived.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for the first byte; nil for ever, or for the idle timeout.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: 1 to 65,536 bytes; nil at the end of the stream.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, or what recv(2)
    ///   says.
    public nonisolated(nonsending) func read(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Bytes? {
        let call = Call(file, line)
        guard socket.loop.isCurrent else {
            return try await socket.bytesForElsewhere(timeout: timeout, in: call)
        }
        let received = try await socket.receive(
            until: socket.deadline(after: timeout), in: call)
        return received.map { Bytes($0.base, count: $0.count, of: socket.loop) }
    }

    /// Waits for bytes and puts what has arrived into the caller's memory.
    ///
    /// - Parameters:
    ///   - memory: where to; it must stay valid until the call returns.
    ///   - timeout: how long to wait for the first byte; nil for ever, or for the idle timeout.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: how many bytes came; 0 at the end of the stream.
    /// - Throws: as `read(timeout:file:line:)`.
    public nonisolated(nonsending) func read(
        into memory: UnsafeMutableRawBufferPointer, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Int {
        let socket = socket
        let call = Call(file, line)
        if socket.loop.isHome {
            return try await socket.receive(
                into: memory, until: socket.deadline(after: timeout), in: call)
        }
        // The caller waits for the loop, so only one of them touches the memory at a time.
        nonisolated(unsafe) let memory = memory
        return try await socket.loop.perform { () async throws(IOError) in
            try await socket.receive(
                into: memory, until: socket.deadline(after: timeout), in: call)
        }
    }

    /// Reads exactly `count` bytes.
    ///
    /// - Parameters:
    ///   - count: how many; check one that comes from outside, since all of them are kept.
    ///   - timeout: how long all of them may take; nil for ever, or for the idle timeout at each
    ///     pause.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: that many bytes.
    /// - Throws: as `read(timeout:file:line:)`, and `.endOfStream` when fewer come. What had
    ///   arrived by then is not lost: the next read gives it.
    public nonisolated(nonsending) func read(
        exactly count: Int, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8] {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            try await socket.receive(
                exactly: count, until: socket.deadline(after: timeout), in: call)
        }
    }

    /// Reads up to and with the first `delimiter`.
    ///
    /// - Parameters:
    ///   - delimiter: the byte to look for.
    ///   - limit: bytes after which it gives up, so that one peer cannot fill the memory.
    ///   - timeout: how long to wait for it; nil for ever, or for the idle timeout.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: the bytes with the delimiter; at the end of the stream what is left, nil if
    ///   nothing is.
    /// - Throws: as `read(timeout:file:line:)`, and `.tooLong`. What had arrived by then is the
    ///   next read's.
    public nonisolated(nonsending) func read(
        until delimiter: UInt8, limit: Int = 65_536, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8]? {
        let socket = socket
        let call = Call(file, line)
        return try await socket.loop.perform { () async throws(IOError) in
            try await socket.receive(
                until: delimiter, limit: limit, deadline: socket.deadline(after: timeout),
                in: call)
        }
    }

    /// Reads a line of UTF-8 text.
    ///
    /// What is not valid UTF-8 becomes U+FFFD.
    ///
    /// - Parameters:
    ///   - limit: bytes after which it gives up, so that one peer cannot fill the memory.
    ///   - timeout: how long the whole line may take; nil for ever, or for the idle timeout at each
    ///     pause.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Returns: the line without its end, which is LF or CR LF; nil at the end of the stream.
    /// - Throws: as `read(until:limit:timeout:file:line:)`.
    public nonisolated(nonsending) func readLine(
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
