/// Bytes that a connection received, in memory that goes back to the loop when they go out of
/// scope.
///
/// They cannot be copied, only lent: that is how a read allocates nothing and still gives bytes
/// that nobody overwrites. To keep them, copy them out with `Array(bytes)` or `String(decoding:)`.
///
/// ```swift
/// while let bytes = try await connection.read() {
///     try await connection.write(bytes)
/// }
/// ```
public struct Bytes: ~Copyable, Sendable {
    // Uniquely owned and never written to after it was filled, so any thread may read it.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer
    /// How many bytes there are; at least 1.
    public let count: Int
    private let loop: LoopExecutor

    init(_ base: UnsafeMutableRawPointer, count: Int, of loop: LoopExecutor) {
        self.base = base
        self.count = count
        self.loop = loop
    }

    /// The memory, which is valid for as long as these bytes are.
    var memory: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    deinit {
        // The pool belongs to the loop's thread; elsewhere the buffer is simply freed.
        if loop.isCurrent { loop.state.buffers.put(base) } else { base.deallocate() }
    }

    /// The byte at `index`, 0 to `count` - 1.
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "byte \(index) of \(count) does not exist")
        return base.load(fromByteOffset: index, as: UInt8.self)
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
