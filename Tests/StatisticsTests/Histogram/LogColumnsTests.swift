import Statistics
import Testing

@Suite struct LogColumnsTests {
    @Test func `a cell is spread over the columns that it lies on`() {
        var columns = LogColumns(from: 1, to: 16, count: 4)
        columns.add(10, from: 2, to: 4)
        columns.add(6, from: 2, to: 16)

        #expect(columns.counts.map { ($0 * 1e6).rounded() / 1e6 } == [0, 12, 2, 2])
        #expect((columns.factor - 2).magnitude < 1e-12)
        #expect((columns.lowestValue(ofColumn: 4) - 16).magnitude < 1e-9)
    }

    @Test func `what is beyond an end belongs to the column there, and nothing is lost`() {
        var columns = LogColumns(from: 10, to: 1000, count: 7)
        columns.add(3, from: 0, to: 1)
        columns.add(4, from: 5000, to: 6000)
        columns.add(5, from: 1, to: 10_000)
        columns.add(0, from: 20, to: 30)
        columns.add(9, from: 30, to: 30)

        #expect(columns.counts[0] >= 3 && columns.counts[6] >= 4)
        #expect((columns.counts.reduce(0, +) - 12).magnitude < 1e-9)
    }

    @Test func `columns are no narrower than they may be, and one is there at least`() {
        #expect(LogColumns(from: 1, to: 2, narrowest: 1.5, most: 96).counts.count == 1)
        #expect(LogColumns(from: 1, to: 1.001, narrowest: 1.01, most: 96).counts.count == 1)
        #expect(LogColumns(from: 1, to: 1e9, narrowest: 1.01, most: 96).counts.count == 96)
    }

    @Test func `all of a histogram is in its columns`() {
        var histogram = Histogram()
        for value in [1, 3, 90, 128, 200_000, 3_600_000_000_000] as [Int64] {
            histogram.record(value, times: 5)
        }
        var columns = LogColumns(from: 1, to: 4e12, count: 50)
        columns.add(histogram)

        #expect((columns.counts.reduce(0, +) - 30).magnitude < 1e-9)
    }
}
