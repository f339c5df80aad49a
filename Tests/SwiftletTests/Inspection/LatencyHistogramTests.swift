import SwiftletSimulation
import Syscalls
import Testing

@testable import Swiftlet

/// How long turns and delays are, counted.
@Suite struct LatencyHistogramTests {
    @Test(arguments: 0..<62)
    func `a quantile is never too low and at most an eighth too high`(power: Int64) throws {
        let start: Int64 = 1 << power
        for value in [start - 1, start, start + 1] {
            var histogram = LatencyHistogram()
            histogram.record(value)
            // Longer, so that the longest does not make up for the width of the bin.
            histogram.record(.max)

            let median = try #require(histogram.quantile(0.5))
            #expect(median >= value)
            if value < 1024 { #expect(median == 1023) }
            if 1024 <= value, value < 1 << 36 { #expect(median - value <= value / 8) }
            #expect(histogram.quantile(1) == .max)
            #expect(histogram.longest == .max)
        }
    }

    @Test func `a quantile is of the rank that it names`() {
        var histogram = LatencyHistogram()
        for microseconds in 1...100 { histogram.record(Int64(microseconds) * 1000) }

        for percent in [1, 10, 50, 90, 99] {
            let quantile = histogram.quantile(Double(percent) / 100) ?? 0
            #expect(quantile >= percent * 1000)
            #expect(quantile <= max(1023, percent * 1125))
        }
        #expect(histogram.quantile(1) == 100_000)
        #expect(histogram.quantile(0) == 1023)
        #expect(histogram.quantile(-1) == 1023)
        #expect(histogram.quantile(2) == 100_000)
        #expect(histogram.quantile(.nan) != nil)
        #expect(histogram.sum == 5_050_000)
    }

    @Test func `nothing has no quantile, and adds nothing`() {
        let empty = LatencyHistogram()
        var some = empty
        some.record(-5)

        #expect(empty.quantile(0.5) == nil)
        #expect(empty.buckets.isEmpty)
        #expect(some.longest == 0 && some.count == 1 && some.sum == 0)
        var (left, right) = (empty, some)
        left.merge(some)
        right.merge(empty)
        #expect(left == some)
        #expect(right == some)
    }

    @Test func `what several loops have counted is what one would have`() {
        var (all, odd, even) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for number in 0..<1000 {
            let value = Int64(number) * Int64(number) * 997
            all.record(value)
            if number % 2 == 0 { even.record(value) } else { odd.record(value) }
        }
        odd.merge(even)

        #expect(odd == all)
        #expect(all.buckets.last?.count == 1000)
        #expect(all.buckets.map(\.upTo) == all.buckets.map(\.upTo).sorted())
    }

    @Test func `each look ends a turn, as long as the jobs before it ran`() throws {
        let statistics = try Simulation(seed: 1).run { _ in
            try await sleep(for: .seconds(5))
            return loopStatistics()
        }

        // In a simulation no time passes while jobs run.
        #expect(statistics.turnLengths.count == statistics.waits)
        #expect(statistics.turnLengths.longest == statistics.longestTurn)
    }

    @Test func `a job that waits for another one is delayed by it`() async throws {
        let delay = Delay()
        let delays = try await onLoop(over: { try HeldUpDriver(.poll, by: delay) }) {
            let loop = try #require(EventLoop.current)
            #expect(loopStatistics().delays.count == 0)
            await loop.measureDelays()
            // It can run from now on, and does when the body lets it.
            let other = try spawn {}
            delay.add(.seconds(3600))
            try await other.value
            return await loop.statistics.delays
        }

        #expect(delays.count > 0)
        #expect(delays.longest >= 3600 * 1_000_000_000)
        // All the others waited for nothing like that.
        #expect(delays.buckets.dropLast().allSatisfy { $0.upTo < 3600 * 1_000_000_000 })
    }
}
