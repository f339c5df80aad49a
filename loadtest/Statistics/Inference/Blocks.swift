/// The measured time of one run in blocks of about a second: what they differ by is what the run
/// itself says about its spread.
///
///     columns   | warm-up |  1  2  3 … 10 | 11 12 … 20 |  rest |
///     blocks                   block 1        block 2     none: blocks have the same length
///
/// It cannot know what another run would have made different: another start of the server, other
/// addresses in memory, another hour.
package struct Blocks: Sendable {
    /// Fewer say nothing about a spread.
    private static let countMin = 3

    private let timeline: Timeline
    private let columns: [Range<Int>]

    /// `start` and `end` are seconds since the run began.
    package init(of timeline: Timeline, from start: Double, to end: Double) {
        self.timeline = timeline
        guard start.isFinite, end.isFinite else {
            columns = []
            return
        }
        let width = Double(timeline.width) / 1e9
        let limit = Double(timeline.columns.count)
        let first = Int(min(max((start / width - 1e-6).rounded(.up), 0), limit))
        let last = Int(min(max((end / width + 1e-6).rounded(.down), 0), limit))
        let length = Int(min(max((1 / width).rounded(), 1), limit + 1))
        columns = stride(from: first, through: last - length, by: length).map { $0..<$0 + length }
    }

    /// Half of the 95 % interval of the answers in a block, as a share of their mean; nil when
    /// there are too few blocks.
    package var spreadOfRate: Double? {
        Blocks.spread(columns.map { Double(answered($0)) })
    }

    /// The same of the generator's CPU time for an answer.
    package var spreadOfCPU: Double? {
        let values = columns.map { block -> Double? in
            let (answers, cpu) = (
                answered(block), timeline.columns[block].reduce(0) { $0 + $1.cpu }
            )
            return answers > 0 ? Double(cpu) / Double(answers) : nil
        }
        return values.contains(nil) ? nil : Blocks.spread(values.compactMap { $0 })
    }

    /// The same of a quantile of the response; nil also when a block has too few samples for it.
    package func spread(at quantile: Double) -> Double? {
        let values = columns.map { latency(at: quantile, in: $0) }
        return values.contains(nil) ? nil : Blocks.spread(values.compactMap { $0 })
    }

    private func answered(_ block: Range<Int>) -> Int {
        timeline.columns[block].reduce(0) { $0 + $1.answered }
    }

    /// A quantile of a block: where its rank falls in a cell, which is too wide to be the answer.
    private func latency(at quantile: Double, in block: Range<Int>) -> Double? {
        let count = answered(block)
        guard Histogram.supports(quantile, count: count) else { return nil }
        let rank = Histogram.rank(of: quantile, in: count)
        var seen = 0
        for cell in 0..<Timeline.cellCount {
            let answers = block.reduce(0) { $0 + timeline.answers(column: $1, cell: cell) }
            if answers > 0, seen + answers >= rank {
                let low = Double(Timeline.lowestValue(ofCell: cell))
                let high = Double(Timeline.lowestValue(ofCell: cell + 1))
                return low + (high - low) * Double(rank - seen) / Double(answers)
            }
            seen += answers
        }
        return nil
    }

    /// Half of the 95 % interval of the mean, as a share of it.
    ///
    /// Seconds that follow each other are alike; where they are, they count as fewer
    /// (Bayley and Hammersley 1946).
    static func spread(_ values: [Double]) -> Double? {
        guard values.count >= countMin else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        guard mean > 0 else { return nil }
        let offsets = values.map { $0 - mean }
        let squares = offsets.reduce(0) { $0 + $1 * $1 }
        if squares == 0 { return 0 }
        let alike = zip(offsets, offsets.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / squares
        let correlation = alike > 0.2 ? min(alike, 0.9) : 0
        let independent = max(2, count * (1 - correlation) / (1 + correlation))
        let error = (squares / (count - 1) / independent).squareRoot()
        return StudentT.factor(freedom: independent - 1) * error / mean
    }
}
