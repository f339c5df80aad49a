/// A Huffman code as RFC 1951, section 3.2.2 has it: the lengths of the words say it all.
///
/// Words of a length are consecutive numbers, in the order of their symbols, and follow those of
/// the shorter lengths.
struct HuffmanCode {
    static let lengthMax = 15
    /// How many words there are of each length.
    private var counts = [Int](repeating: 0, count: HuffmanCode.lengthMax + 1)
    /// The symbols in the order of their words.
    private var symbols: [Int] = []

    /// The code of these lengths, one for each symbol, of 0 to 15 bits; 0 for a symbol without a
    /// word.
    init(lengths: some Collection<Int>) throws(HistogramError) {
        self.init(complete: lengths)
        var free = 1
        for count in counts.dropFirst() {
            free = free * 2 - count
            guard free >= 0 else { throw .badStream("a code has more words than there can be") }
        }
    }

    /// The code of lengths that are known to be right.
    init(complete lengths: some Collection<Int>) {
        for length in lengths where length > 0 { counts[length] += 1 }
        for wanted in 1...HuffmanCode.lengthMax where counts[wanted] > 0 {
            for (symbol, length) in lengths.enumerated() where length == wanted {
                symbols.append(symbol)
            }
        }
    }

    /// Reads a word, bit by bit from its highest on, and gives its symbol.
    func next(_ bits: inout BitReader) throws(HistogramError) -> Int {
        var word = 0
        // The first word of this length, and the place of its symbol.
        var (first, place) = (0, 0)
        for length in 1...HuffmanCode.lengthMax {
            word = word << 1 | (try bits.take(1))
            if word - first < counts[length] { return symbols[place + word - first] }
            place += counts[length]
            first = (first + counts[length]) << 1
        }
        throw .badStream("a word is in no code")
    }
}

/// Reads bits from bytes, the lowest of a byte first.
struct BitReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    /// Bits of the byte at `position` that have been taken, 0 to 7.
    private var taken = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// What follows the byte that is being read.
    var rest: ArraySlice<UInt8> { bytes[(taken > 0 ? position + 1 : position)...] }

    /// The next `count` bits as a number, the first one the lowest.
    mutating func take(_ count: Int) throws(HistogramError) -> Int {
        var number = 0
        for place in 0..<count {
            guard position < bytes.endIndex else { throw .endsEarly }
            number |= Int(bytes[position] >> UInt8(taken) & 1) << place
            taken = (taken + 1) % 8
            if taken == 0 { position += 1 }
        }
        return number
    }

    /// A number of one of the spans.
    mutating func take(_ spans: [Inflate.Span], at place: Int) throws(HistogramError) -> Int {
        spans[place].base + (try take(spans[place].bits))
    }

    /// Leaves what is left of the present byte and takes whole bytes as a number, the lowest first.
    mutating func wholeBytes(_ count: Int) throws(HistogramError) -> Int {
        try bytes(count).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Leaves what is left of the present byte and takes whole bytes.
    mutating func bytes(_ count: Int) throws(HistogramError) -> ArraySlice<UInt8> {
        let rest = rest
        guard count <= rest.count else { throw .endsEarly }
        (position, taken) = (rest.startIndex + count, 0)
        return rest.prefix(count)
    }
}
