import Foundation
import Testing

@testable import Statistics

@Suite struct `Histograms as bytes` {
    private static func random(_ seed: UInt64, count: Int) -> Histogram {
        var random = SplitMix(seed: seed)
        var histogram = Histogram()
        for _ in 0..<count {
            let octave = Int64.random(in: 0...41, using: &random)
            let value = Int64.random(in: 1...(2 << octave), using: &random)
            histogram.record(value, times: Int.random(in: 1...1 << 20, using: &random))
        }
        return histogram
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `both forms read back as they were written`(seed: UInt64) throws {
        let histogram = `Histograms as bytes`.random(seed, count: Int(seed * seed))
        let (smallest, largest) = (try #require(histogram.min), try #require(histogram.max))

        for var read in [
            try HistogramCode.decode(HistogramCode.encode(histogram)),
            try HistogramCode.decode(HistogramCode.compressed(histogram)),
        ] {
            #expect(read.min.map { $0 <= smallest } == true)
            #expect(read.max.map { $0 >= largest } == true)
            let isTaken = read.correct(
                smallest: smallest, largest: largest, sum: histogram.total,
                clamped: histogram.clamped)
            #expect(isTaken)
            #expect(read == histogram)
        }
    }

    @Test func `an empty one and the ends of the range read back`() throws {
        #expect(try HistogramCode.decode(HistogramCode.compressed(Histogram())) == Histogram())
        var histogram = Histogram()
        histogram.record(0)
        histogram.record(.max, times: 3)

        let read = try HistogramCode.decode(HistogramCode.encode(histogram))

        #expect(read.count == 4)
        #expect(read.min == 1)
        #expect(read.max == Histogram.highest)
        #expect(read.clamped == 0)
    }

    @Test func `values outside our range are clamped and counted`() throws {
        // Three digits, up to the largest number; a zero, and one in the last octave.
        var bytes: [UInt8] = []
        bytes.appendBigEndian(HistogramCode.cookie | 0x10)
        var counts: [UInt8] = []
        counts.appendZigZag(7)
        counts.appendZigZag(-(53 << 10))
        counts.appendZigZag(2)
        bytes.appendBigEndian(UInt32(counts.count))
        bytes.appendBigEndian(0 as UInt32)
        bytes.appendBigEndian(3 as UInt32)
        bytes.appendBigEndian(1 as Int64)
        bytes.appendBigEndian(Int64.max)
        bytes.appendBigEndian(1.0.bitPattern)

        let read = try HistogramCode.decode(bytes + counts)

        #expect(read.count == 9)
        #expect(read.clamped == 9)
        #expect(read.min == 1)
        #expect(read.max == Histogram.highest)
    }

    @Test func `exact figures that the bins contradict are refused`() {
        var histogram = Histogram()
        histogram.record(1000, times: 5)
        histogram.record(9000)
        let before = histogram
        func correct(_ smallest: Int64, _ largest: Int64, _ sum: Double, _ clamped: Int) -> Bool {
            histogram.correct(smallest: smallest, largest: largest, sum: sum, clamped: clamped)
        }

        #expect(!correct(900, 9000, 14_000, 0))
        #expect(!correct(1000, 9900, 14_000, 0))
        #expect(!correct(1000, 9000, 28_000, 0))
        #expect(!correct(1000, 9000, .nan, 0))
        #expect(!correct(1000, 9000, 14_000, 7))
        #expect(histogram == before)
        #expect(correct(1001, 9001, 14_005, 1))
        #expect(histogram.min == 1001)
        #expect(histogram.mean == 14_005.0 / 6)
    }

    @Test(arguments: 1...300 as ClosedRange<UInt64>)
    func `damaged bytes are an error or a histogram`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let histogram = `Histograms as bytes`.random(seed, count: 30)
        let golden = try GoldenBytes.deflated()
        var bytes = seed.isMultiple(of: 2) ? golden : HistogramCode.encode(histogram)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
        }
        if Bool.random(using: &random) {
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
        }

        // Whatever it is, it adds up: nothing traps. The seed is the test's argument.
        do throws(HistogramError) {
            var read = try HistogramCode.decode(bytes)
            read.add(read)
            #expect(read.count == read.occupied.reduce(0) { $0 + read[bin: $1] })
        } catch {
            #expect(!error.description.isEmpty)
        }
    }

    @Test func `what is no histogram says what is wrong`() throws {
        #expect(throws: HistogramError.endsEarly) { try HistogramCode.decode([0x1C]) }
        #expect(throws: HistogramError.unknownFormat(cookie: 0x1C84_9301)) {
            try HistogramCode.decode([0x1C, 0x84, 0x93, 0x01, 0, 0])
        }
        var bytes = HistogramCode.encode(Histogram())
        bytes[15] = 9
        #expect(throws: HistogramError.badHeader("9 significant digits")) {
            try HistogramCode.decode(bytes)
        }
    }
}

/// Bytes that the reference implementation has deflated, from its golden log.
enum GoldenBytes {
    static func deflated() throws -> [UInt8] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../ReportsTests/Formats/golden/reference.hlog")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let text = try #require(lines[4].split(separator: ",").last)
        return Array(try #require(Data(base64Encoded: String(text))))
    }
}
