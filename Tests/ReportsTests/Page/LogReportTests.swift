import MarkupChecks
import Reports
import Statistics
import Testing

@Suite struct LogReportTests {
    /// A log of some intervals, one second each.
    private func log(_ tags: [String], isWhole: Bool = true) throws -> HistogramLogFile {
        var histogram = Histogram()
        for value in 1...1000 as ClosedRange<Int64> { histogram.record(value * 1000) }
        var text = HistogramLog.header(startTime: 1_700_000_000, date: "then")
        for (second, tag) in tags.enumerated() {
            text += HistogramLog.line(
                tag: tag, startSeconds: Double(second), lengthSeconds: 1, histogram)
        }
        return try HistogramLogFile(
            parsing: isWhole ? text + HistogramLog.end(time: 1_700_000_009, date: "later") : text)
    }

    @Test func `a log without an end is called that, and how far it goes`() throws {
        let whole = LogReport([("a", try log(["response"]))])
        let cut = LogReport([("a", try log(["response", "response"], isWhole: false))])

        #expect(whole.html.contains("The log is whole."))
        #expect(whole.markdown.contains("The log is whole."))
        for text in [cut.html, cut.markdown] {
            #expect(text.contains("The log has no end: the run that wrote it was killed"))
            #expect(text.contains("goes to +2.00 s of it"))
        }
        #expect(try elements(of: cut.html).contains { $0.attributes["class"] == "verdict invalid" })
        #expect(LogReport([("a", try log([]))]).html.contains("It has no interval."))
    }

    @Test func `the intervals of a tag are one column and one curve`() throws {
        let page = LogReport([("a", try log(["response", "service", "response"]))])

        #expect(page.markdown.contains("|  | response | service |"))
        #expect(page.markdown.contains("| p50 | 502 us | 502 us |"))
        #expect(page.markdown.hasSuffix("| samples | 2,000 | 1,000 |\n"))
        #expect(
            try elements(of: page.html).count { $0.attributes["class"] == "chart wide" } == 1)
        #expect(try elements(of: page.svg).contains { $0.name == "svg" })
    }

    @Test func `names and tags from outside are inert`() throws {
        let page = LogReport([("<b>|", try log(["<i>", "<i>|x"]))])

        #expect(try !elements(of: page.html).contains { ["i", "b"].contains($0.name) })
        #expect(!page.markdown.contains("<i>") && !page.markdown.contains("<b>"))
    }
}
