/// Work that waits for a thread, and how many threads there are to do it.
///
///     waiting   { 7: work, 9: work, 10: work }      by number; 8 was withdrawn
///     next      7                                   where the search for the eldest begins
///
/// A plain value: its owner guards it, starts the threads and does the work. A thread that finds
/// nothing more to do ends.
struct WorkQueue<Work> {
    let limits: ThreadPool.Limits
    private var waiting: [UInt64: Work] = [:]
    private var next: UInt64 = 1
    private var last: UInt64 = 0
    private(set) var statistics = ThreadPool.Statistics()

    init(limits: ThreadPool.Limits) { self.limits = limits }

    private var threadsMax: Int { max(1, limits.threads) }

    /// Puts work at the end and gives it a number; nil when as much waits as may.
    mutating func add(_ work: Work) -> UInt64? {
        guard waiting.count - (threadsMax - statistics.running) < max(0, limits.queue) else {
            statistics.refused += 1
            return nil
        }
        last += 1
        waiting[last] = work
        return last
    }

    /// Whether a thread more would have work at once.
    var needsThread: Bool {
        statistics.threads < threadsMax
            && waiting.count > statistics.threads - statistics.running
    }

    /// Notes that a thread more was started.
    mutating func addThread() {
        statistics.threads += 1
        statistics.threadsMax = max(statistics.threadsMax, statistics.threads)
    }

    /// Takes work back; false when a thread has begun it.
    mutating func withdraw(_ number: UInt64) -> Bool {
        guard waiting.removeValue(forKey: number) != nil else { return false }
        statistics.withdrawn += 1
        return true
    }

    /// The eldest work, for a thread that has nothing to do; nil when there is none, and the thread
    /// ends.
    mutating func takeNext() -> Work? {
        if waiting.isEmpty {
            statistics.threads -= 1
            next = last + 1
            return nil
        }
        while true {
            defer { next += 1 }
            guard let work = waiting.removeValue(forKey: next) else { continue }
            statistics.running += 1
            return work
        }
    }

    /// Notes that a thread has done what it took.
    mutating func finish() {
        statistics.running -= 1
        statistics.done += 1
    }

    /// The counters as they stand.
    var statisticsSoFar: ThreadPool.Statistics {
        var statistics = statistics
        statistics.waiting = waiting.count
        return statistics
    }
}
