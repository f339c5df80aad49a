import Syscalls

// From one stream to another, and both ways between two.

/// What bytes come out of: a connection, a pipe, a terminal, a file.
public protocol ByteSource: Sendable {
    /// Waits for bytes and gives what has arrived; nil at the end of the stream.
    ///
    /// - Throws: `IOError` of `read`.
    func read(
        timeout: Duration?, file: SourceFile, line: UInt32
    ) async throws(IOError) -> Bytes?
}

/// What bytes go into: a connection, a pipe, a terminal, a file.
public protocol ByteSink: Sendable {
    /// Returns when the kernel has taken every byte.
    ///
    /// - Throws: `IOError` of `write`.
    func write(
        _ bytes: borrowing Bytes, timeout: Duration?, file: SourceFile, line: UInt32
    ) async throws(IOError)
}

extension Connection: ByteSource, ByteSink {}

/// Copies what comes from `source` to `sink` until the end of the stream, at the pace of the slower
/// one. Both stay open.
///
/// ```swift
/// try await copy(from: connection, to: .standardOutput)
/// ```
///
/// - Returns: how many bytes there were.
/// - Throws: what reading and writing throw. What was read last is lost if it cannot be written.
@discardableResult
public func copy(
    from source: some ByteSource, to sink: some ByteSink,
    file: SourceFile = #fileID, line: UInt32 = #line
) async throws(IOError) -> Int {
    var count = 0
    while let bytes = try await source.read(timeout: nil, file: file, line: line) {
        try await sink.write(bytes, timeout: nil, file: file, line: line)
        count += bytes.count
    }
    return count
}

/// Copies both ways between two connections until both streams have ended, as a proxy does.
///
/// When one side ends its stream, the other one is told by `closeWrite` and may go on: neither
/// direction ends the other. When something fails, or the task is cancelled, both connections are
/// closed with a reset: an end in order would say that this was all.
///
/// - Returns: how many bytes came from each.
/// - Throws: `IOError` of what failed first.
@discardableResult
public func relay(
    between one: Connection, and other: Connection,
    file: SourceFile = #fileID, line: UInt32 = #line
) async throws(IOError) -> (fromOne: Int, fromOther: Int) {
    async let back = pass(from: other, to: one, file, line)
    let forth = await pass(from: one, to: other, file, line)
    switch (forth, await back) {
    case (.success(let fromOne), .success(let fromOther)): return (fromOne, fromOther)
    // A connection that the other direction has closed is not what went wrong.
    case (.failure(let error), .success), (.success, .failure(let error)): throw error
    case (.failure(let error), .failure(let other)):
        throw error.reason == .closed ? other : error
    }
}

/// Copies one way and ends the stream there; after a failure neither connection is open.
private func pass(
    from source: Connection, to sink: Connection, _ file: SourceFile, _ line: UInt32
) async -> Result<Int, IOError> {
    do throws(IOError) {
        let count = try await copy(from: source, to: sink, file: file, line: line)
        try await sink.closeWrite()
        return .success(count)
    } catch {
        for connection in [source, sink] {
            // One that cannot be reset is closed already.
            do { try await connection.reset() } catch { connection.close() }
        }
        return .failure(error)
    }
}
