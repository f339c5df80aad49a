import Testing

@testable import loadtest

@Suite struct `A search for a rate` {
    /// Runs a search against a server that holds up to a capacity; returns what it found and tried.
    private func search(
        capacity: Double, from start: Double = 1000, lowest: Double = 1,
        confirms: (Int) -> Bool = { _ in true }
    ) -> (found: Double?, tried: [Double]) {
        var search = RateSearch(from: start, lowest: lowest)
        var tried: [Double] = []
        var confirmations = 0
        while tried.count < 200 {
            switch search.state {
            case .trying(let rate):
                tried.append(rate)
                search.note(holds: rate <= capacity)
            case .confirming(let rate):
                tried.append(rate)
                search.note(holds: rate <= capacity && confirms(confirmations))
                confirmations += 1
            case .found(let rate): return (rate, tried)
            }
        }
        Issue.record("no end after \(tried)")
        return (nil, tried)
    }

    @Test(arguments: [2.5, 7.3, 999, 1000, 1001, 41_234, 987_654, 3.3e7])
    func `it comes within five percent below the capacity`(capacity: Double) throws {
        let (found, tried) = search(capacity: capacity)
        let rate = try #require(found)

        #expect(rate <= capacity)
        // Three digits are kept, so a little more than the precision may be missing.
        #expect(rate * 1.06 >= capacity)
        #expect(tried.suffix(3).allSatisfy { $0 == rate })
        #expect(tried.count < 60)
    }

    @Test func `it doubles, halves the gap and confirms`() {
        let (_, tried) = search(capacity: 6000)

        #expect(tried.prefix(7) == [1000, 2000, 4000, 8000, 8000, 5660, 6730])
        #expect(tried.suffix(3) == [5910, 5910, 5910])
    }

    @Test func `a hiccup at every rate does not end the climb`() {
        var search = RateSearch(from: 1000, lowest: 1)
        var seen: Set<Double> = []
        while case .trying(let rate) = search.state, seen.count < 50 {
            let isFirstLook = seen.insert(rate).inserted
            search.note(holds: rate <= 50_000 && !isFirstLook)
        }

        guard case .confirming(let rate) = search.state else {
            Issue.record("nothing to confirm: \(search.state)")
            return
        }
        #expect(rate <= 50_000 && rate * 1.06 >= 50_000)
    }

    @Test func `nothing is found where it never holds`() {
        let (found, tried) = search(capacity: 0, lowest: 100)

        #expect(found == nil)
        #expect(tried == [1000, 1000, 500, 500, 250, 250, 125, 125])
    }

    @Test func `a server without a limit is confirmed where no generator goes further`() throws {
        let found = try #require(search(capacity: .infinity).found)

        #expect(found > 5e7 && found <= 1e8)
    }

    @Test func `a confirmation that fails is one step back, and three are needed again`() throws {
        let (found, tried) = search(capacity: 8000, confirms: { $0 != 1 })
        let rate = try #require(found)

        #expect(rate < tried[tried.count - 4])
        #expect(rate * 1.06 > tried[tried.count - 4])
        #expect(tried.suffix(3) == [rate, rate, rate])
    }

    @Test func `what is never confirmed is not found`() {
        let (found, tried) = search(capacity: 8000, confirms: { _ in false })

        #expect(found == nil)
        #expect(tried.count < 30)
    }

    @Test func `what cannot be judged is tried three times, and is then the limit`() {
        var search = RateSearch(from: 1000, lowest: 1)
        for holds in [nil, nil, true] { search.note(holds: holds) }
        #expect(search.state == .trying(2000))
        for _ in 0..<3 { search.note(holds: nil) }
        #expect(search.state == .trying(1410))

        // A confirmation too.
        while case .trying(let rate) = search.state { search.note(holds: rate < 1500) }
        let confirming = search.state
        for holds in [true, nil, true, nil, nil] { search.note(holds: holds) }
        #expect(search.state == confirming)
        search.note(holds: true)
        guard case .found(let rate?) = search.state else {
            Issue.record("nothing was found: \(search.state)")
            return
        }
        #expect(confirming == .confirming(rate))
    }

    @Test func `it begins no lower than can be judged`() {
        #expect(RateSearch(from: 10, lowest: 400).state == .trying(400))
    }
}
