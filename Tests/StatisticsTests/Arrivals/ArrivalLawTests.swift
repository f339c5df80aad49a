import Glibc
import Statistics
import Testing

/// Whether planned times are what they say: independent arrivals, as many users make them.
struct ArrivalLawTests {
    /// A gap of 1 ms on average, in nanoseconds.
    private static let mean = 1e6
    /// Enough to notice that one gap in twenty is too long, or too short (see `Flaw`).
    private static let count = 10_000

    private func times(
        _ count: Int, rate: Double = 1000, isPoisson: Bool = true, seed: UInt64, stream: Int = 0
    ) -> [Int64] {
        var schedule = ArrivalSchedule(
            rate: rate, isPoisson: isPoisson, start: 0,
            random: SplitMix(seed: seed, stream: stream))
        return (0..<count).map { _ in
            defer { schedule.advance() }
            return schedule.next
        }
    }

    private func gaps(_ times: [Int64]) -> [Double] {
        zip(times, times.dropFirst()).map { Double($1 - $0) }
    }

    private func distance(_ gaps: [Double]) -> Double {
        AndersonDarling.distance(of: gaps, toExponentialOfMean: ArrivalLawTests.mean)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `gaps of independent arrivals follow the exponential law`(seed: UInt64) {
        let distance = distance(gaps(times(ArrivalLawTests.count, seed: seed)))

        #expect(distance < AndersonDarling.oneInHundred, "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a gap says nothing about the next one`(seed: UInt64) {
        let gaps = gaps(times(ArrivalLawTests.count, seed: seed)).map { $0 / ArrivalLawTests.mean }
        let products = zip(gaps, gaps.dropFirst()).map { ($0 - 1) * ($1 - 1) }
        let correlation = products.reduce(0, +) / Double(products.count)

        // The deviations have a variance of one each, so the mean of n products has one of 1/n.
        #expect(abs(correlation) < 4 / Double(products.count).squareRoot(), "seed \(seed)")
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the shares of several threads are together what one thread would plan`(seed: UInt64) {
        let shares = (0..<4).map {
            times(ArrivalLawTests.count / 4, rate: 250, seed: seed, stream: $0)
        }
        // Beyond the end of the shortest share, arrivals are missing.
        let end = shares.compactMap(\.last).min() ?? 0
        let distance = distance(gaps(shares.joined().filter { $0 <= end }.sorted()))

        #expect(distance < AndersonDarling.oneInHundred, "seed \(seed)")
    }

    @Test func `the test of the law rejects as many fair samples as it says`() {
        let rounds = 400
        let rejected = (0..<rounds).count {
            distance(gaps(times(200, seed: 7, stream: $0))) > AndersonDarling.oneInTwenty
        }

        // Twenty, give or take four standard deviations of 4.4.
        #expect((3...37).contains(rejected), "seed 7")
    }

    /// A way for planned times to be wrong; the last three keep the rate within 5 %.
    enum Flaw: CaseIterable { case even, slow, fewShort, noLong, doubled }

    @Test(arguments: Flaw.allCases)
    func `the test of the law notices a flawed one`(flaw: Flaw) {
        let fair = gaps(times(ArrivalLawTests.count, seed: 1))
        let mean = ArrivalLawTests.mean
        let half = times(ArrivalLawTests.count / 2, rate: 500, seed: 1)
        let flawed =
            switch flaw {
            case .even: gaps(times(ArrivalLawTests.count, isPoisson: false, seed: 1))
            case .slow: fair.map { $0 * 1.05 }
            case .fewShort: fair.map { max($0, 0.05 * mean) }
            case .noLong: fair.map { min($0, 3 * mean) }
            // Threads that draw the same numbers plan the same times.
            case .doubled: gaps((half + half).sorted())
            }

        #expect(distance(flawed) > AndersonDarling.oneInHundred)
    }
}
