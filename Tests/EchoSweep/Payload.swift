/// The bytes that a client sends over one connection: each one follows from the client, the
/// connection and its offset, so that one which is lost, doubled, moved or another's is seen.
struct Payload: Sendable {
    private let salt: UInt64

    init(client: Int, connection: Int) {
        salt = UInt64(client) << 40 | UInt64(connection) << 32
    }

    /// The byte at an offset of the stream.
    func byte(at offset: Int) -> UInt8 {
        // Multiplying by the golden ratio spreads neighbours over the highest bits (Knuth, 6.4).
        UInt8(truncatingIfNeeded: (salt &+ UInt64(offset)) &* 0x9E37_79B9_7F4A_7C15 >> 56)
    }

    func bytes(_ range: Range<Int>) -> [UInt8] { range.map(byte) }

    /// The first offset at which received bytes are not what was sent; nil when all of them are.
    func firstDifference(in bytes: UnsafeRawBufferPointer, from offset: Int) -> Int? {
        bytes.indices.first { bytes[$0] != byte(at: offset + $0) }.map { offset + $0 }
    }
}
