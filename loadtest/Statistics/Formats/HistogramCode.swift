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

    /// The compressed form.
    package static func compressed(_ histogram: Histogram) -> [UInt8] {
        let stream = Zlib.store(encode(histogram))
        var bytes: [UInt8] = []
        bytes.appendBigEndian(compressedCookie | size)
        bytes.appendBigEndian(UInt32(stream.count))
        return bytes + stream
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

// Histograms from bytes, those of other tools and layouts too.
extension HistogramCode {
    /// Reads either form, with any number of digits and any range; values are nanoseconds.
    ///
    /// Each count goes to the bin of the highest value it may stand for, so no latency is reported
    /// better than it was; values outside 1 ns to 1 h are clamped and counted as clamped. Smallest,
    /// largest and sum are known only as well as the bins tell them.
    package static func decode(_ bytes: [UInt8]) throws(HistogramError) -> Histogram {
        var reader = ByteReader(bytes[...])
        let cookie = try reader.bigEndian(UInt32.self)
        switch cookie & ~sizeBits {
        case HistogramCode.cookie: return try decodePlain(&reader)
        case compressedCookie: break
        default: throw .unknownFormat(cookie: cookie)
        }
        let length = Int(try reader.bigEndian(UInt32.self))
        let plain = try Zlib.open(try reader.bytes(length), atMost: bytesMax)
        reader = ByteReader(plain[...])
        let inner = try reader.bigEndian(UInt32.self)
        guard inner & ~sizeBits == HistogramCode.cookie else { throw .unknownFormat(cookie: inner) }
        return try decodePlain(&reader)
    }

    /// What follows the cookie.
    private static func decodePlain(_ reader: inout ByteReader) throws(HistogramError) -> Histogram
    {
        let length = Int(try reader.bigEndian(UInt32.self))
        guard try reader.bigEndian(UInt32.self) == 0 else {
            throw .badHeader("it is shifted, as only histograms of fractions are")
        }
        let layout = try HistogramLayout(
            digits: Int(try reader.bigEndian(UInt32.self)),
            lowest: try reader.bigEndian(Int64.self),
            highest: try reader.bigEndian(Int64.self)
        )
        _ = try reader.bytes(8)
        var counts = ByteReader(try reader.bytes(length))
        var rebinned = Rebinning()
        var bin: Int64 = 0
        while !counts.isAtEnd {
            let count = try counts.zigZag()
            if count >= 0 {
                if count > 0 { try rebinned.add(count, of: try layout.values(ofBin: bin)) }
                bin += 1
            } else {
                guard count > -Int64(bytesMax) else { throw .badCounts("too many zeros") }
                bin -= count
            }
        }
        return rebinned.result
    }
}

/// Which values the bins of a histogram of any number of digits stand for.
private struct HistogramLayout {
    /// Values below two to this are in one bin.
    private let unitBits: Int64
    /// Two to this are the bins of an octave.
    private let octaveBits: Int64

    init(digits: Int, lowest: Int64, highest: Int64) throws(HistogramError) {
        guard (0...5).contains(digits) else { throw .badHeader("\(digits) significant digits") }
        guard lowest >= 1, highest >= 2, lowest <= highest / 2 else {
            throw .badHeader("a range from \(lowest) to \(highest)")
        }
        unitBits = Int64(63 - lowest.leadingZeroBitCount)
        // Values up to 2 * 10^digits have bins of their own; half of them are the first octave's.
        let fine = (0..<digits).reduce(Int64(2)) { product, _ in product * 10 }
        octaveBits = Int64(63 - (fine - 1).leadingZeroBitCount)
        guard unitBits + octaveBits <= 61 else {
            throw .badHeader("\(digits) digits from \(lowest) on")
        }
    }

    func values(ofBin bin: Int64) throws(HistogramError) -> ClosedRange<Int64> {
        let octave = max(0, bin >> octaveBits - 1)
        let shift = octave + unitBits
        let place = bin - octave << octaveBits
        guard shift < 63, place < Int64.max >> shift else {
            throw .badCounts("bin \(bin) is beyond the largest number")
        }
        return place << shift...(place + 1) << shift - 1
    }
}

/// Puts the counts of other bins into ours.
private struct Rebinning {
    private var histogram = Histogram()
    private var smallest: Int64?
    private var sum = 0.0

    mutating func add(_ count: Int64, of values: ClosedRange<Int64>) throws(HistogramError) {
        // A bin that reaches across the end of the range is not clamped, its values may be inside.
        let isInside = values.lowerBound <= Histogram.highest
        let value = isInside ? min(values.upperBound, Histogram.highest) : values.upperBound
        guard Int(count) <= Histogram.countMax - histogram.count else {
            throw .badCounts("more than \(Histogram.countMax) values")
        }
        histogram.record(value, times: Int(count))

        let bin = Histogram.bin(of: min(max(value, 1), Histogram.highest))
        let ours = Histogram.values(ofBin: bin)
        if smallest == nil { smallest = max(values.lowerBound, ours.lowerBound) }
        let middle = values.lowerBound + (values.upperBound - values.lowerBound) / 2
        sum += Double(min(max(middle, ours.lowerBound), ours.upperBound)) * Double(count)
    }

    var result: Histogram {
        var result = histogram
        if let smallest, let largest = histogram.max {
            let isConsistent = result.correct(
                smallest: min(smallest, largest), largest: largest, sum: sum,
                clamped: histogram.clamped)
            precondition(isConsistent, "bins were put where they do not belong")
        }
        return result
    }
}

/// Why bytes or a text hold no histogram.
package enum HistogramError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end inside a number or a block.
    case endsEarly
    /// A character that Base64 does not have, or a wrong number of them.
    case notBase64
    /// The first four bytes name no format that is known here.
    case unknownFormat(cookie: UInt32)
    /// A figure of the header makes no sense.
    case badHeader(String)
    /// A count or a place of a count is out of range.
    case badCounts(String)
    /// The compressed stream is damaged.
    case badStream(String)
    /// More bytes than any histogram needs come out of the compressed stream.
    case tooLarge(limit: Int)

    package var description: String {
        switch self {
        case .endsEarly: "the histogram is cut off"
        case .notBase64: "the histogram is not Base64"
        case .unknownFormat(let cookie):
            "0x\(String(cookie, radix: 16)) is no HdrHistogram in V2 encoding"
        case .badHeader(let reason): "the histogram's header is wrong: \(reason)"
        case .badCounts(let reason): "the histogram's counts are wrong: \(reason)"
        case .badStream(let reason): "the compressed histogram is damaged: \(reason)"
        case .tooLarge(let limit): "the compressed histogram unpacks to more than \(limit) bytes"
        }
    }
}
