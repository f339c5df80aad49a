/// Receive buffers of one loop, used again and again, so that reading allocates nothing.
///
/// A buffer is taken when bytes are there and given back when the handler is done with them; an
/// idle connection holds none. So there are as many as handlers work at the same time, not as
/// connections.
struct BufferPool {
    /// Bytes that one read gives at most.
    static let bufferSize = 65_536
    /// Idle buffers kept; what a burst leaves beyond them is freed.
    private static let idleBuffers = 32

    private var idle: [UnsafeMutableRawPointer] = []

    /// A buffer of `bufferSize` bytes.
    mutating func take() -> UnsafeMutableRawPointer {
        idle.popLast() ?? .allocate(byteCount: BufferPool.bufferSize, alignment: 16)
    }

    /// Takes a buffer back.
    mutating func put(_ buffer: UnsafeMutableRawPointer) {
        if idle.count < BufferPool.idleBuffers {
            idle.append(buffer)
        } else {
            buffer.deallocate()
        }
    }

    /// Frees what is idle.
    mutating func drain() {
        for buffer in idle { buffer.deallocate() }
        idle = []
    }
}
