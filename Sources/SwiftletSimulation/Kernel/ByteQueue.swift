/// Bytes in order: in at the back, out at the front, copied in bulk.
///
///     storage  [ taken | bytes … ]
///                      ^ first
struct ByteQueue {
    private var storage: [UInt8] = []
    private var first = 0

    init() {}

    var count: Int { storage.count - first }

    /// Puts bytes behind those that are there.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        // Taken bytes are given up when they are as many as the others, so each moves once.
        if first > 0, first >= count {
            storage.removeFirst(first)
            first = 0
        }
        storage.append(contentsOf: bytes)
    }

    /// Takes as many bytes as the buffer holds, which are there.
    mutating func take(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count <= count, "more bytes are taken than there are")
        storage.withUnsafeBytes { bytes in
            buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[first...].prefix(buffer.count)))
        }
        first += buffer.count
        if first == storage.count {
            storage.removeAll(keepingCapacity: true)
            first = 0
        }
    }

    /// Gives up all but the first `count` bytes.
    mutating func truncate(to count: Int) {
        if count < self.count { storage.removeLast(self.count - count) }
    }
}
