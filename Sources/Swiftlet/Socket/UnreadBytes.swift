/// Bytes that a socket has received and that nobody has read yet.
///
///     bytes   [ taken taken taken | unread unread unread ]
///                                  start
///
/// Taking from the front moves `start` and no byte, so that a thousand lines which came in one
/// packet cost a thousand lines and not their square.
struct UnreadBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { bytes.isEmpty }
    var count: Int { bytes.count - start }

    /// Puts received bytes at the end.
    mutating func append(_ received: UnsafeRawBufferPointer) {
        bytes.removeFirst(start)
        start = 0
        bytes.append(contentsOf: received)
    }

    /// How many bytes there are up to and with the first `delimiter`, which is not among the first
    /// `skipped`.
    func count(to delimiter: UInt8, after skipped: Int) -> Int? {
        bytes[(start + skipped)...].firstIndex(of: delimiter).map { $0 + 1 - start }
    }

    /// Takes the first `count` bytes, which are there.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { drop(count) }
        return Array(bytes[start..<start + count])
    }

    /// Takes as many bytes as there are and as fit into `memory`; says how many.
    mutating func take(into memory: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(self.count, memory.count)
        memory.copyBytes(from: bytes[start..<start + count])
        drop(count)
        return count
    }

    /// An idle connection keeps no memory: with the last byte the array goes.
    private mutating func drop(_ count: Int) {
        start += count
        if start == bytes.count { self = UnreadBytes() }
    }
}
