/// How many answers each connection got: closed-loop percentiles hide a connection that got hardly
/// any.
///
/// Sums and a histogram instead of a list, so that workers and shards add up exactly.
package struct Served: Sendable, Equatable {
    /// Connections that were counted.
    package private(set) var connections = 0
    /// Of those, the ones that got no answer at all.
    package private(set) var never = 0
    private var counts = Histogram()
    private var sum = 0.0
    private var sumOfSquares = 0.0

    package init() {}

    /// Takes the parts of a document back.
    package init(connections: Int, never: Int, counts: Histogram, sum: Double, squares: Double) {
        self.connections = connections
        self.never = never
        self.counts = counts
        self.sum = sum
        sumOfSquares = squares
    }

    /// Counts one connection and its answers.
    package mutating func record(_ answers: Int) {
        connections += 1
        if answers == 0 { never += 1 } else { counts.record(Int64(answers)) }
        sum += Double(answers)
        sumOfSquares += Double(answers) * Double(answers)
    }

    package mutating func add(_ other: Served) {
        connections += other.connections
        never += other.never
        counts.add(other.counts)
        sum += other.sum
        sumOfSquares += other.sumOfSquares
    }

    /// The answers of the least served connection, exact.
    package var least: Int { never > 0 ? 0 : Int(counts.min ?? 0) }
    /// The answers of the most served connection, exact.
    package var most: Int { Int(counts.max ?? 0) }
    /// Answers per connection.
    package var mean: Double { connections == 0 ? 0 : sum / Double(connections) }

    /// Answers that a share of the connections stays at or below, to 1 %.
    package func answers(at quantile: Double) -> Int {
        guard connections > 0 else { return 0 }
        let rank = Histogram.rank(of: quantile, in: connections)
        return rank <= never ? 0 : Int(counts.value(ofRank: rank - never) ?? 0)
    }

    /// Connections that got less than a tenth of the mean, those without an answer included.
    package var hardly: Int {
        never + counts.count(in: 0..<Int64((mean / 10).rounded(.up)))
    }

    /// Jain's index of fairness: 1 when all got the same, 1/n when one got everything
    /// (Jain, Chiu, Hawe 1984); nil when nothing was answered.
    package var jain: Double? {
        sumOfSquares > 0 ? sum * sum / (Double(connections) * sumOfSquares) : nil
    }

    /// The histogram of the connections that got an answer, by number of answers.
    package var histogram: Histogram { counts }
    /// Answers over all connections, and the sum of their squares.
    package var sums: (answers: Double, squares: Double) { (sum, sumOfSquares) }
}
