import Syscalls

/// Threads for work that would hold an event loop up: calls that block, and long computations.
///
/// `offload` gives it work. There are as many threads as there is work for, up to a limit, and none
/// while there is none; each does one work at a time, in the order in which it came. Work that runs
/// cannot be interrupted: a pool whose threads are all stuck does nothing more, so give what may
/// get stuck a pool of its own.
public final class ThreadPool: Sendable {
    /// How much a pool does at a time.
    public struct Limits: Sendable {
        /// Threads at a time; 0 counts as 1.
        public var threads = 16
        /// Work that waits for a thread; one more fails with `.full`.
        public var queue = 10_000

        /// 16 threads, and 10,000 that wait.
        public init() {}
    }

    /// What a pool does and has done.
    public struct Statistics: Sendable, Equatable {
        /// Threads that there are now, and the most that there were.
        public var threads = 0, threadsMax = 0
        /// Work that a thread does now.
        public var running = 0
        /// Work that waits for a thread.
        public var waiting = 0
        /// Work that was done, also when nobody waited for it any more.
        public var done = 0
        /// Work that was given up before a thread had begun it.
        public var withdrawn = 0
        /// Work that was refused because too much waited.
        public var refused = 0

        /// All zero.
        public init() {}
    }

    /// The pool of all work that names no other one.
    public static let shared = ThreadPool(name: "offload")

    /// What its threads and its errors are called.
    public let name: String
    private let queue: Guarded<WorkQueue<Work>>

    /// What a thread is to do, and what it says when that is done and counted.
    private struct Work: Sendable {
        let body: @Sendable () -> Void
        let done: @Sendable () -> Void
    }

    /// A pool of threads that carry its name, of which the system shows 15 bytes (ps(1), top(1)).
    public init(name: String, limits: Limits = Limits()) {
        self.name = name
        queue = Guarded(WorkQueue(limits: limits))
        Roster.enter(self)
    }

    deinit { Roster.leave(ObjectIdentifier(self)) }

    /// What it does and has done.
    public var statistics: Statistics { queue.withLock { $0.statisticsSoFar } }

    /// Work that was submitted, for its withdrawal.
    struct Ticket: Sendable, Equatable { let number: UInt64 }

    /// Lets a thread run `body`, and then `done`.
    ///
    /// Without any thread it fails when none can be started; with others the work waits for them.
    func submit(
        _ body: @escaping @Sendable () -> Void, then done: @escaping @Sendable () -> Void = {}
    ) throws(IOError) -> Ticket {
        let work = Work(body: body, done: done)
        return try queue.withLock { queue throws(IOError) in
            guard let number = queue.add(work) else { throw IOError(.offload, .full, name: name) }
            guard queue.needsThread else { return Ticket(number: number) }
            do throws(Errno) {
                try RunningThread.start { self.work() }.detach()
                queue.addThread()
            } catch {
                if queue.statistics.threads == 0, queue.withdraw(number) {
                    throw IOError(.offload, .system(error), name: name)
                }
            }
            return Ticket(number: number)
        }
    }

    /// Takes work back; false when a thread has begun it.
    @discardableResult
    func withdraw(_ ticket: Ticket) -> Bool { queue.withLock { $0.withdraw(ticket.number) } }

    /// Does work on a thread until there is none left.
    private func work() {
        RunningThread.nameCurrent(name)
        while let work = queue.withLock({ $0.takeNext() }) {
            work.body()
            queue.withLock { $0.finish() }
            work.done()
        }
    }
}

extension ThreadPool: Accountable {
    func account(_ names: TaskNames) -> Account {
        let (limits, counted) = queue.withLock { ($0.limits, $0.statisticsSoFar) }
        let figures = [
            Figure("threads", counted.threads, "Threads that there are."),
            Figure("threads_limit", max(1, limits.threads), "Threads that there may be."),
            Figure("running", counted.running, "Work that a thread does."),
            Figure("waiting", counted.waiting, "Work that waits for a thread."),
            Figure("waiting_limit", max(0, limits.queue), "Work that may wait."),
            .total("done", counted.done, "Work that was done."),
            .total("withdrawn", counted.withdrawn, "Work that was given up before it began."),
            .total("refused", counted.refused, "Work that was refused: too much waited."),
        ]
        return Account(of: self, "thread pool", .init(key: "name", value: name), figures)
    }
}
