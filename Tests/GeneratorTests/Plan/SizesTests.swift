import Testing

@testable import Generator

/// Sizes by number: the table is the law, the same for the same seed.
@Suite struct SizesTests {
    private func draw(_ law: SizeLaw, seed: UInt64, count: Int = 8192) -> [Int] {
        let sizes = Sizes(law, seed: seed)
        var drawn: [Int] = []
        for number in 0..<count { drawn.append(sizes[number]) }
        return drawn
    }

    @Test func `one size is the size of every request`() {
        #expect(Set(draw(.fixed(777), seed: 5)) == [777])
    }

    @Test func `the same seed draws the same sizes and another one does not`() {
        let law = SizeLaw.uniform(64...4096)

        #expect(draw(law, seed: 7) == draw(law, seed: 7))
        #expect(draw(law, seed: 7) != draw(law, seed: 8))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a range gives each of its sizes equally often and both of its ends`(seed: UInt64) {
        let drawn = draw(.uniform(1...16), seed: seed)

        let counts = Dictionary(drawn.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.keys.sorted() == Array(1...16))
        #expect(counts.values.allSatisfy { $0 == 512 })
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `weights are kept to within a place`(seed: UInt64) {
        let law = SizeLaw.weighted([
            .init(size: 64, weight: 80), .init(size: 1, weight: 0), .init(size: 4096, weight: 20),
        ])

        let drawn = draw(law, seed: seed)

        let large = drawn.count { $0 == 4096 }
        #expect(drawn.allSatisfy { $0 == 64 || $0 == 4096 })
        #expect(abs(large * 100 - drawn.count * 20) <= 200)
    }

    @Test func `sizes come in no order and begin again after the table`() {
        let drawn = draw(.uniform(1...1000), seed: 3, count: 2 * 8192)

        #expect(drawn[..<8192] == drawn[8192...])
        #expect(Array(drawn[..<8192]) != drawn[..<8192].sorted())
        // Numbers that were counted past the largest integer still find a place.
        #expect(Sizes(.uniform(1...10), seed: 1)[Int.min] > 0)
    }
}
