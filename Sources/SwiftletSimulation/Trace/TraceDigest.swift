/// A fingerprint of everything that a trace was told, by which two runs are compared.
///
/// FNV-1a over words instead of bytes, with a shift that brings the high bits down again (Fowler,
/// Noll and Vo, draft-eastlake-fnv). It tells runs apart, it does not protect from anybody.
struct TraceDigest: Equatable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }

    mutating func add(_ word: Int) { add(UInt64(bitPattern: Int64(word))) }
    mutating func add(_ word: Int64) { add(UInt64(bitPattern: word)) }

    mutating func add(_ words: Int...) {
        for word in words { add(word) }
    }

    /// Adds bytes, eight in a word, and how many they are.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let tail = bytes.count & ~7
        for offset in stride(from: 0, to: tail, by: 8) {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        }
        for byte in bytes[tail...] { add(UInt64(byte)) }
        add(bytes.count)
    }
}

/// Something that a trace is told by the simulation itself.
///
/// The same in every run: no address of memory, no number that the process counts.
protocol TraceStep: Sendable {
    /// What happened, as the rest of a line that begins with the time and the host.
    func text(hosts: [String]) -> String
    /// Adds what tells this step from others to the fingerprint.
    func mix(into digest: inout TraceDigest)
}
