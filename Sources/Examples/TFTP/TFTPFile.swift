import Swiftlet

/// Where the files of a server are: a folder, or the memory of a test.
protocol TFTPStore: Sendable {
    nonisolated(nonsending) func reading(
        _ name: String, _ body: (TFTPFile) async throws -> Void) async throws
    /// Lends a new file, which has its name once `body` has returned; otherwise nothing is left.
    nonisolated(nonsending) func writing(
        _ name: String, _ body: (TFTPFile) async throws -> Void) async throws
}

struct TFTPFile: Sendable {
    let size: Int
    let read: @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]
    let write: @Sendable (_ bytes: [UInt8], _ offset: Int) async throws -> Void
}

/// The blocks of a file that is sent, those that are not acknowledged yet.
struct TFTPSource {
    let file: TFTPFile
    let isText: Bool
    private var blocks: [[UInt8]] = []
    private var (rest, offset, hasRead): ([UInt8], Int, Bool) = ([], 0, false)
    var isAtEnd: Bool { hasRead && blocks.isEmpty }

    init(_ file: TFTPFile, isText: Bool) { (self.file, self.isText) = (file, isText) }

    /// The next so many blocks. The last one of a file is shorter than the others, if need be
    /// empty: that is how its end is known.
    mutating func next(_ count: Int, of size: Int) async throws -> ArraySlice<[UInt8]> {
        while blocks.count < count, !hasRead {
            let bytes = try await file.read(offset, 65_536)
            offset += bytes.count
            rest += isText ? bytes.flatMap(TFTPSource.netascii) : bytes
            let whole = rest.count / size
            blocks += (0..<whole).map { Array(rest[$0 * size..<($0 + 1) * size]) }
            rest.removeFirst(whole * size)
            hasRead = bytes.isEmpty
            if hasRead { blocks.append(rest) }
        }
        return blocks.prefix(count)
    }

    mutating func drop(_ count: Int) { blocks.removeFirst(count) }

    /// Lines end in CR LF on the wire, and a CR of the text is CR NUL (RFC 764).
    private static func netascii(_ byte: UInt8) -> [UInt8] {
        byte == 10 ? [13, 10] : byte == 13 ? [13, 0] : [byte]
    }
}

/// A file that is received.
struct TFTPSink {
    let file: TFTPFile
    let isText: Bool
    /// Bytes that it may have at most.
    let limit: Int
    private(set) var size = 0
    private var isAfterReturn = false

    init(_ file: TFTPFile, isText: Bool, limit: Int) {
        (self.file, self.isText, self.limit) = (file, isText, limit)
    }

    mutating func append(_ bytes: [UInt8]) async throws {
        let bytes = isText ? plain(bytes) : bytes
        if bytes.count > limit - size { throw Failure(.io, "it is longer than \(limit) bytes") }
        try await file.write(bytes, size)
        size += bytes.count
    }

    /// A CR may be the last byte of one block, and what belongs to it the first of the next.
    private mutating func plain(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            if isAfterReturn, byte != 10 { result.append(13) }
            if byte != 13, !(isAfterReturn && byte == 0) { result.append(byte) }
            isAfterReturn = byte == 13
        }
        return result
    }
}
