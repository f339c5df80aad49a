import Compare
import Testing

@Suite struct BlockOrderTests {
    @Test(arguments: [UInt64(1), 2, 77])
    func `each block has every arm once`(seed: UInt64) {
        let order = BlockOrder(seed: seed)

        for round in 0..<8 {
            for point in 0..<3 {
                let block = order.arms(0..<7, round: round, point: point)
                #expect(block.sorted() == Array(0..<7), "seed \(seed)")
            }
        }
    }

    @Test(arguments: [UInt64(1), 2, 77])
    func `over two rounds each arm comes as early as it comes late`(seed: UInt64) {
        let order = BlockOrder(seed: seed)

        for pair in 0..<4 {
            let there = order.arms(0..<6, round: 2 * pair, point: 0)
            let back = order.arms(0..<6, round: 2 * pair + 1, point: 0)
            #expect(there == back.reversed(), "seed \(seed)")
        }
    }

    @Test func `two arms run as A B B A`() {
        let order = BlockOrder(seed: 1)
        let four = (0..<2).flatMap { order.arms(0..<2, round: $0, point: 0) }

        #expect(four == [0, 1, 1, 0] || four == [1, 0, 0, 1])
    }

    @Test func `a seed repeats the order and another one gives another`() {
        let orders = { (seed: UInt64) in
            (0..<8).map { BlockOrder(seed: seed).arms(0..<8, round: $0, point: 0) }
        }

        #expect(orders(3) == orders(3))
        #expect(orders(3) != orders(4))
        #expect(Set(orders(3)).count == 8)
    }
}
