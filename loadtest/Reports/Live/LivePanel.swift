import Generator
import Statistics
import Syscalls

/// What is shown in place while a run goes on: at most thirteen lines.
///
///     measuring  4.2 s of 10.0 s  [############..................]
///     rate       60,012/s of 60,000/s         _-=+*##**#
///     last       p50 182 us   p99 1.21 ms   max 3.41 ms
///     so far     p50 180 us   p99 1.10 ms   max 9.83 ms
///          1ms+  .. .
///        …       the rows of `LiveHeat`, and what their shades mean
///     up         1,000 of 1,000   in flight 998
///     errors     read ECONNRESET 2
///     cpu        [####....] 52 %   [###.....] 38 %
///
/// A value: it is fed with looks at the run and gives text, and knows no terminal.
package struct LivePanel: Sendable {
    /// Whether the terminal has 256 colours and block characters.
    package enum Look: Sendable { case plain, rich }

    static let labelWidth = 11
    /// Intervals of a run that ends nobody knows when.
    private static let intervalsUsual = 20
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

// The text of the panel, line by line.
extension LivePanel {
    /// The lines, each at most so many columns wide.
    package func lines(width: Int) -> [String] {
        let first = title.isEmpty ? [] : [title]
        var lines = (first + [phase(width), rate(width)]).map { String($0.prefix(width)) }
        lines += latencies.map { String($0.prefix(width)) }
        lines += LiveHeat.rows(
            visible(width).map(\.heat), label: LivePanel.labelWidth, wide: wide(width),
            isColored: look == .rich
        ).map { $0.clipped(to: width) }
        return lines + [connections, errors(width), cpu(width)].map { String($0.prefix(width)) }
    }

    /// The intervals that have room beside the labels.
    private func visible(_ width: Int) -> [Interval] {
        Array(intervals.suffix(max(0, width - LivePanel.labelWidth) / wide(width)))
    }

    /// How wide an interval is drawn: so that those of the whole run fill the line. A strip of a
    /// few single characters says nothing.
    private func wide(_ width: Int) -> Int {
        let planned = plan.ramp + plan.fixedWarmup + (plan.duration ?? .zero)
        let expected = Int(Double(planned.wholeNanoseconds) / 1e9 / interval) + 2
        let usual = plan.duration == nil ? LivePanel.intervalsUsual : expected
        return max(1, (width - LivePanel.labelWidth) / max(1, usual, intervals.count))
    }

    private func line(_ label: String, _ text: String) -> String {
        label.left(LivePanel.labelWidth) + text
    }

    private func phase(_ width: Int) -> String {
        let (text, share) = advance
        let head = line(latest.phase.words, text)
        let room = min(40, width - head.count - 4)
        guard let share, room >= 8 else { return head }
        return head + "  " + LivePanel.bar(share, room)
    }

    /// How far the phase is, in words and as a share of it.
    private var advance: (text: String, share: Double?) {
        let elapsed = Figures.fixed(latest.elapsed, decimals: 1) + " s"
        func of(_ whole: Duration) -> (String, Double?) {
            let seconds = Double(whole.wholeNanoseconds) / 1e9
            let left = max(0, seconds - latest.elapsed)
            let text = "\(elapsed) of \(Figures.short(seconds)) s"
            return (
                text + ", \(Figures.fixed(left, decimals: 1)) s left",
                seconds > 0 ? latest.elapsed / seconds : nil
            )
        }
        switch latest.phase {
        case .connecting:
            return (
                "\(Figures.count(latest.connectionsUp)) of \(Figures.count(plan.connections))",
                Double(latest.connectionsUp) / Double(max(1, plan.connections))
            )
        case .warmup: return warmup(elapsed, of)
        case .measuring:
            if let duration = plan.duration { return of(duration) }
            let requests = plan.requests ?? 0
            return (
                "\(Figures.count(latest.answered)) of \(Figures.count(requests))",
                Double(latest.answered) / Double(max(1, requests))
            )
        case .draining, .done: return (elapsed, nil)
        }
    }

    private func warmup(
        _ elapsed: String, _ of: (Duration) -> (String, Double?)
    ) -> (String, Double?) {
        let least = plan.ramp + plan.fixedWarmup
        let isOver = latest.elapsed >= Double(least.wholeNanoseconds) / 1e9
        return plan.warmup == .auto && isOver ? ("\(elapsed), until it is steady", nil) : of(least)
    }

    private func rate(_ width: Int) -> String {
        let wanted = plan.rate.map { " of \(Figures.short($0))/s" } ?? ""
        let now = intervals.last.map { Figures.short($0.rate) + "/s" } ?? "-"
        let head = line("rate", (now + wanted).left(24))
        return head + "  " + spark(intervals.suffix(max(0, width - head.count - 2)).map(\.rate))
    }

    /// A row of bars, the highest rate as high as they go.
    private func spark(_ rates: [Double]) -> String {
        let marks = Array(look == .rich ? "▁▂▃▄▅▆▇█" : ".:-=+*#@")
        guard let most = rates.max(), most > 0 else { return "" }
        return String(
            rates.map { marks[min(marks.count - 1, Int($0 / most * Double(marks.count)))] })
    }

    private var latencies: [String] {
        [("last", last), ("so far", soFar)].map { label, histogram in
            var parts: [String] = []
            for quantile in [0.5, 0.99] where histogram.supports(quantile) {
                guard let value = histogram.value(at: quantile) else { continue }
                parts.append("\(Figures.name(ofQuantile: quantile)) \(LivePanel.time(value))")
            }
            if let most = histogram.max { parts.append("max \(LivePanel.time(most))") }
            return line(label, parts.isEmpty ? "-" : parts.joined(separator: "   "))
        }
    }

    private static func time(_ nanoseconds: Int64) -> String {
        Figures.time(nanoseconds: Double(nanoseconds)).left(7)
    }

    private var connections: String {
        line(
            "up",
            "\(Figures.count(latest.connectionsUp)) of \(Figures.count(plan.connections))"
                + "   in flight \(Figures.count(latest.inFlight))")
    }

    /// The kinds of errors, the most frequent first, and how many had no room.
    private func errors(_ width: Int) -> String {
        let rows = latest.errors.sorted { $0.count > $1.count }
        if rows.isEmpty { return line("errors", "none") }
        let words = rows.map { "\($0.phase.rawValue) \($0.errno) \(Figures.count($0.count))" }
        return line("errors", LivePanel.fitting(words, width - LivePanel.labelWidth, "kinds"))
    }

    private func cpu(_ width: Int) -> String {
        if threadShares.isEmpty { return line("cpu", "-") }
        let bars = threadShares.map { share in
            LivePanel.bar(share, 8) + " "
                + (Figures.fixed(share * 100, decimals: 0) + " %").right(5)
        }
        return line("cpu", LivePanel.fitting(bars, width - LivePanel.labelWidth, "threads"))
    }

    /// As many words as there is room for, and how many are missing.
    private static func fitting(_ words: [String], _ room: Int, _ noun: String) -> String {
        for count in (0...words.count).reversed() {
            let more = count < words.count ? ["and \(words.count - count) \(noun) more"] : []
            let text = (words.prefix(count) + more).joined(separator: "   ")
            if text.count <= room { return text }
        }
        return ""
    }

    private static func bar(_ share: Double, _ width: Int) -> String {
        let full = Int((min(1, max(0, share)) * Double(width)).rounded())
        let marks = String(repeating: "#", count: full)
        return "[" + marks + String(repeating: ".", count: width - full) + "]"
    }
}

extension Progress.Phase {
    fileprivate var words: String { self == .warmup ? "warm-up" : rawValue }
}
