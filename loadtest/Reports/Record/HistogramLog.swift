import Statistics

/// An interval log of HdrHistogram (`.hlog`, format 1.3): one histogram for each stretch of time,
/// with a tag for each kind of figure.
///
///     #[StartTime: 1441812279.474 (seconds since epoch), 2015-09-09T15:24:39Z]
///     "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
///     Tag=response,0.127,1.007,2.769,HISTFAAAAEV42pNpmSzMwMCg…
///     #[EndTime: 1441812289.481 (seconds since epoch), 2015-09-09T15:24:49Z]
///
/// The last line is our own, and a comment for others: without it, more was to come.
/// Times are seconds from the start, the maximum is milliseconds, histograms are nanoseconds.
package enum HistogramLog {
    /// The lines before the first interval.
    ///
    /// The start is seconds since 1970, and the same as a date, for people.
    package static func header(startTime: Double, date: String) -> String {
        """
        #[Histogram log format version 1.3]
        #[StartTime: \(FixedPoint.text(startTime, decimals: 3)) (seconds since epoch), \(date)]
        "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

        """
    }

    /// The line behind the last interval.
    package static func end(time: Double, date: String) -> String {
        "#[EndTime: \(FixedPoint.text(time, decimals: 3)) (seconds since epoch), \(date)]\n"
    }

    /// An interval, with a line feed at its end.
    ///
    /// The tag is our own word: a comma or a space in it would end it.
    package static func line(
        tag: String, startSeconds: Double, lengthSeconds: Double, _ histogram: Histogram
    ) -> String {
        precondition(!tag.contains { $0 == "," || $0.isWhitespace }, "the tag '\(tag)' is no word")
        let columns = [
            "Tag=" + tag,
            FixedPoint.text(startSeconds, decimals: 3),
            FixedPoint.text(lengthSeconds, decimals: 3),
            FixedPoint.text(Double(histogram.max ?? 0) / 1e6, decimals: 6),
            HistogramCode.text(histogram),
        ]
        return columns.joined(separator: ",") + "\n"
    }
}
