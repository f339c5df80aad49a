import Syscalls

/// One measure of the process, with a series for each loop, server, pool and so on that has it:
/// what Prometheus calls a metric family.
///
/// ```swift
/// for metric in await EventLoop.metrics() {
///     for series in metric.series { print(metric.name, series.labels, series.value) }
/// }
/// ```
public struct Metric: Sendable {
    /// How its values are to be read.
    public enum Kind: String, Sendable {
        /// It only ever grows, from the start of what it is about.
        case counter
        /// It goes up and down.
        case gauge
        /// It counts how long something took, many times over.
        case histogram
    }

    /// The value of one loop, server or pool.
    public struct Series: Sendable {
        /// What it is about: one label, "loop", "address" or "name".
        public let labels: [(String, String)]
        /// The value, in the unit that the metric's name ends with; of a histogram, how many were
        /// counted.
        public fileprivate(set) var value: Double
        /// What a histogram counted, in nanoseconds; nil for any other metric.
        public let histogram: LatencyHistogram?
    }

    /// Its name in Prometheus' style, such as "swiftlet_loop_read_bytes_total".
    public let name: String
    /// What it counts or measures, as a sentence.
    public let help: String
    /// How its values are to be read.
    public let kind: Kind
    /// Its values, each with other labels.
    public fileprivate(set) var series: [Series] = []
}

extension EventLoop {
    /// What the loops of this process have done and have, and their servers and pools, and the
    /// channels, queues, semaphores, locks and broadcasts that have a name.
    ///
    /// From any task. A loop answers between two batches, and walks over no tasks for it. One that
    /// does not answer is told by `swiftlet_loop_answers` being 0.
    ///
    /// - Parameters:
    ///   - loops: the loops to ask; nil is all that run in the process.
    ///   - patience: how long they have to answer.
    /// - Returns: the metrics, by their names.
    public static func metrics(
        of loops: [EventLoop]? = nil, patience: Duration = .seconds(1)
    ) async -> [Metric] {
        await Inspection.make(.figures, of: loops, within: patience).metrics
    }
}

extension Inspection {
    /// All figures of all accounts as metrics.
    var metrics: [Metric] {
        var table = MetricTable()
        for loop in loops {
            if case .ended = loop.answer { continue }
            let answers = Figure(
                "answers", loop.snapshot == nil ? 0 : 1, "Whether the loop answers, 1 or 0.")
            let label = Account.Label(key: "loop", value: "\(loop.number)")
            table.add("loop", label, [answers] + (loop.snapshot?.figures ?? []))
        }
        for account in accounts where account.isNamed {
            table.add(account.kind, account.label, account.figures)
        }
        return table.metrics.values.sorted { $0.name < $1.name }
    }
}

/// Metrics by their names, while figures are added to them.
private struct MetricTable {
    private(set) var metrics: [String: Metric] = [:]
    /// Where the series of a metric and a label is.
    private var places: [[String]: Int] = [:]

    /// Adds figures; those of two things of one name are one series, because a series is told once.
    mutating func add(_ kind: String, _ label: Account.Label, _ figures: [Figure]) {
        for figure in figures {
            let name = Metric.name(of: figure, kind)
            let place = places[[name, label.value]]
            places[[name, label.value]] = metrics[name, default: Metric(name, figure)]
                .add(figure, label, at: place)
        }
    }
}

extension Metric {
    fileprivate static func name(of figure: Figure, _ kind: String) -> String {
        let end = figure.isTotal ? "_total" : ""
        return "swiftlet_\(kind.replacing(" ", with: "_"))_\(figure.name)\(end)"
    }

    fileprivate init(_ name: String, _ figure: Figure) {
        self.name = name
        help = figure.help
        kind = figure.histogram != nil ? .histogram : figure.isTotal ? .counter : .gauge
    }

    /// Adds a figure to the series at a place, or as a new one; returns the place of that.
    fileprivate mutating func add(
        _ figure: Figure, _ label: Account.Label, at place: Int?
    ) -> Int {
        if let place {
            series[place].value += figure.value
            return place
        }
        series.append(
            Series(
                labels: [(label.key, label.value)], value: figure.value,
                histogram: figure.histogram))
        return series.count - 1
    }
}
