import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct `Parts of the report` {
    @Test func `every hint fits below its error`() {
        for phase in ErrorRow.Phase.allCases {
            for errno in [
                "ECONNREFUSED", "ETIMEDOUT", "timeout", "eof", "EMFILE", "EADDRNOTAVAIL", "E?",
            ] {
                let row = ErrorRow(
                    phase: phase,
                    errno: errno,
                    count: 1,
                    firstSeen: 0,
                    exampleConnection: 0
                )
                let hint = Hints.hint(for: row)
                #expect(!hint.isEmpty && hint.count <= 67, "\(hint)")
            }
        }
    }

    @Test func `a histogram draws at most ten rows that add up to all`() throws {
        for spread in [1, 7, 1000, 90_000_000] {
            var histogram = Histogram()
            for step in 0..<1000 { histogram.record(20_000 + Int64(step * spread)) }
            let lines = HistogramDrawing(histogram).lines(width: 80)
            let shares = lines.compactMap { line in
                line.split(separator: " ").dropLast().last.flatMap { Double($0) }
            }

            #expect((1...10).contains(lines.count), "\(spread)")
            #expect(abs(shares.reduce(0, +) - 100) < 1, "\(spread)")
            #expect(lines.allSatisfy { $0.count <= 80 })
        }
    }
}
