import Foundation
import Reports
import Statistics
import Testing

/// Files of HdrHistogram's reference implementation for Python, which `Tests/golden.py` wrote, and
/// files of ours, which it reads.
@Suite struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("golden")

    private static func file(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    /// What all of the files hold; `samples` in golden.py has the same.
    private static let filled: Histogram = {
        var histogram = Histogram()
        for step in 0..<2000 as Range<Int64> { histogram.record(1 + step * step * step * 7) }
        histogram.record(5, times: 300)
        return histogram
    }()

    @Test func `the reference's logs of two, three and four digits hold what was recorded`() throws
    {
        let log = try HistogramLogFile(parsing: GoldenTests.file("reference.hlog"))
        let whole = GoldenTests.filled

        #expect(log.startTime == 1_441_812_279.474)
        #expect(log.intervals.map(\.tag) == ["digits1", "digits2", "digits3", "digits4", nil])
        #expect(log.intervals.map(\.length) == [1.007, 1.007, 1.007, 1.007, 1])
        // Decoded once: an interval makes its histogram anew each time.
        for histogram in log.intervals[1...3].map(\.histogram) {
            #expect(histogram.count == 2300)
            for bin in 0..<Histogram.binCount {
                #expect(histogram[bin: bin] == whole[bin: bin], "bin \(bin)")
            }
            #expect(abs((histogram.mean ?? 0) / (whole.mean ?? 1) - 1) < 0.01)
        }
        #expect(log.intervals[4].histogram == Histogram())
    }

    @Test func `the reference's log of one digit is taken as exactly as it is`() throws {
        let log = try HistogramLogFile(parsing: GoldenTests.file("reference.hlog"))
        let coarse = log.intervals[0].histogram

        #expect(coarse.count == 2300)
        for quantile in [0.2, 0.5, 0.9, 0.99, 1] {
            let exact = try #require(GoldenTests.filled.value(at: quantile))
            let value = try #require(coarse.value(at: quantile))
            let ratio = Double(value) / Double(exact)
            // A bin is a sixteenth of its value wide, and the highest value of it is given.
            #expect(ratio > 0.99 && ratio < 1.0625, "\(quantile)")
        }
    }

    @Test func `our plain encoding is the reference's, byte for byte`() throws {
        let reference = try GoldenTests.file("reference.v2")

        let ours = Data(HistogramCode.encode(GoldenTests.filled)).base64EncodedString()
        #expect(ours + "\n" == reference)
        #expect(try HistogramCode.decode(text: reference.dropLast()).count == 2300)
    }

    @Test func `the reference's percentile text says what ours does`() throws {
        let reference = try GoldenTests.file("reference.hgrm")
        let ours = PercentileText(GoldenTests.filled).text
        let whole = GoldenTests.filled

        #expect(ours.prefix { $0 != "\n" } == reference.prefix { $0 != "\n" })
        // Its last row is the end of a bin, ours is the exact maximum.
        for row in GoldenTests.rows(reference).dropLast() {
            let (milliseconds, share) = (row[0], row[1])
            let value = try #require(whole.value(at: share))
            #expect(whole.value(ofRank: Int(row[2])) == value, "\(row)")
            guard value != whole.max else { continue }
            // It prints two decimals.
            #expect(abs(Double(value) / 1e6 - milliseconds) < 0.005001, "\(row)")
        }
        #expect(
            GoldenTests.rows(ours).map { $0[1] }.prefix(14) == [
                0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.775, 0.8, 0.825,
            ])
        #expect(GoldenTests.rows(ours).last == [55916.041994, 1, 2300])
    }

    /// The columns of each row, without the title and the footer.
    private static func rows(_ text: String) -> [[Double]] {
        text.split(separator: "\n").dropFirst().filter { !$0.hasPrefix("#") }.map {
            $0.split(separator: " ").compactMap { Double($0) }
        }
    }

    @Test func `we write the files that golden_py has read`() throws {
        let header = HistogramLog.header(
            startTime: 1_700_000_000.25, date: "2023-11-14T22:13:20Z")
        let lines = ["response", "service"].map { tag in
            HistogramLog.line(
                tag: tag, startSeconds: 0.5, lengthSeconds: 1, GoldenTests.filled)
        }

        #expect(header + lines.joined() == (try GoldenTests.file("ours.hlog")))
        #expect(PercentileText(GoldenTests.filled).text == (try GoldenTests.file("ours.hgrm")))
    }
}
