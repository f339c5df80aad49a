import Synchronization
import Testing

@testable import Examples

/// Files in memory, in the place of a folder.
final class MemoryFiles: TFTPStore {
    private let files: Mutex<[String: [UInt8]]>
    private let partial = Mutex<[Int: [UInt8]]>([:])

    init(_ files: [String: [UInt8]] = [:]) { self.files = Mutex(files) }

    subscript(name: String) -> [UInt8]? { files.withLock { $0[name] } }
    /// New files that have no name yet.
    var partialCount: Int { partial.withLock { $0.count } }

    func reading(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        guard let bytes = self[name] else { throw Failure(.noInput, "no file") }
        try await body(
            TFTPFile(
                size: bytes.count,
                read: { offset, count in Array(bytes.dropFirst(offset).prefix(count)) },
                write: { _, _ in Issue.record("a file that is read is written") }))
    }

    func writing(_ name: String, _ body: (TFTPFile) async throws -> Void) async throws {
        let number = partial.withLock { partial in
            let number = (partial.keys.max() ?? 0) + 1
            partial[number] = []
            return number
        }
        defer { partial.withLock { $0[number] = nil } }
        try await body(
            TFTPFile(
                size: 0, read: { _, _ in [] },
                write: { bytes, offset in
                    self.partial.withLock { partial in
                        // Nothing holds another copy, which would make this one each time.
                        if partial[number]?.count != offset { Issue.record("a gap") }
                        partial[number]? += bytes
                    }
                }))
        let whole = partial.withLock { $0[number] }
        files.withLock { $0[name] = whole }
    }
}
