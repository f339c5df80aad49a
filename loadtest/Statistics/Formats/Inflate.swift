/// Unpacks deflated data (RFC 1951): blocks of stored bytes, or of literals and references to what
/// came before, in Huffman codes that are fixed or stand at the start of the block.
///
///     block     1 bit: the last one?   2 bits: stored, fixed, dynamic   then its contents
///     symbol    0 … 255 a byte   256 the end of the block   257 … 285 a length, then a distance
struct Inflate {
    private var bits: BitReader
    private var output: [UInt8] = []
    private let limit: Int

    init(_ bytes: ArraySlice<UInt8>, atMost limit: Int) {
        bits = BitReader(bytes)
        self.limit = limit
    }

    /// What follows the last block, from the next whole byte on.
    var rest: ArraySlice<UInt8> { bits.rest }

    mutating func run() throws(HistogramError) -> [UInt8] {
        var isLast = false
        while !isLast {
            isLast = try bits.take(1) == 1
            switch try bits.take(2) {
            case 0: try store()
            case 1: try decode(Inflate.fixedSymbols, Inflate.fixedDistances)
            case 2:
                let (symbols, distances) = try readCodes()
                try decode(symbols, distances)
            default: throw .badStream("it has a block of no known kind")
            }
        }
        return output
    }

    private mutating func store() throws(HistogramError) {
        let length = try bits.wholeBytes(2)
        let complement = try bits.wholeBytes(2)
        guard length ^ complement == 0xFFFF else {
            throw .badStream("the length of a block is wrong")
        }
        guard output.count + length <= limit else { throw .tooLarge(limit: limit) }
        output += try bits.bytes(length)
    }

    private mutating func decode(
        _ symbols: HuffmanCode, _ distances: HuffmanCode
    ) throws(HistogramError) {
        while true {
            let symbol = try symbols.next(&bits)
            switch symbol {
            case ..<256:
                guard output.count < limit else { throw .tooLarge(limit: limit) }
                output.append(UInt8(symbol))
            case 256: return
            case ...285:
                let length = try bits.take(Inflate.lengths, at: symbol - 257)
                let place = try distances.next(&bits)
                guard place < 30 else { throw .badStream("a distance has no meaning") }
                try copy(length, from: try bits.take(Inflate.distances, at: place))
            default: throw .badStream("a length has no meaning")
            }
        }
    }

    /// Repeats what came `distance` bytes before; it may overlap with what it writes.
    private mutating func copy(_ length: Int, from distance: Int) throws(HistogramError) {
        guard distance <= output.count else {
            throw .badStream("it refers to what was before its start")
        }
        guard output.count + length <= limit else { throw .tooLarge(limit: limit) }
        for _ in 0..<length { output.append(output[output.count - distance]) }
    }

    /// The codes at the start of a dynamic block: their lengths, themselves in a code
    /// (RFC 1951, 3.2.7).
    private mutating func readCodes() throws(HistogramError) -> (HuffmanCode, HuffmanCode) {
        let symbolCount = try bits.take(5) + 257
        let distanceCount = try bits.take(5) + 1
        guard symbolCount <= 286, distanceCount <= 30 else {
            throw .badStream("a block has too many codes")
        }
        var order = [Int](repeating: 0, count: 19)
        for place in Inflate.lengthOrder.prefix(try bits.take(4) + 4) {
            order[place] = try bits.take(3)
        }
        let lengths = try readLengths(symbolCount + distanceCount, try HuffmanCode(lengths: order))
        return (
            try HuffmanCode(lengths: lengths.prefix(symbolCount)),
            try HuffmanCode(lengths: lengths.dropFirst(symbolCount))
        )
    }

    private mutating func readLengths(
        _ count: Int, _ code: HuffmanCode
    ) throws(HistogramError) -> [Int] {
        var lengths: [Int] = []
        while lengths.count < count {
            let symbol = try code.next(&bits)
            switch symbol {
            case ..<16: lengths.append(symbol)
            case 16:
                guard let last = lengths.last else {
                    throw .badStream("it repeats a length that is not there")
                }
                lengths += Array(repeating: last, count: try bits.take(2) + 3)
            case 17: lengths += Array(repeating: 0, count: try bits.take(3) + 3)
            default: lengths += Array(repeating: 0, count: try bits.take(7) + 11)
            }
        }
        guard lengths.count == count else { throw .badStream("a block has too many lengths") }
        return lengths
    }
}

/// The tables of RFC 1951, sections 3.2.5 to 3.2.7.
extension Inflate {
    /// A range of numbers: its first one, and how many bits say which.
    struct Span {
        let base: Int
        let bits: Int
    }

    /// The lengths that symbols from 257 on stand for: 3 to 258.
    static let lengths =
        spans(from: 3, doublings: [0, 0] + Array(1...5), count: 4) + [Span(base: 258, bits: 0)]

    /// The distances: 1 to 32,768.
    static let distances = spans(from: 1, doublings: [0, 0] + Array(1...13), count: 2)

    /// Spans in a row, `count` of each number of bits.
    private static func spans(from first: Int, doublings: [Int], count: Int) -> [Span] {
        var base = first
        return doublings.flatMap { bits in
            (0..<count).map { _ in
                defer { base += 1 << bits }
                return Span(base: base, bits: bits)
            }
        }
    }

    /// The order in which a block gives the lengths of the code of its lengths.
    static let lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    static let fixedSymbols = HuffmanCode(
        complete: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
    static let fixedDistances = HuffmanCode(complete: Array(repeating: 5, count: 32))
}

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
