import Testing

@testable import Statistics

@Suite struct `A change between two sides` {
    /// Runs of the same thing: a figure and what rounds differ by, nearly a normal law.
    private func rounds(
        _ count: Int, around middle: Double, spread: Double, _ random: inout SplitMix
    ) -> [Double] {
        (0..<count).map { _ in
            let twelve = (0..<12).reduce(0.0) { sum, _ in
                sum + Double.random(in: 0..<1, using: &random)
            }
            return middle * (1 + spread * (twelve - 6))
        }
    }

    private func called(
        _ rounds: Int, factor: Double, spread: Double, floor: Double, seed: UInt64
    ) -> Double {
        var random = SplitMix(seed: seed)
        let trials = 1000
        let calls = (0..<trials).count { _ in
            let old = self.rounds(rounds, around: 100, spread: spread, &random)
            let new = self.rounds(rounds, around: 100 * factor, spread: spread, &random)
            guard let change = Change(ratioOf: new, to: old), let half = change.halfWidth else {
                return false
            }
            return abs(change.difference) - half > Change.difference(1 + floor)
        }
        return Double(calls) / Double(trials)
    }

    @Test(arguments: [2, 4, 8, 20])
    func `rounds of the same thing differ in one comparison of twenty`(count: Int) {
        #expect(called(count, factor: 1, spread: 0.02, floor: 0, seed: 7) < 0.07, "seed 7")
        #expect(called(count, factor: 1, spread: 0.02, floor: 0.02, seed: 8) < 0.01, "seed 8")
    }

    @Test func `ten percent more is found by eight rounds`() {
        #expect(called(8, factor: 1.1, spread: 0.02, floor: 0.02, seed: 9) > 0.99, "seed 9")
        #expect(called(8, factor: 1 / 1.1, spread: 0.02, floor: 0.02, seed: 10) > 0.99, "seed 10")
    }

    @Test func `one round has no spread, and zero no ratio`() {
        #expect(Change(ratioOf: [1], to: [1, 2]) == nil)
        #expect(Change(ratioOf: [1, 0], to: [1, 2]) == nil)
        #expect(Change(ratioOf: .init(1, spread: 0.1), to: .init(0, spread: 0.1)) == nil)
        #expect(Change(ratioOf: .init(1, spread: nil), to: .init(1, spread: 0))?.halfWidth == nil)
    }

    @Test func `rounds without any spread have an interval without a width`() {
        #expect(Change(from: [0, 0], to: [0.5, 0.5]) == Change(difference: 0.5, halfWidth: 0))
    }

    @Test func `the spreads of two runs add as squares`() throws {
        let change = try #require(
            Change(ratioOf: .init(200, spread: 0.03), to: .init(100, spread: 0.04)))

        #expect(abs((change.halfWidth ?? 0) - 0.05) < 1e-12)
        #expect(abs(Change.ratio(change.difference) - 2) < 1e-12)
    }

    @Test func `failures are told from chance, also where there were none`() throws {
        let chance = try #require(Change(from: (0, 1000), to: (2, 1000)))
        let more = try #require(Change(from: (0, 1000), to: (50, 1000)))

        #expect(chance.difference < chance.halfWidth ?? 0)
        #expect(more.difference > more.halfWidth ?? 1)
        #expect(Change(from: (0, 0), to: (0, 1)) == nil)
    }

    @Test func `fewer degrees of freedom make a wider interval, and no number is out of the table`()
    {
        let factors = [0, 1, 1.9, 2, 10, 30, 31, 1e300].map(StudentT.factor)

        #expect(factors == [12.706, 12.706, 12.706, 4.303, 2.228, 2.042, 2.042, 2.042])
    }
}
