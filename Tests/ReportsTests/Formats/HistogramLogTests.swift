import Reports
import Statistics
import Testing

@Suite struct `Interval logs` {
    private static let some: Histogram = {
        var histogram = Histogram()
        for value in 1...1000 as ClosedRange<Int64> { histogram.record(value * 1000) }
        return histogram
    }()

    @Test func `what was written reads back`() throws {
        let text =
            HistogramLog.header(startTime: 1_700_000_000, date: "2023-11-14T22:13:20Z")
            + HistogramLog.line(
                tag: "response", startSeconds: 0.25, lengthSeconds: 1, `Interval logs`.some)
            + HistogramLog.line(
                tag: "service", startSeconds: 1.25, lengthSeconds: 0.5, Histogram())

        let log = try HistogramLogFile(parsing: text)

        #expect(log.startTime == 1_700_000_000)
        #expect(log.intervals.map(\.tag) == ["response", "service"])
        #expect(log.intervals.map(\.start) == [0.25, 1.25])
        #expect(log.intervals.map(\.length) == [1, 0.5])
        #expect(log.intervals[0].histogram.count == 1000)
        #expect(text.contains("\nTag=response,0.250,1.000,1.000000,HISTFAAA"))
        #expect(text.contains("\nTag=service,1.250,0.500,0.000000,HISTFAAA"))
    }

    @Test func `times since 1970 and times from a base count from the start`() throws {
        let line = HistogramLog.line(
            tag: "a", startSeconds: 1_700_000_005, lengthSeconds: 1, `Interval logs`.some)
        let header = "#[StartTime: 1700000000.000 (seconds since epoch), then]\r\n"
        let untagged = line.dropFirst("Tag=a,1700000005.000".count)

        #expect(try HistogramLogFile(parsing: header + line).intervals[0].start == 5)
        #expect(try HistogramLogFile(parsing: line).startTime == 1_700_000_005)
        #expect(try HistogramLogFile(parsing: header + "7.5" + untagged).intervals[0].start == 7.5)
        let base = "#[BaseTime: 1700000100.000 (seconds since epoch)]\n"
        let based = try HistogramLogFile(parsing: header + base + "7.5" + untagged)
        #expect(based.intervals[0].start == 107.5)
        #expect(based.intervals[0].tag == nil)
    }

    @Test func `only a last line says that a log is whole, and a part of a line is left out`()
        throws
    {
        let header = HistogramLog.header(startTime: 5, date: "then")
        let line = HistogramLog.line(
            tag: "a", startSeconds: 0, lengthSeconds: 1, `Interval logs`.some)
        let whole = header + line + HistogramLog.end(time: 6, date: "later")

        #expect(try HistogramLogFile(parsing: whole).isWhole)
        for cut in line.indices.dropLast() {
            let log = try HistogramLogFile(parsing: header + line + line[..<cut])
            #expect(!log.isWhole && log.intervals.count == 1)
        }
        #expect(HistogramLogFile.isLog(whole) && !HistogramLogFile.isLog("{}"))
    }

    @Test(arguments: [
        ("1,2,3", "line 2: it has 3 columns and not four"),
        ("1,x,3,HISTFAAA", "line 2: its time is no number: 1,x"),
        ("nan,1,3,HISTFAAA", "line 2: its time is no number: nan,1"),
        ("Tag=a,1,1,3,HIST", "line 2: the histogram is cut off"),
        ("Tag=a", "line 2: it has 0 columns and not four"),
    ])
    func `a line that is no interval is named`(line: String, message: String) {
        let error = #expect(throws: HistogramLogError.self) {
            try HistogramLogFile(parsing: "# a comment\n\(line)\n")
        }
        #expect(error?.description == message)
    }
}
