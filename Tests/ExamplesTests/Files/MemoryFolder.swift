import Synchronization

@testable import Examples

/// A folder in memory, which outlives the host that uses it as a disk does, and notes what a reader
/// could have seen.
final class MemoryFolder: Folder {
    private let files: Mutex<[String: [UInt8]]>
    /// Every whole content that a name ever had.
    private let seen = Mutex<[[UInt8]]>([])
    /// Writes to a file that readers can see.
    private let tears = Mutex(0)

    init(_ files: [String: [UInt8]] = [:]) { self.files = Mutex(files) }

    subscript(name: String) -> [UInt8]? { files.withLock { $0[name] } }
    var names: [String] { files.withLock { $0.keys.sorted() } }
    var contentsSeen: [[UInt8]] { seen.withLock { $0 } }
    var tearCount: Int { tears.withLock { $0 } }

    func sizes() async throws -> [String: Int] { files.withLock { $0.mapValues(\.count) } }

    func read(_ name: String, at place: Int, atMost count: Int) async throws -> [UInt8] {
        try files.withLock { files in
            guard let bytes = files[name] else { throw Failure(.noInput, name) }
            return Array(bytes.dropFirst(place).prefix(count))
        }
    }

    func write(_ bytes: [UInt8], to name: String, at place: Int) async throws {
        if isFileName(name) { tears.withLock { $0 += 1 } }
        files.withLock { files in
            var file = files[name] ?? []
            file += [UInt8](repeating: 0, count: max(0, place + bytes.count - file.count))
            file.replaceSubrange(place..<place + bytes.count, with: bytes)
            files[name] = file
        }
    }

    func rename(_ name: String, to other: String) async throws {
        try files.withLock { files in
            guard let bytes = files.removeValue(forKey: name) else { throw Failure(.noInput, name) }
            files[other] = bytes
            seen.withLock { $0.append(bytes) }
        }
    }

    func remove(_ name: String) async throws {
        let removed = files.withLock { $0.removeValue(forKey: name) }
        if removed == nil { throw Failure(.noInput, name) }
    }
}
