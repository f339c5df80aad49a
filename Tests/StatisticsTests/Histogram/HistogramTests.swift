import Statistics
import Testing

struct HistogramTests {
    /// Draws from distributions that a latency has: level, with a long tail, in two heaps.
    private static func samples(_ kind: String, seed: UInt64, count: Int) -> [Int64] {
        var random = SplitMix(seed: seed)
        return (0..<count).map { _ in
            let share = Double.random(in: 1e-9..<1, using: &random)
            switch kind {
            case "level": return Int64.random(in: 1...1_000_000, using: &random)
            case "tail": return Int64(20_000 / share.squareRoot())
            case "heaps": return share < 0.9 ? Int64(5_000 * (1 + share)) : Int64(3e9 * share)
            default: return Int64.random(in: 1...300, using: &random)
            }
        }
    }

    @Test(arguments: ["level", "heaps", "small"], [1, 2, 3] as [UInt64])
    func `the standard deviation is within one percent of the exact one`(
        kind: String, seed: UInt64
    ) throws {
        let samples = HistogramTests.samples(kind, seed: seed, count: 20_000)
        var histogram = Histogram()
        for sample in samples { histogram.record(sample) }
        let values = samples.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let exact = (squares / Double(values.count)).squareRoot()

        let deviation = try #require(histogram.standardDeviation)

        #expect(abs(deviation / exact - 1) < 0.01)
    }

    @Test func `equal samples do not deviate, and no samples have no deviation`() {
        var histogram = Histogram()
        #expect(histogram.standardDeviation == nil)
        histogram.record(1_000_000, times: 5)
        #expect(histogram.standardDeviation == 0)
    }

    @Test(arguments: ["level", "tail", "heaps", "small"], [1, 2, 3] as [UInt64])
    func `every quantile is within one percent of the exact one, and never below it`(
        kind: String,
        seed: UInt64
    ) throws {
        let samples = HistogramTests.samples(kind, seed: seed, count: 20_000)
        var histogram = Histogram()
        for sample in samples { histogram.record(sample) }
        let sorted = samples.sorted()

        for quantile in [0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1] {
            let rank = max(1, Int((quantile * Double(sorted.count)).rounded(.up)))
            let exact = sorted[rank - 1]
            let value = try #require(histogram.value(at: quantile))
            #expect(value >= exact, "\(kind) \(seed) \(quantile)")
            #expect(Double(value) <= Double(exact) * 1.01 + 0.5, "\(kind) \(seed) \(quantile)")
        }
        #expect(histogram.min == sorted.first)
        #expect(histogram.max == sorted.last)
        let mean = Double(sorted.reduce(0, +)) / Double(sorted.count)
        #expect(abs((histogram.mean ?? 0) / mean - 1) < 1e-9)
    }

    @Test func `every power of two keeps the error bound at its edges`() throws {
        for octave in 0..<41 {
            for offset in [-1, 0, 1] as [Int64] {
                let sample = (1 << octave) + offset
                guard (1...Histogram.highest).contains(sample) else { continue }
                var histogram = Histogram()
                histogram.record(sample)
                histogram.record(Histogram.highest)
                let value = try #require(histogram.value(at: 0.5))
                #expect(value >= sample)
                #expect(Double(value) <= Double(sample) * 1.01)
            }
        }
    }

    @Test func `values outside of the range are clamped and counted as clamped`() {
        var histogram = Histogram()
        for sample in [0, -5, Histogram.highest + 1, Int64.max, 7] { histogram.record(sample) }

        #expect(histogram.count == 5)
        #expect(histogram.clamped == 4)
        #expect(histogram.min == 1)
        #expect(histogram.max == Histogram.highest)
        #expect(histogram.value(at: 0.5) == 7)
    }

    @Test func `adding two is recording everything in one`() {
        let samples = HistogramTests.samples("tail", seed: 4, count: 5_000).map { $0 }
        var whole = Histogram()
        var first = Histogram()
        var second = Histogram()
        for (index, sample) in samples.enumerated() {
            whole.record(sample)
            if index % 3 == 0 { first.record(sample) } else { second.record(sample) }
        }

        first.add(second)

        #expect(first.count == whole.count)
        #expect(first.min == whole.min)
        #expect(first.max == whole.max)
        for quantile in [0.1, 0.5, 0.99, 1] {
            #expect(first.value(at: quantile) == whole.value(at: quantile))
        }
    }

    @Test func `an empty one has no values, and a cleared one is empty`() {
        var histogram = Histogram()
        histogram.record(5)
        histogram.clear()

        #expect(histogram == Histogram())
        #expect(histogram.value(at: 0.5) == nil)
        #expect(histogram.min == nil)
        #expect(histogram.max == nil)
        #expect(histogram.mean == nil)
    }

    @Test func `a quantile is supported by ten samples beyond it`() {
        var histogram = Histogram()
        for _ in 0..<999 { histogram.record(1) }
        #expect(!histogram.supports(0.99))
        histogram.record(1)
        #expect(histogram.supports(0.99))
        #expect(!histogram.supports(0.999))
    }
}
