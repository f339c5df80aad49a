import Glibc
import Syscalls

/// What takes bytes into a pipe, a terminal, a device or a file, by writes that park their task
/// instead of a thread.
///
/// It is used by one task at a time, on any loop; a second one gets a `busy` error. What is on a
/// disk, where no driver says when it is ready, is written on a thread (`offload`); when such a
/// write is given up, the next one is `busy` until the thread is done with it. A pipe that nothing
/// reads any more is an error, "write: Broken pipe", and no signal. In a simulation and in a
/// recording there are no such streams: a write says "Function not implemented".
public final class ByteWriter: ByteSink, Sendable {
    /// What descriptor 1 stands for when this is first used. The settings that it shares with other
    /// processes are left alone.
    public static let standardOutput = ByteWriter(sharing: RawDescriptor(STDOUT_FILENO))
    /// Descriptor 2, in the same way.
    public static let standardError = ByteWriter(sharing: RawDescriptor(STDERR_FILENO))

    let file: OpenFile

    init(file: OpenFile) { self.file = file }

    /// Takes over a descriptor, which is closed with the last reference.
    public init(takingOver descriptor: RawDescriptor) {
        file = OpenFile(takingOver: descriptor)
    }

    /// Writes to what a descriptor stands for, which is left open: the pipe or terminal opened once
    /// more, or another number for all else.
    public init(sharing descriptor: RawDescriptor) {
        file = OpenFile(sharing: descriptor, for: .write)
    }

    /// Closes it: what reads from the pipe comes to the end, unless the descriptor is shared, as
    /// descriptor 1 is, which stays open. A task that waits for room gets a `closed` error; again
    /// does nothing.
    public func close() { file.close() }

    /// Writes bytes that were received; returns when the kernel has taken every byte. `timeout` is
    /// for all of them.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy`, `.closed`, `.noLoop`, or what
    ///   write(2) says. How much was taken by then is not known.
    public func write(
        _ bytes: borrowing Bytes, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(Array(bytes), timeout: timeout, file: file, line: line)
    }

    /// Writes the bytes of an array, in the same way.
    public func write(
        _ bytes: [UInt8], timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let open = self.file
        try await open.perform(.write, timeout: timeout, in: Call(file, line)) {
            wait async throws(IOError) in try await open.write(bytes, wait)
        }
    }

    /// Writes a text in UTF-8, in the same way.
    public func write(
        _ text: String, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await write(Array(text.utf8), timeout: timeout, file: file, line: line)
    }
}

extension ByteSink where Self == ByteWriter {
    /// Descriptor 1.
    public static var standardOutput: ByteWriter { ByteWriter.standardOutput }
    /// Descriptor 2.
    public static var standardError: ByteWriter { ByteWriter.standardError }
}
