import Syscalls

// Everything that the runtime takes from the standard library beyond its documented interface, in
// one file.
//
// The SPI is that of Swift 6.3 on Linux and may change, so each use has a form that needs only the
// public API; SWIFTLET_PUBLIC_API_ONLY builds that form, and the tests run over both.

#if compiler(>=6.3) && os(Linux) && !SWIFTLET_PUBLIC_API_ONLY
    @_spi(ExperimentalScheduling) @_spi(ExperimentalCustomExecutors) import _Concurrency

    /// A runnable job. Its place in a queue is kept in two words that the job reserves for its
    /// executor.
    struct Job: Linked {
        fileprivate let unowned: UnownedJob

        init(_ job: consuming ExecutorJob) {
            job.withUnsafeExecutorPrivateData { $0.storeBytes(of: 0, as: UInt.self) }
            unowned = UnownedJob(job)
        }

        /// The job behind this one in its queue.
        var next: Job? {
            get {
                let word = ExecutorJob(unowned).withUnsafeExecutorPrivateData {
                    $0.load(as: UInt.self)
                }
                return unsafeBitCast(word, to: Job?.self)
            }
            nonmutating set {
                let word = unsafeBitCast(newValue, to: UInt.self)
                ExecutorJob(unowned).withUnsafeExecutorPrivateData {
                    $0.storeBytes(of: word, as: UInt.self)
                }
            }
        }
    }

    extension LoopExecutor: SchedulingExecutor {
        /// Where `Task.sleep` and the clocks' sleeps inside the loop land: on the loop's own
        /// deadlines.
        func enqueue<C: Clock>(
            _ job: consuming ExecutorJob,
            after delay: C.Duration,
            tolerance: C.Duration?,
            clock: C
        ) {
            // The standard clocks measure in `Duration`; one that does not is due at once and asks
            // again.
            let delay = delay as? Duration ?? .zero
            enqueue(timer: Job(job), after: delay)
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

#else

    /// A runnable job, in a node of its own because the public API has no room for a link in the
    /// job.
    final class Job: Linked {
        fileprivate let unowned: UnownedJob
        /// The job behind this one in its queue.
        var next: Job?

        init(_ job: consuming ExecutorJob) { unowned = UnownedJob(job) }
    }

    extension Job {
        /// No timer comes to the loop without the SPI.
        func runElsewhere(after delay: Duration) { runElsewhere() }
    }

#endif

extension Job {
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

/// Which task is running: a number that no other task has while this one lives; 0 outside any task.
///
/// The public type is one pointer, and hashing it, which is what the public API offers, costs ten
/// times as much.
@inline(__always)
func currentTaskIdentity() -> UInt {
    withUnsafeCurrentTask { unsafeBitCast($0, to: UInt.self) }
}
