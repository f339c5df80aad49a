import CLinux
import Drivers
import Glibc
import Synchronization
import Syscalls

/// The executor of one event loop: runs Swift's jobs on one thread and knows what is parked where.
///
/// A turn:
///
///     run the batch that was runnable at the start of the turn
///       → wait (not at all if work is left, else until the next deadline)
///       → unpark the tasks that the readiness concerns → expire deadlines
///       → take in what other threads posted
///
/// ## Why it is `Sendable`
///
/// Everything here is one of three kinds, and that is the proof which the compiler cannot make:
///
/// 1. `lock`, `mayHoldMail`, `thread`, `children`, `sockets`, `isOnKernel` and `log` are `Sendable`
///    themselves.
/// 2. `inbox` and `sleeper` are touched only inside `lock`.
/// 3. `state` belongs to the thread that is inside `run`, or to the one thread that owns the loop
///    as a `SteppedLoop` and reads it between turns, too. It is touched only by methods outside the
///    section "From any thread", which are called by that owner, by the turn itself or by code that
///    has checked `isCurrent`. When the loop has ended it changes no more, and a call that comes
///    too late may read that it has: closing the inbox, inside `lock`, is what makes that visible.
///    `storage` and `gate` are set by `init` and never again.
final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// Completions at once that a job may have before it must yield.
    static let completionsPerJob = 32
    /// Tasks that are unparked together, before they run.
    static let unparksPerTurn = 16
    /// Jobs that run before the descriptors are looked at again although there is more to run.
    static let jobsPerLook = 64

    // For any thread.
    private let lock = Guarded(())
    private var inbox = Inbox()
    /// The loop's driver, to be woken; of all it can do, only that is safe from any thread.
    private var sleeper: (any Driver)?
    private let mayHoldMail = Atomic(false)
    private let thread = Atomic<UInt>(0)
    /// The tasks that `spawn` started and that have not ended.
    let children = Guarded(Children())
    let sockets: any Sockets
    /// Whether they are the kernel's own.
    let isOnKernel: Bool
    /// Takes what is said aside.
    let log: LoopLog
    /// Where tasks of this loop are suspended.
    let gate = ParkingGate()

    // For the loop's thread only.
    private let storage: UnsafeMutablePointer<LoopState>
    var state: LoopState {
        // Addressors: a coroutine accessor that is not inlined would allocate its frame.
        @inline(__always) unsafeAddress { UnsafePointer(storage) }
        @inline(__always) unsafeMutableAddress { storage }
    }

    init(
        driver: any Driver, sockets: any Sockets, witness: (any LoopWitness)? = nil,
        log: @escaping LoopLog
    ) {
        self.sockets = sockets
        isOnKernel = sockets is SystemSockets
        self.log = log
        sleeper = driver
        storage = .allocate(capacity: 1)
        storage.initialize(to: LoopState(driver: driver, witness: witness))
        gate.belong(to: self)
    }

    deinit {
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    // MARK: From any thread

    /// Whether the calling thread is the loop's own.
    @inline(__always)
    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = Job(job)
        if isCurrent { admit(job) } else { post(job) }
    }

    /// Puts a timer of the standard library among the deadlines; `task` sleeps by it.
    func enqueue(timer: Job, of task: UInt?, after delay: Duration) {
        if isCurrent {
            admit(timer, of: task, after: delay)
        } else {
            post(.timer(timer, delay))
        }
    }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }

    func checkIsolated() {
        precondition(isCurrent, "this code must run on the event loop's thread")
    }

    /// Hands a job to the loop from another thread; one that has ended leaves it to the pool.
    func post(_ job: Job) {
        if !deliver({ $0.add(job) }) { job.runElsewhere() }
    }

    /// Asks something of the loop; after its end there is nothing to ask, and nothing left to do.
    func post(_ request: Inbox.Request) {
        let isTaken = deliver { $0.add(request, fromLoop: isCurrent) }
        if !isTaken { carryOutElsewhere(request) }
    }

    /// Does what a loop that has ended still owes: a timer is a task's sleep, and who asks waits.
    /// All else is in vain.
    func carryOutElsewhere(_ request: Inbox.Request) {
        switch request {
        case .timer(let job, let delay): job.runElsewhere(after: delay)
        case .inspect(let inquiry): inquiry.answerForNone()
        default: break
        }
    }

    /// Ends the driver's wait, so that the loop looks at what another thread changed.
    func wake() { _ = deliver { $0.requestWake() } }

    /// Puts something into the inbox and wakes the loop if need be; false when the loop has ended.
    private func deliver(_ add: (inout Inbox) -> Inbox.Admission) -> Bool {
        lock.withLock { _ in
            let admission = add(&inbox)
            mayHoldMail.store(true, ordering: .releasing)
            if case .wake = admission { sleeper?.wake() }
            if case .closed = admission { return false }
            return true
        }
    }

    /// Whether something is in the inbox; costs no lock.
    var hasMail: Bool { mayHoldMail.load(ordering: .acquiring) }

    // The two calls that every message makes: the kernel's are made here, and all others through
    // the seam.

    /// Receives at most as many bytes as fit; 0 is the end of the stream.
    @inline(__always)
    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        isOnKernel ? try socket.receive(into: buffer) : try sockets.receive(socket, into: buffer)
    }

    /// Sends some of the bytes and says how many.
    @inline(__always)
    func send(_ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        isOnKernel ? try socket.send(bytes) : try sockets.send(socket, bytes)
    }

    // MARK: The turn

    /// Makes the calling thread the loop's own.
    func claim() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let turning = Unmanaged.passUnretained(self).toOpaque()
        let outer = clinux_turning_loop()
        if outer != turning { state.outer = outer }
        clinux_set_turning_loop(turning)
    }

    /// Gives the loop up, until the same thread claims it again.
    func release() {
        thread.store(0, ordering: .relaxed)
        clinux_set_turning_loop(state.outer)
    }

    /// Runs `body` with the loop that the calling thread turns; nil when it turns none.
    @inline(__always)
    static func withTurning<Result>(_ body: (LoopExecutor) -> Result) -> Result? {
        clinux_turning_loop().map {
            Unmanaged<LoopExecutor>.fromOpaque($0)._withUnsafeGuaranteedRef(body)
        }
    }

    /// Makes the calling thread the loop's own and turns until `isDone`.
    func run(until isDone: Latch) throws(Errno) {
        claim()
        takeIn()
        while try turn(unless: { isDone.isSet }) {}
    }

    /// Makes one turn; false, without waiting, when its jobs have done what was to be done.
    func turn(unless isDone: () -> Bool) throws(Errno) -> Bool {
        state.statistics.turns += 1
        runBatch()
        if isDone() { return false }
        if state.ready.isEmpty,
            state.runQueue.isEmpty || state.jobsSinceLook >= LoopExecutor.jobsPerLook
        {
            state.jobsSinceLook = 0
            try wait()
        }
        unpark()
        // What is ready and due at the same time is ready.
        if state.ready.isEmpty { expire() }
        takeIn()
        return true
    }

    /// Runs what is runnable now; what becomes runnable meanwhile waits for the next turn, so that
    /// tasks which never park cannot keep the loop from its descriptors.
    private func runBatch() {
        state.runQueue.takeAll(into: &state.batch)
        if let witness = state.witness { rearrange(by: witness) }
        let batch = state.batch.count
        state.statistics.jobs += batch
        state.jobsSinceLook += batch
        if state.isObserved { runBatch(observing: observe) } else { runBatch { _ in } }
        state.leftByJobs = (state.runQueue.count, state.turnStart)
    }

    /// Runs the jobs of the batch, and before each calls `observe` with its place.
    @inline(__always)
    private func runBatch(observing observe: (Int) -> Void) {
        let executor = asUnownedTaskExecutor()
        let batch = state.batch.count
        for index in state.batch.indices {
            let runnable = state.batch[index]
            // Its task was last touched a round of all the others ago.
            if index + 1 < batch { state.batch[index + 1].job.prefetch() }
            state.budget = LoopExecutor.completionsPerJob
            state.wakeup = runnable.wakeup
            state.task = runnable.job.task
            observe(index)
            runnable.job.run(on: executor)
        }
    }

    /// Tells those of a job of the batch that is about to run that want to know.
    @inline(never)
    private func observe(_ index: Int) {
        let job = state.batch[index].job
        if let witness = state.witness { witness.saw(.ran(job.id)) }
        if state.measuresDelays {
            let (count, before) = state.leftByJobs
            let since = index < count ? before : state.turnStart
            state.statistics.delays.record(since.nanoseconds(to: now))
        }
    }

    private func wait() throws(Errno) {
        guard let driver = state.driver else { return }
        let turnEnd = driver.now
        let length = state.turnStart.nanoseconds(to: turnEnd)
        state.statistics.longestTurn = max(state.statistics.longestTurn, length)
        state.statistics.turnLengths.record(length)
        state.statistics.waits += 1
        state.ready.removeAll(keepingCapacity: true)
        defer { state.turnStart = driver.now }
        // Before anything expires, a look has to tell what is ready.
        let isLook = !state.runQueue.isEmpty || hasMail || state.deadlines.next <= turnEnd
        try driver.wait(until: isLook ? .past : state.deadlines.next, into: &state.ready)
        state.lookout.note(
            isLook, at: turnEnd, finding: state.ready.count, amongAtMost: state.lot.descriptors)
    }

    /// Makes the tasks runnable that the next few readinesses of the last wait concern.
    ///
    /// Only a few at a time, so that a turn stays short and what other threads post is seen soon,
    /// however many are ready. Their order means nothing: all of them come before the next wait.
    private func unpark() {
        let rest = max(0, state.ready.count - LoopExecutor.unparksPerTurn)
        defer { state.ready.removeSubrange(rest...) }
        for index in (rest..<state.ready.count).reversed() {
            let readiness = state.ready[index]
            if readiness.ready == .readable,
                let reader = state.lot.unparkReader(readiness.descriptor)
            {
                resume(reader, nil)
                continue
            }
            let unparked = state.lot.unpark(readiness)
            if let interest = unparked.interest {
                // Taking interest back is a courtesy: a descriptor that will not have it is
                // reported again.
                try? set(interest, in: readiness.descriptor)
            }
            if unparked.reader == nil, unparked.writer == nil {
                state.statistics.spuriousWakes += 1
            }
            if let reader = unparked.reader { resume(reader, nil) }
            if let writer = unparked.writer { resume(writer, nil) }
        }
    }

    /// Lets expire what was due when everything that was ready had been told.
    private func expire() {
        while let due = state.deadlines.popDue(at: state.lookout.clearUntil) {
            fire(due, .timedOut)
        }
    }

    func fire(_ due: Due, _ wakeup: Wakeup) {
        switch due {
        case .park(let ticket):
            if let parked = state.lot.unpark(ticket) { unpark(parked.job, wakeup) }
        case .sleep(let sleeper):
            if let sleeper { unpark(sleeper.job, wakeup) }
        case .wait(let waiter):
            waiter.end(wakeup == .loopEnded ? .loopEnded : .timedOut)
        case .timer(let job, let task):
            state.naps[task] = nil
            job.runAsTimer()
        case .reminder(let patience):
            remind(after: patience)
        }
    }

    /// Takes in what other threads posted.
    func takeIn() {
        guard hasMail else { return }
        var mail = Inbox.Mail()
        lock.withLock { _ in
            mayHoldMail.store(false, ordering: .relaxed)
            mail = inbox.take()
        }
        state.statistics.postedJobs += mail.jobs.count
        if let witness = state.witness {
            for job in mail.jobs {
                // One that was parked at a meeting point goes on by way of a post, too.
                state.names[job.id] = nil
                witness.saw(.posted(job.id))
            }
        }
        for job in mail.jobs { admit(job) }
        for request in mail.requests { carryOut(request) }
    }

    /// The tasks of the jobs that other threads posted and that were not taken in yet.
    var postedTasks: [UInt] { lock.withLock { _ in inbox.mail.jobs.map(\.task) } }

    /// Ends what other threads can reach, lets the driver go, and returns what came too late.
    func closeInbox() -> Inbox.Mail {
        var late = Inbox.Mail()
        // First, because a thread that finds the inbox closed may read the state.
        state.driver = nil
        lock.withLock { _ in
            late = inbox.close()
            sleeper = nil
        }
        release()
        return late
    }

    /// Makes a parked task runnable, and its deadline void.
    @inline(__always)
    func resume(_ parked: ParkedTask, _ wakeup: Wakeup) {
        if parked.timer != .none { _ = state.deadlines.remove(parked.timer) }
        unpark(parked.job, wakeup)
    }

    /// Makes a job runnable whose task was suspended at the gate.
    @inline(__always)
    func unpark(_ job: Job, _ wakeup: Wakeup) {
        if let witness = state.witness {
            state.names[job.id] = nil
            witness.saw(.unparked(job.id, because: wakeup))
        }
        resume(job, wakeup)
    }

    /// Makes a job runnable.
    @inline(__always)
    func resume(_ job: Job, _ wakeup: Wakeup) {
        state.runQueue.enqueue(Runnable(job: job, wakeup: wakeup))
    }
}
