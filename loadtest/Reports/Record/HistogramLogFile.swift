import Statistics

/// Why a text is no interval log, and where.
package struct HistogramLogError: Error, Equatable, CustomStringConvertible {
    /// From 1 on.
    package let line: Int
    package let reason: String

    package var description: String { "line \(line): \(reason)" }
}

/// An interval log of HdrHistogram, of ours or of another tool.
package struct HistogramLogFile: Sendable, Equatable {
    /// Seconds since 1970 that the starts of the intervals count from; nil when it is not said.
    package var startTime: Double?
    package var intervals: [Interval] = []
    /// Whether a line says that nothing more was to come.
    package var isWhole = false

    package struct Interval: Sendable, Equatable {
        /// What it holds: "response"; nil when nothing is said.
        package var tag: String?
        /// Seconds from the start of the log to the start of the interval.
        package var start: Double
        /// Seconds.
        package var length: Double
        /// What was read without a mistake; as text, because a day of intervals as histograms would
        /// take gigabytes.
        fileprivate let code: Substring

        package var histogram: Histogram {
            do { return try HistogramCode.decode(text: code) } catch {
                preconditionFailure("a histogram cannot be read a second time: \(error)")
            }
        }
    }

    /// Whether a text is such a log, and no other document.
    package static func isLog(_ text: String) -> Bool {
        text.hasPrefix("#[") || text.hasPrefix("\"StartTimestamp\"")
    }

    /// Reads a log of this or another tool; what is neither a time nor an interval is skipped when
    /// it is a comment or the legend, and an error otherwise.
    package init(parsing text: String) throws(HistogramLogError) {
        var baseTime: Double?
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = HistogramLogFile.withoutReturn(Substring(bytes))
            if line.isEmpty || line.hasPrefix("\"StartTimestamp\"") { continue }
            if line.hasPrefix("#") {
                startTime = HistogramLogFile.time("#[StartTime:", in: line) ?? startTime
                baseTime = HistogramLogFile.time("#[BaseTime:", in: line) ?? baseTime
                if line.hasPrefix("#[EndTime:") { isWhole = true }
                continue
            }
            do {
                intervals.append(try HistogramLogFile.interval(line))
            } catch {
                // Where the writer was killed, or writes just now, the last line may be a part.
                if index == lines.count - 1 { break }
                throw HistogramLogError(line: index + 1, reason: error.description)
            }
        }
        countFromStart(baseTime)
    }

    /// Makes the starts count from the log's own.
    ///
    /// They are seconds since 1970 when no base time is given and they are within a year of the
    /// start time, as HdrHistogram's own reader has it.
    private mutating func countFromStart(_ baseTime: Double?) {
        guard let first = intervals.first else { return }
        let start = startTime ?? first.start
        let year = 365 * 24 * 3600.0
        let isAbsolute = first.start >= start - year
        let offset = (baseTime ?? (isAbsolute ? 0 : start)) - start
        if offset != 0 { for index in intervals.indices { intervals[index].start += offset } }
        startTime = startTime ?? start
    }

    private struct Mistake: Error { let description: String }

    /// `Tag=A,0.127,1.007,2.769,HISTF…`; the tag may be missing.
    private static func interval(_ line: Substring) throws(Mistake) -> Interval {
        var columns = line.split(separator: ",", omittingEmptySubsequences: false)
        let tag = columns.first.flatMap { $0.hasPrefix("Tag=") ? String($0.dropFirst(4)) : nil }
        if tag != nil { columns.removeFirst() }
        guard columns.count == 4 else {
            throw Mistake(description: "it has \(columns.count) columns and not four")
        }
        guard let start = number(columns[0]), let length = number(columns[1]) else {
            throw Mistake(description: "its time is no number: \(columns[0]),\(columns[1])")
        }
        do {
            _ = try HistogramCode.decode(text: columns[3])
            return Interval(tag: tag, start: start, length: length, code: columns[3])
        } catch {
            throw Mistake(description: error.description)
        }
    }

    /// The number behind a word; nil when the line does not begin with it.
    private static func time(_ word: String, in line: Substring) -> Double? {
        guard line.hasPrefix(word) else { return nil }
        return line.dropFirst(word.count).split(separator: " ").first.flatMap(number)
    }

    /// A number of digits with a point; nil for anything else that Swift would take.
    private static func number(_ text: Substring) -> Double? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func withoutReturn(_ line: Substring) -> Substring {
        line.utf8.last == UInt8(ascii: "\r") ? Substring(line.utf8.dropLast()) : line
    }
}
