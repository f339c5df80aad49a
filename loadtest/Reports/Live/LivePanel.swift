import Generator
import Statistics

/// What is shown in place while a run goes on: at most twelve lines.
///
///     measuring  4.2 s of 10.0 s  [############..................]
///     rate       60,012/s of 60,000/s         _-=+*##**#
///     last       p50 182 us   p99 1.21 ms   max 3.41 ms
///     so far     p50 180 us   p99 1.10 ms   max 9.83 ms
///          1ms+  .. .
///        …       the rows of `LiveHeat`
///     up         1,000 of 1,000   in flight 998
///     errors     read ECONNRESET 2
///     cpu        [####....] 52 %   [###.....] 38 %
///
/// A value: it is fed with looks at the run and gives text, and knows no terminal.
package struct LivePanel: Sendable {
    /// Whether the terminal has 256 colours and block characters.
    package enum Look: Sendable { case plain, rich }

    static let labelWidth = 11
    /// Intervals that are kept; a terminal is hardly wider.
    private static let columnsMax = 200

    let plan: LoadPlan
    let title: String
    let look: Look
    /// Seconds of an interval.
    private let interval: Double

    private(set) var latest = Progress(phase: .connecting, elapsed: 0)
    /// The share of its time that each thread was running lately.
    private(set) var threadShares: [Double] = []
    private(set) var intervals: [Interval] = []
    private(set) var soFar = Histogram()
    private(set) var last = Histogram()
    private var current = (seconds: 0.0, response: Histogram())

    /// What is kept of an interval that is over.
    struct Interval: Sendable {
        var rate: Double
        var heat: LiveHeat.Column
    }

    /// A panel for one run; the title says which, where it is one of several.
    package init(_ plan: LoadPlan, title: String, interval: Duration, look: Look) {
        self.plan = plan
        self.title = title
        self.look = look
        self.interval = Double(interval.wholeNanoseconds) / 1e9
    }

    /// Takes a look at the run, `seconds` after the one before.
    package mutating func add(_ progress: Progress, seconds: Double) {
        if seconds > 0, latest.threadCPU.count == progress.threadCPU.count {
            threadShares = zip(latest.threadCPU, progress.threadCPU).map {
                min(1, max(0, ($1 - $0) / seconds))
            }
        }
        // What is shown in the end is that of the measured time.
        if progress.phase != latest.phase, progress.phase == .measuring { soFar.clear() }
        latest = progress
        guard progress.phase != .connecting else { return }
        soFar.add(progress.response)
        current.seconds += seconds
        current.response.add(progress.response)
        if current.seconds >= interval { closeInterval() }
    }

    private mutating func closeInterval() {
        var heat = LiveHeat.Column()
        heat.add(current.response)
        let rate = Double(current.response.count) / current.seconds
        intervals.append(Interval(rate: rate, heat: heat))
        if intervals.count > LivePanel.columnsMax { intervals.removeFirst() }
        last = current.response
        current = (0, Histogram())
    }
}
