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

    /// Reads the Base64 of either form.
    package static func decode(text: some StringProtocol) throws(HistogramError) -> Histogram {
        guard let bytes = Base64.decode(text) else { throw .notBase64 }
        return try decode(bytes)
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
