import Syscalls

/// When a worker closes an interval, ten times a second, and what its thread did in it.
///
///     origin |-----|-----|--x--|     the marks are the same for all workers of a run, so that
///                                    their intervals fall into the same columns of the timeline
struct IntervalClock {
    /// When the interval under way ends, in nanoseconds.
    private(set) var due: Int64
    /// Nanoseconds that were spent looking at the clock for a planned time, in this interval.
    var spun: Int64 = 0

    private let interval: Int64
    private let origin: Int64
    private var begun: Int64
    private var cpu = RunningThread.cpuNanoseconds
    private(set) var total = Usage()

    /// What a thread used, in nanoseconds.
    struct Usage {
        var cpu: Int64 = 0
        var spun: Int64 = 0
        /// Intervals, and those in which it worked at least 85 % and 95 % of the time.
        var intervals = 0
        var above85 = 0
        var above95 = 0
    }

    init(interval: Int64, origin: Int64, now: Int64) {
        self.interval = interval
        self.origin = origin
        begun = now
        due = now
        due = next(after: now)
    }

    /// What the thread has used since the interval began, in nanoseconds.
    var cpuUsed: Int64 { RunningThread.cpuNanoseconds - cpu }

    /// Ends the interval; says when it began, from the origin on, and how much CPU it took.
    mutating func end(at now: Int64) -> (from: Int64, cpu: Int64) {
        let (from, elapsed) = (begun - origin, now - begun)
        let used = RunningThread.cpuNanoseconds
        let work = Double(used - cpu - spun)
        total.cpu += used - cpu
        total.spun += spun
        if elapsed > 0 {
            total.intervals += 1
            if work >= 0.85 * Double(elapsed) { total.above85 += 1 }
            if work >= 0.95 * Double(elapsed) { total.above95 += 1 }
        }
        defer { (cpu, spun, begun, due) = (used, 0, now, next(after: now)) }
        return (from, used - cpu)
    }

    private func next(after now: Int64) -> Int64 {
        origin + ((now - origin) / interval + 1) * interval
    }

    /// The seconds of a turn of so many nanoseconds in which its thread did not run; nil when that
    /// was no longer than a second.
    ///
    /// The kernel may work for a thread all the time, as it does when it looks for a free port
    /// among thousands that are taken: what the processor time has grown by was no stop.
    static func stop(within turn: Int64, working cpu: Int64) -> Double? {
        turn - cpu > 1_000_000_000 ? Double(turn - cpu) / 1e9 : nil
    }
}

extension IntervalClock.Usage {
    /// What was used since `start`, as shares of `elapsed` seconds.
    func since(_ start: IntervalClock.Usage, elapsed: Double) -> Measurement.ThreadUsage {
        let seconds = Double(cpu - start.cpu) / 1e9
        let work = Double(cpu - start.cpu - (spun - start.spun)) / 1e9
        let share = elapsed > 0 ? min(1, max(0, work / elapsed)) : 0
        var usage = Measurement.ThreadUsage(cpu: seconds, busy: share)
        let count = Double(max(1, intervals - start.intervals))
        usage.above85 = Double(above85 - start.above85) / count
        usage.above95 = Double(above95 - start.above95) / count
        return usage
    }
}
