import Drivers

/// Bytes that a connection received, in memory that goes back to the loop when they go out of
/// scope.
///
/// They cannot be copied, only lent: that is how a read allocates nothing and still gives bytes
/// that nothing overwrites. To keep them, copy them out with `Array(bytes)` or `String(decoding:)`.
///
/// ```swift
/// while let bytes = try await connection.read() {
///     try await connection.write(bytes)
/// }
/// ```
public struct Bytes: ~Copyable, Sendable {
    @usableFromInline let buffer: Buffer
    private let loop: LoopExecutor

    /// Takes over a filled buffer of the loop's pool.
    init(_ buffer: Buffer, of loop: LoopExecutor) {
        self.buffer = buffer
        self.loop = loop
    }

    /// How many bytes there are; at least 1.
    public var count: Int { buffer.count }

    /// The memory, which is valid for as long as these bytes are.
    @inlinable
    var memory: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.base, count: buffer.count)
    }

    deinit {
        // The pool belongs to the loop's thread; elsewhere the buffer is simply freed.
        if loop.isCurrent { loop.state.buffers.put(buffer) } else { buffer.base.deallocate() }
    }

    /// The places of the bytes: `for index in bytes.indices { … bytes[index] … }`.
    public var indices: Range<Int> { 0..<count }

    /// The byte at `index`, 0 to `count` - 1.
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "byte \(index) of \(count) does not exist")
        return buffer.base.load(fromByteOffset: index, as: UInt8.self)
    }

    /// Lends the memory to `body`; the pointer means nothing afterwards.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(memory)
    }
}

extension Array<UInt8> {
    /// A copy of received bytes.
    public init(_ bytes: borrowing Bytes) {
        self = bytes.withUnsafeBytes { [UInt8]($0) }
    }
}

extension String {
    /// The text that received bytes spell in UTF-8; what is not valid becomes U+FFFD.
    public init(decoding bytes: borrowing Bytes) {
        self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// Memory to receive into, and what was received: of a loop's pool, or a caller's own.
@usableFromInline
struct Buffer: Sendable {
    // It belongs to one task at a time, and received bytes are not written to again.
    @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer
    @usableFromInline let count: Int

    var memory: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    /// The beginning of it.
    func prefix(_ count: Int) -> Buffer { Buffer(base: base, count: count) }

    /// Nil when it is empty.
    var unlessEmpty: Buffer? { count > 0 ? self : nil }
}

/// Receive buffers of one loop, used again and again, so that reading allocates nothing.
///
/// A buffer is taken when bytes are there and given back when the handler is done with them; an
/// idle connection holds none. So there are as many as handlers work at the same time, not as
/// connections.
struct BufferPool: ~Copyable {
    /// Bytes that one read gives at most.
    static let bufferSize = 65_536
    /// Idle buffers kept; what a burst leaves beyond them is freed.
    private static let idleBuffers = 32

    private var idle = OwnedArray<UnsafeMutableRawPointer>()

    /// A buffer of `bufferSize` bytes.
    mutating func take() -> Buffer {
        let base =
            idle.popLast() ?? .allocate(byteCount: BufferPool.bufferSize, alignment: 16)
        return Buffer(base: base, count: BufferPool.bufferSize)
    }

    /// Takes a buffer back.
    mutating func put(_ buffer: Buffer) {
        if idle.count < BufferPool.idleBuffers {
            idle.append(buffer.base)
        } else {
            buffer.base.deallocate()
        }
    }

    /// Frees what is idle.
    mutating func drain() {
        while let buffer = idle.popLast() { buffer.deallocate() }
    }
}
