/// A fingerprint of bytes, by which two runs are compared and a damaged file is noticed.
///
/// FNV-1a over words of eight bytes instead of single ones, with a shift that brings the high bits
/// down again (Fowler, Noll and Vo, draft-eastlake-fnv). It protects from nobody.
struct ByteDigest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds some bytes. Where a whole is cut into pieces makes a difference.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let tail = bytes.count & ~7
        for offset in stride(from: 0, to: tail, by: 8) {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        }
        for byte in bytes[tail...] { mix(UInt64(byte)) }
        mix(UInt64(bytes.count))
    }

    private mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }
}
