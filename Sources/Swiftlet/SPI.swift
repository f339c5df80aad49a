import CLinux
import Syscalls

// Everything that the runtime takes from the standard library and the compiler beyond their
// documented interface, in one file.
//
// The SPI is that of Swift 6.3 on Linux and may change, so each use has a form that needs only the
// public API; SWIFTLET_PUBLIC_API_ONLY builds that form, and the tests run over both.

#if !SWIFTLET_PUBLIC_API_ONLY
    @_spi(ExperimentalScheduling) @_spi(ExperimentalCustomExecutors) import _Concurrency

    extension LoopExecutor: SchedulingExecutor {
        /// Where `Task.sleep` and the clocks' sleeps inside the loop land: on the loop's own
        /// deadlines.
        ///
        /// All of them come with an instant, which they have made from the clock that they see.
        func enqueue<C: Clock>(
            _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
        ) {
            // The standard clocks measure in `Duration`; one that does not is due at once and asks
            // again.
            var delay = clock.now.duration(to: instant) as? Duration ?? .zero
            if isCurrent, let witness = state.witness {
                delay = .nanoseconds(witness.settle(delay.wholeNanoseconds))
            }
            enqueue(timer: Job(job), of: currentTask, after: delay)
        }

        /// As above, for a sleep that is known by its length.
        func enqueue<C: Clock>(
            _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
        ) {
            let delay = delay as? Duration ?? .zero
            enqueue(timer: Job(job), of: currentTask, after: delay)
        }
    }

    extension Job {
        /// Gives the timer to the default pool, for when its own loop has ended.
        func runElsewhere(after delay: Duration) {
            guard let pool = Task.defaultExecutor as? any SchedulingExecutor else {
                return runElsewhere()
            }
            pool.enqueue(
                ExecutorJob(unowned), after: delay, tolerance: nil, clock: ContinuousClock())
        }
    }

    /// What the main actor runs on while an event loop has the main thread: that loop.
    ///
    /// Otherwise none of its jobs would run before the loop has ended, and a task of the loop that
    /// waits for one would wait for ever. There is one host, which lives for ever, because a thread
    /// may ask for the main actor's executor at one moment and use it at a later one.
    final class MainActorHost: SerialExecutor {
        private static let shared = MainActorHost()
        /// The loops that are inside one another on the main thread; the innermost one turns.
        private let loops = Guarded<[LoopExecutor]>([])

        /// Lets the main actor run on `loop`, if the calling thread is the main thread.
        static func begin(on loop: LoopExecutor) {
            guard clinux_is_main_thread() != 0 else { return }
            shared.loops.withLock { $0.append(loop) }
            clinux_host_main_actor(
                unsafeBitCast(shared.asUnownedSerialExecutor(), to: clinux_executor.self))
        }

        /// Gives the main actor back; from now on none of its jobs comes to `loop`.
        static func end(on loop: LoopExecutor) {
            let isFree = shared.loops.withLock { loops in
                loops.removeAll { $0 === loop }
                return loops.isEmpty
            }
            if isFree { clinux_give_main_actor_back() }
        }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            // Inside the lock, so that no job comes to a loop that has given the main actor back.
            let isTaken = loops.withLock { loops in
                loops.last?.enqueue(ExecutorJob(job))
                return !loops.isEmpty
            }
            if !isTaken { MainActor.shared.enqueue(job) }
        }

        func isIsolatingCurrentContext() -> Bool? { clinux_is_main_thread() != 0 }

        func checkIsolated() {
            precondition(clinux_is_main_thread() != 0, "this code must run on the main thread")
        }
    }

    /// The calling task.
    var currentTask: UInt? { swift_task_getCurrent().map { UInt(bitPattern: $0) } }

    /// Whether the calling task is cancelled, if it is `task`; nil for another one.
    ///
    /// The functions beneath `withUnsafeCurrentTask`, whose generic optional costs a tenth of an
    /// echoed message.
    @inline(__always)
    func isCurrentTaskCancelled(ifItIs task: UInt) -> Bool? {
        guard let current = swift_task_getCurrent(), UInt(bitPattern: current) == task else {
            return nil
        }
        return swift_task_isCancelled(current)
    }

    /// Suspends the calling task, which is its caller's to resume: it goes on when its job runs.
    ///
    /// The caller is isolated to no actor, which it would keep to itself meanwhile.
    @_silgen_name("clinux_suspend_task")
    @usableFromInline
    nonisolated(nonsending) func suspendCurrentTask() async

#else

    /// Without the hook of the runtime the main actor waits until the loop has ended.
    enum MainActorHost {
        static func begin(on loop: LoopExecutor) {}
        static func end(on loop: LoopExecutor) {}
    }

    /// The calling task.
    var currentTask: UInt? {
        withUnsafeCurrentTask { task in task.map { unsafeBitCast($0, to: UInt.self) } }
    }

    /// Whether the calling task is cancelled, if it is `task`; nil for another one.
    @inline(__always)
    func isCurrentTaskCancelled(ifItIs task: UInt) -> Bool? {
        withUnsafeCurrentTask { current in
            unsafeBitCast(current, to: UInt.self) == task ? current?.isCancelled : nil
        }
    }

    extension Job {
        /// No timer comes to the loop without the SPI.
        func runElsewhere(after delay: Duration) { runElsewhere() }
    }

#endif

extension TaskID {
    /// The identity of a task that lives, by the number that no other one has while it does.
    init(of task: UInt) {
        self.init(number: swift_task_getJobTaskId(UnsafeRawPointer(bitPattern: task)))
    }
}

/// A runnable job: what a task does until it suspends or ends.
struct Job {
    fileprivate let unowned: UnownedJob

    init(_ job: consuming ExecutorJob) { unowned = UnownedJob(job) }

    /// The job of a task that is suspended, or about to be.
    init(of task: UInt) { unowned = unsafeBitCast(task, to: UnownedJob.self) }

    /// Which task it is a job of: a number that no other task has while this one lives.
    var task: UInt { unsafeBitCast(unowned, to: UInt.self) }

    /// Which task it is a job of: a number that no other task of the process ever has.
    var id: TaskID { TaskID(of: task) }

    /// Asks the processor to fetch what running the job will touch first: the task and the frames
    /// at the bottom of its stack, which lie together.
    @inline(__always)
    func prefetch() {
        for line: UInt in 0..<9 {
            clinux_prefetch(UnsafeRawPointer(bitPattern: task + line * 64))
        }
    }

    /// Runs the job until it suspends or ends.
    ///
    /// It runs on the task executor and on no serial one, as far as the runtime can tell: the other
    /// way round, each suspension would cost two to four more jobs.
    func run(on executor: UnownedTaskExecutor) { unowned.runSynchronously(on: executor) }

    /// Runs the job that ends a `Task.sleep`.
    ///
    /// It belongs to no executor, and says so with the generic one, whose words are zero; otherwise
    /// the standard library would first move it to a thread of the default pool.
    func runAsTimer() {
        unowned.runSynchronously(on: unsafeBitCast((0, 0), to: UnownedSerialExecutor.self))
    }

    /// Gives the job to the default pool, for when its own loop has ended.
    func runElsewhere() { globalConcurrentExecutor.enqueue(ExecutorJob(unowned)) }
}

#if hasFeature(Lifetimes)
    extension Bytes {
        /// The bytes, lent for as long as this value lives.
        public var span: Span<UInt8> {
            @_lifetime(borrow self)
            get { _overrideLifetime(memory.bindMemory(to: UInt8.self).span, borrowing: self) }
        }

        /// Some of the bytes, lent in the same way.
        public subscript(range: Range<Int>) -> Span<UInt8> {
            @_lifetime(borrow self)
            get { _overrideLifetime(span.extracting(range), borrowing: self) }
        }
    }
#endif
