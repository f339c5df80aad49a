import Foundation
import Statistics
import Testing

@Suite struct PairedRatioTests {
    /// The 97.5 % points as Student's table prints them, and those of 99.95 %.
    @Test(arguments: [
        (1, 12.706, 636.619), (2, 4.303, 31.599), (3, 3.182, 12.924), (7, 2.365, 5.408),
        (8, 2.306, 5.041), (11, 2.201, 4.437), (30, 2.042, 3.646), (120, 1.980, 3.373),
    ])
    func `the tail of Student's t is that of the printed tables`(
        freedom: Int, five: Double, tenth: Double
    ) {
        #expect(abs(StudentT.probability(beyond: five, freedom: freedom) - 0.05) < 5e-5)
        #expect(abs(StudentT.probability(beyond: -five, freedom: freedom) - 0.05) < 5e-5)
        #expect(abs(StudentT.factor(probability: 0.05, freedom: freedom) - five) < 6e-4)
        #expect(abs(StudentT.factor(probability: 0.001, freedom: freedom) - tenth) < 6e-4)
    }

    @Test func `no value of t is surprising that is 0, and an infinite one is`() {
        for freedom in 1...20 {
            #expect(StudentT.probability(beyond: 0, freedom: freedom) == 1)
            #expect(StudentT.probability(beyond: .infinity, freedom: freedom) < 1e-15)
            #expect(StudentT.probability(beyond: .nan, freedom: freedom) == 1)
        }
    }

    @Test func `Holm multiplies the smallest most, and keeps the order`() {
        #expect(Holm.corrected([]) == [])
        #expect(Holm.corrected([0.04]) == [0.04])
        #expect(Holm.corrected([0.03, 0.01, 0.02]) == [0.04, 0.03, 0.04])
        #expect(Holm.corrected([0.5, 0.9, 0.0]) == [1, 1, 0])
    }

    @Test func `what a round does to both falls out of their ratio`() throws {
        let rounds = [1.0, 3, 0.5, 8, 2, 1.5]
        let ratio = try #require(PairedRatio(rounds.map { (new: 110 * $0, old: 100 * $0) }))

        #expect(abs(exp(ratio.center) - 1.1) < 1e-12)
        #expect(ratio.probability < 1e-9)
        let interval = try #require(ratio.interval)
        #expect(interval.upperBound - interval.lowerBound < 1e-9)
    }

    @Test func `the interval is Student's on the logarithms`() throws {
        let logarithms = [0.01, 0.02, 0.03, 0.04]
        let ratio = try #require(PairedRatio(logarithms.map { (new: exp($0), old: 1) }))

        // Mean 0.025, standard deviation 0.012910, so 0.006455 for the mean of four.
        let interval = try #require(ratio.interval)
        #expect(abs(interval.lowerBound - (0.025 - 3.182 * 0.006455)) < 1e-5)
        #expect(abs(interval.upperBound - (0.025 + 3.182 * 0.006455)) < 1e-5)
        #expect(abs(ratio.probability - 0.0305) < 1e-3)
    }

    @Test func `through a third, differences are taken and their errors added in squares`() throws {
        let new = try #require(PairedRatio([1.1, 1.2, 1.3].map { (new: $0, old: 1) }))
        let old = try #require(PairedRatio([1.0, 1.1, 1.05, 1.02].map { (new: $0, old: 1) }))
        let ratio = PairedRatio(new, over: old)

        #expect(ratio.count == 3)
        #expect(abs(ratio.center - (new.center - old.center)) < 1e-12)
        let errors = try (#require(new.error), #require(old.error))
        let error = (errors.0 * errors.0 + errors.1 * errors.1).squareRoot()
        #expect(abs(try #require(ratio.error) - error) < 1e-12)
        let one = try #require(PairedRatio([(new: 2, old: 1)]))
        #expect(PairedRatio(new, over: one).interval == nil)
    }

    @Test func `one round has a ratio and no interval, and what is not above zero has none`() {
        let one = PairedRatio([(new: 2, old: 1)])

        #expect(one?.interval == nil && one?.probability == 1 && one?.count == 1)
        #expect(PairedRatio([]) == nil)
        #expect(PairedRatio([(new: 0, old: 1), (new: 1, old: 1)]) == nil)
        #expect(PairedRatio([(new: 1, old: -1)]) == nil)
        #expect(PairedRatio([(new: .infinity, old: 1)]) == nil)
        #expect(PairedRatio([(new: .nan, old: 1)]) == nil)
    }

    @Test func `a round that is far off says nothing`() throws {
        let calm = [1.00, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 1.09]
        var disturbed = calm
        disturbed[9] = 1e9

        let ratio = try #require(PairedRatio(disturbed.map { (new: $0, old: 1) }))

        #expect(ratio == PairedRatio(calm.map { (new: $0, old: 1) }))
        #expect(try #require(ratio.interval).upperBound < log(1.08))
    }

    @Test func `the interval of many rounds is Yuen's`() throws {
        // Of ten, two at either end are left out: the mean of 0.3 … 0.8 is 0.55. Winsorized, the
        // squares are 2 · (3 · 0.25² + 0.15² + 0.05²) = 0.425, so the error is √(0.425 / 30).
        let ratio = try #require(
            PairedRatio((1...10).map { (new: exp(Double($0) / 10), old: 1) }))

        #expect(abs(ratio.center - 0.55) < 1e-12)
        #expect(abs(try #require(ratio.error) - (0.425 / 30).squareRoot()) < 1e-12)
        let interval = try #require(ratio.interval)
        #expect(abs(interval.upperBound - (0.55 + 2.571 * (0.425 / 30).squareRoot())) < 1e-9)
    }

    @Test func `a difference of the smallest size is found about four times in five`() throws {
        var random = SplitMix(seed: 7)
        var (found, all) = (0, 0)
        // What is left out makes the mean of eight normal rounds a tenth less sure.
        let error = 1.1 * 0.02 * (2.0 / 8).squareRoot()
        let expected = (StudentT.factor(probability: 0.005, freedom: 5) + 0.9) * error
        for _ in 0..<1000 {
            let pairs = (0..<8).map { _ in
                (new: exp(expected + 0.02 * random.normal()), old: exp(0.02 * random.normal()))
            }
            let ratio = try #require(PairedRatio(pairs))
            all += 1
            if ratio.probability < 0.005 { found += 1 }
        }

        #expect((0.72...0.88).contains(Double(found) / Double(all)), "\(found) of \(all)")
    }
}

@Suite struct RoundsTests {
    @Test func `the middle of rounds is their median`() {
        #expect(Rounds([3, 1, 2])?.median == 2)
        #expect(Rounds([4, 1, 2, 3])?.median == 2.5)
        #expect(Rounds([]) == nil)
        #expect(Rounds([1, .nan]) == nil)
    }

    @Test func `a round that stands apart is told from the others`() throws {
        let rounds = try #require(Rounds([10, 11, 10.5, 10.2, 30, 10.8, 10.4, 10.6]))

        #expect(rounds.standsApart == [false, false, false, false, true, false, false, false])
        #expect(Rounds([1, 1, 90])?.standsApart == [false, false, false])
    }

    @Test func `an interval needs two rounds above zero`() throws {
        #expect(try #require(Rounds([5])).interval == nil)
        #expect(try #require(Rounds([5, 0])).interval == nil)
        let interval = try #require(Rounds([99, 101, 100, 100])?.interval)
        #expect(interval.low < 100 && interval.low > 98)
        #expect(interval.high > 100 && interval.high < 102)
    }
}

extension SplitMix {
    /// A number of the normal distribution (Box and Muller 1958).
    mutating func normal() -> Double {
        (-2 * log(share())).squareRoot() * cos(2 * Double.pi * share())
    }
}
