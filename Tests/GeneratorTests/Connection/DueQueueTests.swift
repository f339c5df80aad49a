import Statistics
import Testing

@testable import Generator

@Suite struct DueQueueTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `connections come out in the order in which they are due`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var queue = DueQueue()
        var waiting: [Int64] = []
        for _ in 0..<2000 {
            if random.share() < 0.55 {
                let due = Int64.random(in: 0..<500, using: &random)
                // By its number, a connection tells when it was due.
                queue.add(Int(due), due: due)
                waiting.append(due)
            } else {
                let taken = queue.take(dueAt: .max)
                #expect(taken.map(Int64.init) == waiting.min(), "seed \(seed)")
                if let place = waiting.firstIndex(of: waiting.min() ?? 0) {
                    waiting.remove(at: place)
                }
            }
            #expect(queue.next == waiting.min() ?? .max, "seed \(seed)")
        }
    }

    @Test func `what is not due stays`() {
        var queue = DueQueue()
        queue.add(7, due: 100)

        let early = queue.take(dueAt: 99)
        let due = queue.take(dueAt: 100)
        let nothing = queue.take(dueAt: .max)

        #expect(early == nil)
        #expect(due == 7)
        #expect(nothing == nil)
    }
}
