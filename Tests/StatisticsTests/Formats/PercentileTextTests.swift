import Statistics
import Testing

@Suite struct `Percentile text` {
    @Test func `an empty histogram has a title, no row and a footer`() {
        let lines = PercentileText(Histogram()).text.split(separator: "\n")

        #expect(lines.count == 4)
        #expect(lines[0] == "       Value     Percentile TotalCount 1/(1-Percentile)")
        #expect(lines[2].hasSuffix("Total count    =            0]"))
    }

    @Test func `the last row is the exact maximum, at everything`() throws {
        var histogram = Histogram()
        histogram.record(1_234_567, times: 3)
        histogram.record(98_765_432)

        let rows = PercentileText(histogram).text.split(separator: "\n").filter {
            !$0.hasPrefix("#")
        }

        #expect(rows.last == "   98.765432 1.000000000000          4")
        #expect(rows[1].hasSuffix(" 0.000000000000          3           1.00"))
    }
}
