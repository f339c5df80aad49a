/// Histograms as bytes: the V2 encoding of HdrHistogram (hdrhistogram.org), which its libraries in
/// other languages read and write.
///
///     cookie  length  offset  digits  lowest  highest  ratio    counts
///     4       4       4       4       8       8        8        ZigZag LEB128; -n for n zeros
///
/// Big-endian throughout. The compressed form is another cookie, a length and this in zlib's
/// format. Smallest, largest, sum and clamped values are not part of it.
package enum HistogramCode {
    static let cookie: UInt32 = 0x1C84_9303
    static let compressedCookie: UInt32 = 0x1C84_9304
    /// Four bits of a cookie that told the size of a count in older encodings.
    static let sizeBits: UInt32 = 0xF0
    private static let size: UInt32 = 0x10
    /// More bytes no histogram has: five digits of 63 bits of range in counts of nine bytes.
    static let bytesMax = 64 << 20

    /// The plain form.
    package static func encode(_ histogram: Histogram) -> [UInt8] {
        let counts = encodeCounts(histogram)
        var bytes: [UInt8] = []
        bytes.appendBigEndian(cookie | size)
        bytes.appendBigEndian(UInt32(counts.count))
        bytes.appendBigEndian(0 as UInt32)
        bytes.appendBigEndian(UInt32(Histogram.digits))
        bytes.appendBigEndian(1 as Int64)
        bytes.appendBigEndian(Histogram.highest)
        bytes.appendBigEndian((1.0).bitPattern)
        return bytes + counts
    }

    /// The compressed form, as Base64: what logs and documents carry.
    package static func text(_ histogram: Histogram) -> String {
        let stream = Zlib.store(encode(histogram))
        var bytes: [UInt8] = []
        bytes.appendBigEndian(compressedCookie | size)
        bytes.appendBigEndian(UInt32(stream.count))
        return Base64.encode(bytes + stream)
    }

    /// The counts up to the last one that is not zero, and at least one.
    private static func encodeCounts(_ histogram: Histogram) -> [UInt8] {
        var bytes: [UInt8] = []
        var zeros: Int64 = 0
        for bin in 0..<max(1, histogram.occupied.upperBound) {
            let count = histogram[bin: bin]
            if count == 0 {
                zeros += 1
                continue
            }
            appendZeros(zeros, to: &bytes)
            zeros = 0
            bytes.appendZigZag(Int64(count))
        }
        appendZeros(zeros, to: &bytes)
        return bytes
    }

    /// A negative number stands for so many zeros.
    private static func appendZeros(_ zeros: Int64, to bytes: inout [UInt8]) {
        if zeros > 0 { bytes.appendZigZag(-zeros) }
    }
}
