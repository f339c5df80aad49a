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
