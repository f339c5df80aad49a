import Testing

@testable import Statistics

@Suite struct `Streams in zlib's format` {
    private func open(_ bytes: [UInt8], atMost limit: Int = 1 << 20) throws -> [UInt8] {
        try Zlib.open(bytes[...], atMost: limit)
    }

    @Test(arguments: [0, 1, 65_534, 65_535, 65_536, 200_000])
    func `stored bytes read back`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }

        #expect(try open(Zlib.store(bytes)) == bytes)
    }

    @Test func `a stream in the fixed code is read`() throws {
        // zlib.compress(b"abcabcabcabc") of Python: three literals, a length and a distance.
        let stream: [UInt8] = [
            0x78, 0x9C, 0x4B, 0x4C, 0x4A, 0x4E, 0x84, 0x21, 0x00, 0x1D, 0xE0, 0x04, 0x99,
        ]

        #expect(String(decoding: try open(stream), as: UTF8.self) == "abcabcabcabc")
    }

    @Test func `the check sum of a known text is right`() {
        // The example of Wikipedia's article on Adler-32.
        #expect(Zlib.adler32(Array("Wikipedia".utf8)) == 0x11E6_0398)
    }

    @Test func `a bomb goes no further than its limit`() throws {
        let stored = Zlib.store(Array(repeating: 7, count: 1000))
        #expect(throws: HistogramError.tooLarge(limit: 999)) { try open(stored, atMost: 999) }
        #expect(try open(stored, atMost: 1000).count == 1000)

        // In the fixed code: a literal, then its repetition 258 times, again and again.
        var bits: [Int] = [1, 1, 0]
        bits += [0, 0, 1, 1, 0, 0, 0, 0]
        for _ in 0..<1000 { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
        #expect(throws: HistogramError.tooLarge(limit: 100_000)) {
            try open([0x78, 0x01] + pack(bits), atMost: 100_000)
        }
    }

    @Test func `damage is named`() throws {
        var stored = Zlib.store([1, 2, 3])
        stored[stored.count - 1] ^= 1
        #expect(throws: HistogramError.badStream("its check sum is wrong")) { try open(stored) }
        #expect(throws: HistogramError.badStream("it is no zlib stream")) {
            try open([0x1F, 0x8B])
        }
        #expect(throws: HistogramError.badStream("it needs a dictionary")) {
            try open([0x78, 0x20])
        }
        #expect(throws: HistogramError.badStream("it has a block of no known kind")) {
            try open([0x78, 0x01, 0b111])
        }
        #expect(throws: HistogramError.badStream("the length of a block is wrong")) {
            try open([0x78, 0x01, 1, 1, 0, 1, 0])
        }
        // A distance of one before anything was written.
        #expect(throws: HistogramError.badStream("it refers to what was before its start")) {
            try open([0x78, 0x01] + pack([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]))
        }
        #expect(throws: HistogramError.endsEarly) { try open([0x78, 0x01]) }
    }

    @Test func `a code with too many words is refused`() {
        #expect(throws: HistogramError.badStream("a code has more words than there can be")) {
            try HuffmanCode(lengths: [1, 1, 1])
        }
    }

    /// Bits in the order in which they are read.
    private func pack(_ bits: [Int]) -> [UInt8] {
        stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<min(start + 8, bits.count)].enumerated().reduce(0) {
                $0 | UInt8($1.element << $1.offset)
            }
        }
    }
}

@Suite struct `Numbers of few bytes` {
    @Test(arguments: [0, -1, 1, 63, -64, 64, 1 << 27, .max, .min] as [Int64])
    func `a signed number reads back`(number: Int64) throws {
        var bytes: [UInt8] = []
        bytes.appendZigZag(number)
        var reader = ByteReader(bytes[...])

        let read = try reader.zigZag()
        #expect(bytes.count <= 9)
        #expect(read == number)
        #expect(reader.isAtEnd)
    }
}
