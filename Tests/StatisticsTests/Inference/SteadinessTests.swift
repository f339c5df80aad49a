import Statistics
import Testing

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
}
