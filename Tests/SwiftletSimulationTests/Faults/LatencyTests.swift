import Glibc
import Testing

@testable import SwiftletSimulation

/// Latencies as distributions: their bounds, their moments, and the arithmetic below.
@Suite struct LatencyTests {
    /// Draws of one seed, in milliseconds.
    func draws(_ latency: Latency, count: Int = 20_000) -> [Double] {
        var random = SeededRandom(seed: 7)
        return (0..<count).map { _ in Double(latency.draw(using: &random)) / 1e6 }
    }

    func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

    /// The number below which that share of the others lies.
    func quantile(_ share: Double, _ numbers: [Double]) -> Double {
        numbers.sorted()[Int(share * Double(numbers.count))]
    }

    func isNear(_ value: Double, _ expected: Double, within share: Double = 0.03) -> Bool {
        abs(value - expected) <= expected * share
    }

    @Test func `a constant is what it says and draws nothing`() {
        var random = SeededRandom(seed: 7)
        let before = random
        let time = Latency.constant(.milliseconds(20)).draw(using: &random)

        var (used, unused) = (random, before)
        #expect(time == 20_000_000)
        #expect(used.next() == unused.next())
    }

    @Test func `a uniform latency stays in its range and fills it`() throws {
        let times = draws(.uniform(.milliseconds(10) ... .milliseconds(30)))

        #expect(times.allSatisfy { (10...30).contains($0) })
        #expect(isNear(mean(times), 20))
        #expect(try #require(times.min()) < 10.1)
        #expect(try #require(times.max()) > 29.9)
    }

    @Test func `an exponential latency has its least time, its mean and its tail`() {
        let times = draws(.exponential(from: .milliseconds(5), mean: .milliseconds(25)))

        #expect(times.allSatisfy { $0 >= 5 })
        #expect(isNear(mean(times), 25))
        #expect(isNear(quantile(0.5, times), 5 + 20 * log(2.0)))
        #expect(isNear(quantile(0.99, times), 5 + 20 * log(100.0), within: 0.06))
    }

    @Test func `a log-normal latency has its median and its percentile`() {
        let times = draws(
            .logNormal(median: .milliseconds(20), percentile99: .milliseconds(300)))

        #expect(times.allSatisfy { $0 > 0 })
        #expect(isNear(quantile(0.5, times), 20))
        #expect(isNear(quantile(0.99, times), 300, within: 0.1))
        #expect(isNear(quantile(0.01, times), 20.0 * 20 / 300, within: 0.1))
    }

    @Test func `a Pareto latency stays in its bounds and has its tail`() {
        let times = draws(.pareto(from: .milliseconds(1), to: .seconds(10), exponent: 1.5))
        func share(above limit: Double) -> Double {
            Double(times.filter { $0 > limit }.count) / Double(times.count)
        }

        #expect(times.allSatisfy { (1...10_000).contains($0) })
        #expect(isNear(share(above: 2), pow(2, -1.5), within: 0.05))
        #expect(isNear(share(above: 16), pow(16, -1.5), within: 0.15))
    }

    @Test(arguments: [
        Latency.usual,
        .exponential(mean: .milliseconds(20)),
        .logNormal(median: .milliseconds(20), percentile99: .milliseconds(300)),
        .pareto(from: .milliseconds(1), to: .seconds(10), exponent: 1.5),
    ])
    func `the same seed draws the same nanoseconds`(latency: Latency) {
        #expect(draws(latency, count: 100) == draws(latency, count: 100))
        #expect(Set(draws(latency, count: 100)).count > 90)
    }

    @Test func `what is drawn is the same on every machine`() {
        func first(_ latency: Latency) -> [Int64] {
            var random = SeededRandom(seed: 1)
            return (0..<3).map { _ in latency.draw(using: &random) }
        }

        #expect(first(.usual) == golden[0])
        #expect(first(.exponential(mean: .milliseconds(20))) == golden[1])
        #expect(
            first(.logNormal(median: .milliseconds(20), percentile99: .milliseconds(300)))
                == golden[2])
        #expect(
            first(.pareto(from: .milliseconds(1), to: .seconds(10), exponent: 1.5)) == golden[3])
    }

    private let golden: [[Int64]] = [
        [1_202_922, 1_020_437, 1_074_106],
        [24_275_200, 14_697_584, 17_071_282],
        [179_345_870, 91_055_279, 33_313_808],
        [2_246_047, 1_632_184, 1_766_574],
    ]

    @Test func `latencies as long as time itself are no trouble`() {
        let forever = Duration.seconds(Int64.max)
        var random = SeededRandom(seed: 3)
        let latencies: [Latency] = [
            .constant(forever), .uniform(.zero...forever), .exponential(mean: forever),
            .logNormal(median: .nanoseconds(1), percentile99: forever),
            .pareto(from: .nanoseconds(1), to: forever, exponent: 0.01),
        ]

        for latency in latencies {
            for _ in 0..<1000 { #expect(latency.draw(using: &random) >= 0) }
        }
    }

    @Test func `a latency says in words what it is`() {
        #expect("\(Latency.usual)" == "500 µs to 1.5 ms")
        #expect("\(Latency.constant(.seconds(2)))" == "2 s")
        #expect(
            "\(Latency.exponential(from: .nanoseconds(7), mean: .microseconds(1250)))"
                == "exponential from 7 ns with mean 1.25 ms")
        #expect(
            "\(Latency.logNormal(median: .milliseconds(20), percentile99: .milliseconds(300)))"
                == "log-normal with median 20 ms and 99th percentile 300 ms")
        #expect(
            "\(Latency.pareto(from: .milliseconds(1), to: .seconds(10), exponent: 1.5))"
                == "Pareto from 1 ms to 10 s with exponent 1.5")
    }
}

/// Logarithm, exponential and normal numbers by plain arithmetic.
@Suite struct PlainMathTests {
    @Test func `the logarithm is that of the C library to 14 digits`() {
        for number in [1e-300, 0x1p-53, 0.3, 0.70711, 0.99999, 1, 1.00001, 1.4142, 1.4143, 2, 1e9] {
            let (mine, theirs) = (PlainMath.logarithm(number), log(number))
            #expect(abs(mine - theirs) <= 1e-14 * max(1, abs(theirs)), "\(number)")
        }
    }

    @Test func `the exponential is that of the C library to 13 digits`() {
        for number in [-690, -20.5, -1, -0.3466, 0, 1e-9, 0.3466, 0.3467, 1, 2.5, 20, 690.0] {
            let (mine, theirs) = (PlainMath.exponential(number), exp(number))
            #expect(abs(mine - theirs) <= 1e-13 * theirs, "\(number)")
        }
    }

    @Test func `normal numbers have mean 0, deviation 1 and the known tails`() {
        var random = SeededRandom(seed: 5)
        let numbers = (0..<20_000).map { _ in random.normal() }
        func share(below limit: Double) -> Double {
            Double(numbers.filter { $0 < limit }.count) / 20_000
        }

        #expect(abs(numbers.reduce(0, +) / 20_000) < 0.02)
        #expect(abs(numbers.map { $0 * $0 }.reduce(0, +) / 20_000 - 1) < 0.03)
        #expect(abs(share(below: -1) - 0.1587) < 0.01)
        #expect(abs(share(below: 1.96) - 0.975) < 0.005)
    }
}
