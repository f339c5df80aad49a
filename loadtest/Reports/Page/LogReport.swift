import Charts
import Statistics

/// Interval logs for people: what a run has left that was killed, and the logs of other tools.
///
///     state       whether the log has an end, and how far it goes
///     latency     a row and a curve for each tag, its intervals added up
package struct LogReport {
    /// Each log with its name.
    private let logs: [(name: String, log: HistogramLogFile)]
    private let sums: [(name: String, latency: Latency)]

    package init(_ logs: [(name: String, log: HistogramLogFile)]) {
        self.logs = logs
        sums = LogReport.sums(of: logs)
    }

    package var html: String {
        let states = logs.map { name, log in
            Markup.element(
                "section", ["class": log.isWhole ? "verdict" : "verdict invalid"],
                Markup.element("h2", [:], Markup.escape(name))
                    + Markup.element("p", [:], Markup.escape(LogReport.state(of: log))))
        }
        let names = logs.map(\.name).joined(separator: ", ")
        return Page.html(
            title: "loadtest: \(names)", heading: names,
            sections: states + Page.figures([Page.Figure(chart)]) + [table.html])
    }

    /// The same as text, which is Markdown too.
    package var markdown: String {
        let states = logs.flatMap { name, log in
            [
                "", "**\(MarkdownReport.escape(name))**",
                MarkdownReport.escape(LogReport.state(of: log)),
            ]
        }
        let lines = ["### Interval log"] + states + table.markdown
        return (lines.joined(separator: "\n") + "\n").withoutControls
    }

    /// The picture alone.
    package var svg: String { chart.file }

    private static func state(of log: HistogramLogFile) -> String {
        let last = log.intervals.map { $0.start + $0.length }.max()
        let reach =
            last.map { "What follows goes to +\(Figures.time(seconds: max(0, $0))) of it." }
            ?? "It has no interval."
        let state =
            log.isWhole
            ? "The log is whole."
            : "The log has no end: the run that wrote it was killed, or is still going on."
        return "\(state) \(reach) What was given up counts at its age, and may have taken longer."
    }

    private var table: PageTable { PageTables.latencies(of: sums) }
    private var chart: Chart { PagePictures.percentiles(of: sums) }

    /// The intervals of each tag added up, in the order in which the tags first appear.
    private static func sums(
        of logs: [(name: String, log: HistogramLogFile)]
    ) -> [(name: String, latency: Latency)] {
        logs.flatMap { name, log in
            log.intervals.map(\.tag).uniqued.map { tag in
                var sum = Histogram()
                for interval in log.intervals where interval.tag == tag {
                    sum.add(interval.histogram)
                }
                let word = tag ?? "without a tag"
                return (logs.count == 1 ? word : "\(name) \(word)", Latency(answered: sum))
            }
        }
    }
}
