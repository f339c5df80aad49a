import Statistics
import Testing

struct LatencyTests {
    private func latency(answered: Int, censored: [Int64]) -> Latency {
        var latency = Latency()
        for step in 0..<answered { latency.answered.record(Int64(step + 1) * 1000) }
        for age in censored { latency.censored.record(age) }
        return latency
    }

    @Test func `without a loss a quantile is known`() {
        let all = latency(answered: 1000, censored: [])

        #expect(all.value(at: 0.99) == .exactly(all.answered.value(at: 0.99) ?? 0))
        #expect(all.max == .exactly(1_000_000))
    }

    @Test func `a loss of two percent makes the 99th percentile a lower bound, and no lower one`() {
        let ages = [Int64](repeating: 5_000_000_000, count: 20)
        let all = latency(answered: 980, censored: ages)

        #expect(all.value(at: 0.97)?.isLowerBound == false)
        #expect(all.value(at: 0.99)?.isLowerBound == true)
        #expect((all.value(at: 0.99)?.nanoseconds ?? 0) >= 5_000_000_000 * 127 / 128)
        #expect(all.max == .atLeast(5_000_000_000))
    }

    @Test func `one that was given up early may have taken any time`() {
        // Ten were lost when they were young: the median may be one rank later, or ten.
        let all = latency(answered: 990, censored: [Int64](repeating: 1, count: 10))

        let median = all.value(at: 0.5)
        #expect(median?.isLowerBound == true)
        #expect((median?.nanoseconds ?? 0) <= 500_000)
    }

    @Test func `nothing has no quantile`() {
        #expect(Latency().value(at: 0.5) == nil)
        #expect(Latency().max == nil)
    }

    @Test func `when all were lost every quantile is a lower bound`() {
        let all = latency(answered: 0, censored: [1000, 2000, 3000])

        #expect(all.value(at: 0.5)?.isLowerBound == true)
    }
}
