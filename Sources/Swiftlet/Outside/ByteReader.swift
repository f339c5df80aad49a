import Glibc
import Syscalls

/// Bytes that come out of a pipe, a terminal, a device or a file, by reads that park their task
/// instead of a thread.
///
/// ```swift
/// while let line = try await ByteReader.standardInput.readLine() { print(line) }
/// ```
///
/// It is used by one task at a time, on any loop; a second one gets a `busy` error. What is on a
/// disk, where no driver says when it is ready, is read on a thread (`offload`); when such a read
/// is given up, the next one is `busy` until the thread is done with it. In a simulation and in a
/// recording there are no such streams: a read says "Function not implemented".
public final class ByteReader: ByteSource, Sendable {
    /// What descriptor 0 stands for when this is first used. The settings that it shares with other
    /// processes are left alone.
    public static let standardInput = ByteReader(sharing: RawDescriptor(STDIN_FILENO))

    let file: OpenFile

    init(file: OpenFile) { self.file = file }

    /// Takes over a descriptor, which is closed with the last reference.
    public init(takingOver descriptor: RawDescriptor) {
        file = OpenFile(takingOver: descriptor)
    }

    /// Reads from what a descriptor stands for, which is left open: the pipe or terminal opened
    /// once more, or another number for all else.
    public init(sharing descriptor: RawDescriptor) {
        file = OpenFile(sharing: descriptor, for: .read)
    }

    /// Closes it; a descriptor that is shared stays open. A task that waits for bytes gets a
    /// `closed` error; again does nothing.
    public func close() { file.close() }

    /// Waits for bytes and gives what has arrived.
    ///
    /// - Returns: 1 to 65,536 bytes; nil at the end.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, `.noLoop`, or what
    ///   read(2) says. What a thread has read in vain is the next read's.
    public func read(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Bytes? {
        let open = self.file
        let loop = try EventLoop.require(.read).executor
        let buffer = try await open.perform(.read, timeout: timeout, in: Call(file, line)) {
            wait async throws(IOError) in try await open.read(wait)
        }
        return buffer.map { Bytes($0, of: loop) }
    }

    /// Reads up to and with the first `delimiter`; `timeout` is for all of it.
    ///
    /// - Returns: the bytes with the delimiter; at the end what is left, nil if nothing is.
    /// - Throws: as `read(timeout:file:line:)`, and `.tooLong` after `limit` bytes, which are the
    ///   next read's.
    public func read(
        until delimiter: UInt8, limit: Int = 65_536, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8]? {
        let open = self.file
        return try await open.perform(.read, timeout: timeout, in: Call(file, line)) {
            wait async throws(IOError) in
            try await open.read(until: delimiter, limit: limit, wait)
        }
    }

    /// Reads a line of UTF-8 text; what is not valid becomes U+FFFD.
    ///
    /// - Returns: the line without its end, which is LF or CR LF; nil at the end.
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

    /// Reads all that comes to the end.
    ///
    /// - Throws: as `read(timeout:file:line:)`, and `.tooLong` when it is more than `limit` bytes.
    public func readToEnd(
        limit: Int, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8] {
        let open = self.file
        return try await open.perform(.read, timeout: timeout, in: Call(file, line)) {
            wait async throws(IOError) in try await open.readToEnd(limit: limit, wait)
        }
    }

    // MARK: Terminals

    /// Whether it is a terminal (isatty(3)); one that is closed is none.
    public var isTerminal: Bool {
        // Why it is none does not matter.
        (try? file.withOpen(.terminal) { isatty($0.number) == 1 }) ?? false
    }

    /// Lets `body` have each key as it is pressed, without echo and without what Ctrl-C does, and
    /// sets the terminal back when it ends, however it ends, also when this is closed meanwhile
    /// (termios(3), `cfmakeraw`).
    ///
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or `IOError` of `terminal`: "Inappropriate ioctl for device"
    ///   for what is no terminal, `.closed`.
    public func withRawTerminal<Value>(_ body: () async throws -> Value) async throws -> Value {
        let terminal = OpenFile(
            takingOver: try file.withOpen(.terminal) { raw throws(Errno) in try raw.duplicate() })
        var before = termios()
        try terminal.withOpen(.terminal) { raw throws(Errno) in
            _ = try retrying { tcgetattr(raw.number, &before) }
        }
        var keys = before
        cfmakeraw(&keys)
        // At once: waiting until all is written out would hold the loop up.
        try terminal.set(keys)
        // A terminal that is gone needs no setting back.
        defer { try? terminal.set(before) }
        return try await body()
    }
}

extension OpenFile {
    /// Gives a terminal its settings (tcsetattr(3), `TCSANOW`).
    fileprivate func set(_ settings: termios) throws(IOError) {
        try withOpen(.terminal) { raw throws(Errno) in
            var settings = settings
            _ = try retrying { tcsetattr(raw.number, TCSANOW, &settings) }
        }
    }
}

extension ByteSource where Self == ByteReader {
    /// Descriptor 0.
    public static var standardInput: ByteReader { ByteReader.standardInput }
}
