import Testing

@testable import Swiftlet

/// Which loop gets the next connection.
@Suite struct SpreadTests {
    @Test func `connections that stay are spread evenly`() {
        var spread = Spread(over: 3)

        let places = (0..<9).map { _ in spread.add(among: 0..<3) }

        #expect(places == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test func `connections that come one after the other take turns`() {
        var spread = Spread(over: 3)

        let places = (0..<6).map { _ in
            let place = spread.add(among: 0..<3)
            spread.remove(from: place)
            return place
        }

        #expect(places == [0, 1, 2, 0, 1, 2])
    }

    @Test func `a place that has lost connections gets the next ones`() {
        var spread = Spread(over: 3)
        for _ in 0..<9 { _ = spread.add(among: 0..<3) }
        spread.remove(from: 2)
        spread.remove(from: 2)
        spread.remove(from: 1)

        let places = (0..<3).map { _ in spread.add(among: 0..<3) }

        // Of 2 and 1, which are level after the first, 1 has had no more than 2 until now.
        #expect(places.sorted() == [1, 2, 2])
        #expect(places[0] == 2)
    }

    @Test func `a listener of its own keeps to its place`() {
        var spread = Spread(over: 3)

        let places = (0..<4).map { _ in spread.add(among: 1..<2) }

        #expect(places == [1, 1, 1, 1])
        #expect(spread.add(among: 0..<3) == 0)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the place is always one of those with the fewest`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var spread = Spread(over: 5)
        var open = [Int](repeating: 0, count: 5)
        for _ in 0..<1000 {
            let leaver = open.indices.filter { open[$0] > 0 }.randomElement(using: &random)
            if let leaver, Bool.random(using: &random) {
                spread.remove(from: leaver)
                open[leaver] -= 1
            } else {
                let place = spread.add(among: 0..<5)
                #expect(open[place] == open.min(), "seed \(seed)")
                open[place] += 1
            }
        }
    }
}
