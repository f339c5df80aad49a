import Testing

@testable import Statistics

@Suite struct `A run's seconds` {
    /// Tenths of a second with so many answers each, of 1 ms to 2 ms.
    private func timeline(_ answers: [Int]) -> Timeline {
        var timeline = Timeline()
        for (index, count) in answers.enumerated() {
            var histogram = Histogram()
            for step in 0..<count { histogram.record(1_000_000 + Int64(step * 1_000_000 / count)) }
            timeline.add(
                histogram, errors: 0, cpu: Int64(count) * 1000, at: Int64(index) * 100_000_000)
        }
        return timeline
    }

    @Test func `equal seconds have no spread, and what is outside the measured time no part`() {
        let all = timeline([5] + Array(repeating: 100, count: 50) + [3])
        let blocks = Blocks(of: all, from: 0.1, to: 5.1)

        #expect(blocks.spreadOfRate == 0)
        #expect(blocks.spreadOfCPU == 0)
        #expect(blocks.spread(at: 0.5) == 0)
        #expect((Blocks(of: all, from: 0, to: 5.2).spreadOfRate ?? 0) > 0)
    }

    @Test func `uneven seconds have the interval of their mean`() throws {
        let answers = [90, 110, 110, 90].flatMap { Array(repeating: $0, count: 10) }
        let spread = try #require(Blocks(of: timeline(answers), from: 0, to: 4).spreadOfRate)

        // The deviation of 11.547 % over √4, times 3.182 for three degrees of freedom.
        #expect(abs(spread - 0.1837) < 0.0001)
    }

    @Test func `seconds that are like the one before count as fewer`() throws {
        let calm = try #require(Blocks.spread([90, 110, 90, 110, 90, 110, 90, 110]))
        let drifting = try #require(Blocks.spread([90, 90, 90, 90, 110, 110, 110, 110]))

        #expect(drifting > 2 * calm)
    }

    @Test func `too few seconds or samples, and nothing at all, have no spread`() {
        let few = Blocks(of: timeline(Array(repeating: 50, count: 25)), from: 0, to: 2.5)
        let four = Blocks(of: timeline(Array(repeating: 50, count: 40)), from: 0, to: 4)

        #expect(few.spreadOfRate == nil)
        #expect(four.spread(at: 0.5) == 0)
        #expect(four.spread(at: 0.99) == nil)
        #expect(Blocks(of: Timeline(), from: 0, to: 10).spreadOfRate == nil)
        #expect(Blocks(of: timeline([1]), from: -.infinity, to: .nan).spreadOfCPU == nil)
        #expect(Blocks(of: timeline([]), from: 0, to: 0).spread(at: 0.5) == nil)
    }

    @Test func `a quantile is as uncertain as the ranks that it may have`() throws {
        var latency = Latency()
        for step in 1...10_000 { latency.answered.record(Int64(step) * 1_000_000) }

        // Of 10,000, the median has a rank of 5,000 ± 98: two percent.
        #expect(abs(try #require(latency.spread(at: 0.5)) - 0.0196) < 0.008)
        #expect(latency.spread(at: 0.9999) == nil)
        #expect(Latency().spread(at: 0.5) == nil)
    }
}
