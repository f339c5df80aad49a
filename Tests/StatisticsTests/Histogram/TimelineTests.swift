import Statistics
import Testing

struct TimelineTests {
    private func histogram(_ values: Int64...) -> Histogram {
        var histogram = Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    @Test func `an interval goes to its column, with its latencies`() {
        var timeline = Timeline(width: 100)
        timeline.add(histogram(1000, 2000), errors: 1, cpu: 30, at: 250)
        timeline.add(histogram(5000), errors: 0, cpu: 20, at: 299)

        #expect(timeline.columns.map(\.answered) == [0, 0, 3])
        #expect(timeline.columns.last?.largest == 5000)
        #expect(timeline.columns.last?.cpu == 50)
        #expect(timeline.latency(at: 1, column: 2) == 5000)
        let cells = (0..<Timeline.cellCount).map { timeline.answers(column: 2, cell: $0) }
        #expect(cells.reduce(0, +) == 3)
    }

    @Test func `errors of a column are told apart by kind, and what the server took is beside`() {
        var timeline = Timeline(width: 100)
        timeline.add(histogram(1), errors: 3, kinds: ErrorKinds([1, 2]), cpu: 0, at: 50)
        timeline.add(histogram(1), errors: 4, kinds: ErrorKinds([0, 1, 3]), cpu: 0, at: 60)
        timeline.add(serverCPU: 7, at: 70)
        var twice = timeline
        twice.add(timeline)

        #expect(timeline.columns[0].kinds.list == [1, 3, 3, 0, 0, 0])
        #expect(twice.columns[0].kinds.list == [2, 6, 6, 0, 0, 0])
        #expect(twice.columns[0].serverCPU == 14)
        #expect(twice.columns[0].kinds.since(timeline.columns[0].kinds)[.broken] == 3)
        #expect(ErrorKinds().list == [])
    }

    @Test func `a long run is folded, and nothing gets lost`() {
        var timeline = Timeline(width: 10)
        for step in 0..<5000 {
            timeline.add(histogram(1000), errors: 1, cpu: 1, at: Int64(step) * 10)
        }

        #expect(timeline.width == 160)
        #expect(timeline.columns.count <= Timeline.columnsMax)
        #expect(timeline.columns.reduce(0) { $0 + $1.answered } == 5000)
        #expect(timeline.columns.dropLast().allSatisfy { $0.answered == 16 })
    }

    @Test func `two timelines add up, whatever their widths`() {
        var (fine, coarse) = (Timeline(width: 10), Timeline(width: 40))
        for step in 0..<100 {
            fine.add(histogram(1000), errors: 0, cpu: 0, at: Int64(step) * 10)
        }
        for step in 0..<25 {
            coarse.add(histogram(1000, 1000), errors: 0, cpu: 0, at: Int64(step) * 40)
        }

        fine.add(coarse, offset: 40)

        #expect(fine.width == 40)
        #expect(fine.columns.map(\.answered) == [4] + Array(repeating: 6, count: 24) + [2])
    }
}
