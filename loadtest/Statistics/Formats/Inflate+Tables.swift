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
