/// Streams in zlib's format (RFC 1950): two bytes of header, deflated blocks, a check sum.
///
/// What is written is only stored, not compressed, which needs no encoder and which every reader
/// takes. What is read may be compressed in any way.
enum Zlib {
    /// The longest block that is stored in one piece: its length has 16 bits (RFC 1951, 3.2.4).
    static let blockMax = 65_535

    static func store(_ bytes: [UInt8]) -> [UInt8] {
        // Deflate with a window of 32 KiB, the fastest level.
        var stream: [UInt8] = [0x78, 0x01]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(blockMax)
            rest = rest.dropFirst(blockMax)
            let length = UInt16(block.count)
            stream.append(rest.isEmpty ? 1 : 0)
            stream.appendBigEndian(length.byteSwapped)
            stream.appendBigEndian((~length).byteSwapped)
            stream += block
        } while !rest.isEmpty
        stream.appendBigEndian(adler32(bytes))
        return stream
    }

    /// The bytes of a stream, at most `limit` of them, so that a small file cannot fill the memory.
    static func open(
        _ stream: ArraySlice<UInt8>, atMost limit: Int
    ) throws(HistogramError) -> [UInt8] {
        var reader = ByteReader(stream)
        let header = try reader.bigEndian(UInt16.self)
        guard header >> 8 & 0xF == 8, header >> 12 <= 7, header.isMultiple(of: 31) else {
            throw .badStream("it is no zlib stream")
        }
        guard header & 0x20 == 0 else { throw .badStream("it needs a dictionary") }
        var inflate = Inflate(stream.dropFirst(2), atMost: limit)
        let bytes = try inflate.run()
        var trailer = ByteReader(inflate.rest)
        guard try trailer.bigEndian(UInt32.self) == adler32(bytes) else {
            throw .badStream("its check sum is wrong")
        }
        return bytes
    }

    /// The check sum of RFC 1950, section 9: two sums modulo the largest prime below 2^16.
    static func adler32(_ bytes: [UInt8]) -> UInt32 {
        var (sum, sums): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            sum = (sum + UInt32(byte)) % 65_521
            sums = (sums + sum) % 65_521
        }
        return sums << 16 | sum
    }
}
