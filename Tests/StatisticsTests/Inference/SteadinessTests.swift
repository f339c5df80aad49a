import Testing

@testable import Statistics

struct SteadinessTests {
    private func isSteady(_ rates: [Double], _ medians: [Double]? = nil) -> Bool {
        var steadiness = Steadiness()
        for (rate, median) in zip(rates, medians ?? rates.map { _ in 100 }) {
            steadiness.add(rate: rate, median: median)
        }
        return steadiness.isSteady
    }

    private let level = [Double](repeating: 1000, count: 10)

    @Test func `a level load is steady, after ten windows`() {
        #expect(isSteady(level))
        #expect(!isSteady(Array(level.dropLast())))
    }

    @Test func `one disturbed window does not matter`() {
        var rates = level
        rates[4] = 200
        #expect(isSteady(rates))
    }

    @Test func `a rate that climbs, or a latency that does, is not steady`() {
        let climbing = (0..<10).map { 1000 + 20 * Double($0) }
        #expect(!isSteady(climbing))
        #expect(!isSteady(level, climbing))
    }

    @Test func `only the latest windows count`() {
        let climb = (0..<10).map { 100 * Double($0) }
        #expect(isSteady(climb + level))
    }

    @Test func `a load that jumps about, or is none, is not steady`() {
        #expect(!isSteady((0..<10).map { $0 % 2 == 0 ? 1000 : 1500 }))
        #expect(!isSteady([Double](repeating: 0, count: 10)))
    }

    @Test func `few independent arrivals are steady, although their windows differ by chance`() {
        var steady = 0
        for seed in 1...200 {
            var random = SplitMix(seed: UInt64(seed))
            var load = Steadiness(isPoisson: true)
            for _ in 0..<10 {
                // 200/s in windows of a tenth of a second; the medians scatter by a tenth.
                let count = random.poisson(mean: 20)
                load.add(count: count, rate: Double(count) * 10, median: 0.9 + 0.2 * random.share())
            }
            if load.isSteady { steady += 1 }
        }
        #expect(steady >= 198, "\(steady) of 200")
    }

    @Test func `independent arrivals that double are not steady`() {
        var load = Steadiness(isPoisson: true)
        for window in 0..<10 {
            let count = 1000 + 100 * window
            load.add(count: count, rate: Double(count) * 10, median: 1)
        }
        #expect(!load.isSteady)
    }
}
