import Glibc
import Syscalls

/// A file on a disk, read and written at places that the caller names; every call is made on a
/// thread (`offload`), because no driver says when a disk is ready.
///
/// ```swift
/// let head = try await DiskFile.open("/var/log/app.log") { file in
///     try await file.read(at: 0, atMost: 4_096)
/// }
/// ```
///
/// Any number of tasks may use it at the same time. It closes with its scope, or with the last
/// call that a thread makes on it then. In a simulation and in a recording there are no disks: a
/// call says "Function not implemented".
public final class DiskFile: Sendable {
    /// For what a file is opened.
    public enum Access: Sendable {
        /// Reading one that is there.
        case reading
        /// Reading and writing one that is there.
        case updating
        /// Reading and writing; one that is not there is made.
        case making
        /// Reading and writing one that is not there yet.
        case makingNew
        /// Reading and writing one that is made, or emptied if it is there.
        case replacing

        fileprivate var flags: CInt {
            switch self {
            case .reading: O_RDONLY
            case .updating: O_RDWR
            case .making: O_RDWR | O_CREAT
            case .makingNew: O_RDWR | O_CREAT | O_EXCL
            case .replacing: O_RDWR | O_CREAT | O_TRUNC
            }
        }
    }

    /// Where it was found.
    public let path: String
    /// Nil after the scope.
    private let opening: Guarded<Opening?>

    /// What is open, until its scope and the threads have let it go.
    private final class Opening: Sendable {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private init(_ path: String, _ descriptor: consuming Descriptor) {
        self.path = path
        opening = Guarded(Opening(descriptor))
    }

    /// Opens a file, lends it to `body`, and closes it (open(2)).
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - access: for what.
    ///   - mode: the permissions of one that is made, less what umask(2) takes away.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to do with it.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or `IOError` of `open`, such as "open /no/such: No such file
    ///   or directory". What is neither a regular file nor a block device is refused: "Is a
    ///   directory", or "Illegal seek" for a pipe or a terminal, which a `ByteReader` reads.
    public static func open<Value>(
        _ path: String, for access: Access = .reading, mode: UInt32 = 0o666,
        file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: (DiskFile) async throws -> Value
    ) async throws -> Value {
        let opened = try await onThread(.open, path, nil, in: Call(file, line)) {
            () throws(Errno) in
            // C takes a text to its first zero byte, and would not see what stands behind it.
            if path.utf8.contains(0) { throw .invalidArgument }
            // A pipe without a writer would hold the thread for ever.
            let flags = access.flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
            let number = try retrying { Glibc.open(path, flags, mode) }
            let descriptor = Descriptor(adopting: RawDescriptor(number))
            try descriptor.raw.checkPlaces()
            return DiskFile(path, descriptor)
        }
        defer { opened.opening.withLock { $0 = nil } }
        return try await body(opened)
    }

    /// Reads from a place on (pread(2)).
    ///
    /// - Returns: `count` bytes; fewer, or none, only where the file ends.
    /// - Throws: `IOError` of `read` with the path: `.timedOut`, `.cancelled`, `.closed` after the
    ///   scope, `.outOfRange`, or what the kernel says.
    public func read(
        at offset: Int, atMost count: Int, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [UInt8] {
        try check(.read, count, at: offset)
        return try await perform(.read, timeout, in: Call(file, line)) {
            descriptor throws(Errno) in try descriptor.read(at: offset, atMost: count)
        }
    }

    /// Writes all of the bytes from a place on; what lies between the end and that place reads as
    /// zeros (pwrite(2)).
    ///
    /// - Throws: `IOError` of `write`, as `read` does. What a thread had begun it goes on with.
    public func write(
        _ bytes: [UInt8], at offset: Int, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try check(.write, bytes.count, at: offset)
        try await perform(.write, timeout, in: Call(file, line)) { descriptor throws(Errno) in
            try descriptor.write(bytes, at: offset)
        }
    }

    /// How many bytes there are (fstat(2)).
    ///
    /// - Throws: `IOError` of `read`, as `read` does.
    public func size(
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Int {
        try await perform(.read, nil, in: Call(file, line)) { descriptor throws(Errno) in
            try descriptor.fileSize()
        }
    }

    /// Cuts the file off, or makes it longer with zeros (ftruncate(2)).
    ///
    /// - Throws: `IOError` of `write`, as `read` does.
    public func setSize(
        to size: Int, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await perform(.write, nil, in: Call(file, line)) { descriptor throws(Errno) in
            _ = try retrying { ftruncate(descriptor.number, size) }
        }
    }

    /// Returns when all that was written is on the disk (fsync(2)).
    ///
    /// - Throws: `IOError` of `write`, as `read` does.
    public func synchronize(
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await perform(.write, nil, in: Call(file, line)) { descriptor throws(Errno) in
            _ = try retrying { fsync(descriptor.number) }
        }
    }

    /// Throws where there are no such bytes.
    private func check(
        _ operation: IOError.Operation, _ count: Int, at offset: Int
    ) throws(IOError) {
        if count < 0 { throw IOError(operation, .outOfRange(count), name: path) }
        if offset < 0 || operation == .write && offset > .max - count {
            throw IOError(operation, .outOfRange(offset), name: path)
        }
    }

    /// Makes calls on a thread, which keeps the file open meanwhile.
    private func perform<Value: Sendable>(
        _ operation: IOError.Operation, _ timeout: Duration?, in call: Call,
        _ body: @escaping @Sendable (RawDescriptor) throws(Errno) -> Value
    ) async throws(IOError) -> Value {
        guard let opening = opening.withLock({ $0 }) else {
            throw IOError(operation, .closed, name: path)
        }
        return try await DiskFile.onThread(operation, path, timeout, in: call) {
            () throws(Errno) in
            defer { extendLifetime(opening) }
            return try body(opening.descriptor.raw)
        }
    }

    private static func onThread<Value: Sendable>(
        _ operation: IOError.Operation, _ path: String, _ timeout: Duration?, in call: Call,
        _ body: @escaping @Sendable () throws(Errno) -> Value
    ) async throws(IOError) -> Value {
        let loop = try EventLoop.require(operation).executor
        let result = try await loop.perform { () async throws(IOError) -> Result<Value, Errno> in
            do throws(IOError) {
                if loop.isWatched {
                    throw IOError(operation, .system(.notImplemented))
                }
                let deadline = loop.deadline(after: timeout)
                return try await loop.offload(to: .shared, until: deadline, in: call) {
                    Result { () throws(Errno) in try body() }
                }
            } catch {
                throw IOError(operation, error.reason, name: path)
            }
        }
        return try result.get(operation, name: path)
    }
}
