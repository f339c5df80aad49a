import Drivers
import Glibc
import Synchronization
import Syscalls

/// The executor of one event loop: runs Swift's jobs on one thread and knows who is parked on what.
///
/// A turn:
///
///     run the batch that was runnable at the start of the turn
///       → wait (not at all if work is left, else until the next deadline)
///       → unpark whom the readiness concerns → expire deadlines → take in what other threads posted
///
/// ## Why it is `Sendable`
///
/// Everything here is one of three kinds, and that is the proof which the compiler cannot make:
///
/// 1. `inbox`, `hasMail` and `thread` are for any thread, and are a mutex and atomics.
/// 2. `sockets` and `now`'s clock are immutable.
/// 3. All else belongs to the thread that is inside `run`. Methods outside the section "From any thread" are
///    called only there: by the turn itself, or by code that has checked `isCurrent`. The driver is
///    the one exception, its `wake` being called under the inbox's lock by others; the loop's thread replaces it
///    only under that lock.
final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// Completions at once that a job may have before it must yield.
    static let completionsPerJob = 32
    /// Jobs that run before the descriptors are looked at again although there is more to run.
    static let jobsPerLook = 64

    private struct Inbox {
        var jobs = RunQueue<Job>()
        var posts: [Post] = []
        var isWakePending = false
        var hasEnded = false
    }

    /// What another thread asks of the loop.
    enum Post {
        case cancelPark(Ticket)
        case cancelOwner(SocketID)
        case cancelSleep(DeadlineQueue<Due>.Token)
        case close(SocketID)
        case timer(Job, Duration)
    }

    // For any thread.
    private let inbox = Mutex(Inbox())
    private let hasMail = Atomic(false)
    private let thread = Atomic<UInt>(0)
    /// The tasks that `spawn` started and that have not ended.
    let children = Mutex(Children())
    let sockets: any Sockets

    // For the loop's thread only.
    private var driver: (any Driver)?
    private let storage: UnsafeMutablePointer<LoopState>
    var state: LoopState {
        @inline(__always) _read { yield storage.pointee }
        @inline(__always) _modify { yield &storage.pointee }
    }

    init(driver: any Driver, sockets: any Sockets) {
        self.driver = driver
        self.sockets = sockets
        storage = .allocate(capacity: 1)
        storage.initialize(to: LoopState(turnStart: driver.now))
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
        if isCurrent { state.runQueue.enqueue(job) } else { post(job) }
    }

    /// Puts a timer of the standard library among the deadlines.
    func enqueue(timer: Job, after delay: Duration) {
        if isCurrent { admit(timer, after: delay) } else { post(.timer(timer, delay)) }
    }

    func isIsolatingCurrentContext() -> Bool? { isCurrent }

    func checkIsolated() {
        precondition(isCurrent, "this code must run on the event loop's thread")
    }

    /// Hands a job to the loop from another thread; a loop that has ended leaves it to the default pool.
    private func post(_ job: Job) {
        let hasEnded = inbox.withLock { inbox in
            if !inbox.hasEnded { inbox.jobs.enqueue(job) }
            return deliver(&inbox)
        }
        if hasEnded { job.runElsewhere() }
    }

    /// Asks something of the loop; after its end there is nobody to ask, and nothing left to do.
    func post(_ post: Post) {
        let hasEnded = inbox.withLock { inbox in
            if !inbox.hasEnded { inbox.posts.append(post) }
            return deliver(&inbox)
        }
        if hasEnded, case .timer(let job, _) = post { job.runElsewhere() }
    }

    /// Makes the loop look into its inbox. One wake is enough until it has.
    private func deliver(_ inbox: inout Inbox) -> Bool {
        if inbox.hasEnded { return true }
        hasMail.store(true, ordering: .releasing)
        if !inbox.isWakePending, !isCurrent {
            inbox.isWakePending = true
            driver?.wake()
        }
        return false
    }

    // MARK: The turn

    /// Makes the calling thread the loop's own and turns until `isDone`.
    func run(until isDone: Flag) throws(Errno) {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        takeIn()
        while try turn(unless: { isDone.isRaised }) {}
    }

    /// Makes one turn; false, without waiting, when its jobs have done what was to be done.
    private func turn(unless isDone: () -> Bool) throws(Errno) -> Bool {
        state.statistics.turns += 1
        runBatch()
        if isDone() { return false }
        if state.runQueue.isEmpty || state.jobsSinceLook >= LoopExecutor.jobsPerLook {
            state.jobsSinceLook = 0
            try wait()
            unpark()
            expire()
        }
        takeIn()
        return true
    }

    /// Runs what is runnable now; what becomes runnable meanwhile waits for the next turn, so that tasks
    /// which never park cannot keep the loop from its descriptors.
    private func runBatch() {
        let executor = asUnownedTaskExecutor()
        let batch = state.runQueue.count
        state.statistics.jobs += batch
        state.jobsSinceLook += batch
        for _ in 0..<batch {
            state.budget = LoopExecutor.completionsPerJob
            state.runQueue.dequeue()?.run(on: executor)
        }
    }

    private func wait() throws(Errno) {
        guard let driver else { return }
        let turnEnd = driver.now
        state.statistics.longestTurn = max(
            state.statistics.longestTurn, state.turnStart.nanoseconds(to: turnEnd))
        state.statistics.waits += 1
        state.ready.removeAll(keepingCapacity: true)
        defer { state.turnStart = driver.now }
        let hasWork = !state.runQueue.isEmpty || hasMail.load(ordering: .acquiring)
        try driver.wait(until: hasWork ? .past : state.deadlines.next, into: &state.ready)
    }

    private func unpark() {
        for readiness in state.ready {
            let unparked = state.lot.unpark(readiness)
            if let interest = unparked.interest {
                // Taking interest back is a courtesy: a descriptor that will not have it is reported again.
                try? set(interest, in: readiness.descriptor)
            }
            if unparked.reader == nil, unparked.writer == nil { state.statistics.spuriousWakes += 1 }
            if let reader = unparked.reader { resume(reader, .ready) }
            if let writer = unparked.writer { resume(writer, .ready) }
        }
    }

    private func expire() {
        while let due = state.deadlines.popDue(at: state.turnStart) { fire(due, .timedOut) }
    }

    private func fire(_ due: Due, _ wakeup: Wakeup) {
        switch due {
        case .park(let ticket):
            state.lot.unpark(ticket)?.continuation.resume(returning: wakeup)
        case .sleep(let sleeper):
            sleeper?.resume(returning: wakeup)
        case .timer(let job):
            job.runAsTimer()
        }
    }

    /// Takes in what other threads posted.
    private func takeIn() {
        guard hasMail.load(ordering: .acquiring) else { return }
        let posts = inbox.withLock { inbox in
            hasMail.store(false, ordering: .relaxed)
            inbox.isWakePending = false
            state.statistics.postedJobs += inbox.jobs.count
            state.runQueue.append(inbox.jobs)
            inbox.jobs = RunQueue()
            defer { inbox.posts.removeAll(keepingCapacity: true) }
            return inbox.posts
        }
        for post in posts { carryOut(post) }
    }

    private func carryOut(_ post: Post) {
        switch post {
        case .cancelPark(let ticket):
            if let parked = state.lot.unpark(ticket) { resume(parked, .cancelled) }
        case .cancelOwner(let id):
            cancelOwner(of: id)
        case .cancelSleep(let token):
            if case .sleep(let sleeper) = state.deadlines.remove(token) {
                sleeper?.resume(returning: .cancelled)
            }
        case .close(let id):
            close(id)
        case .timer(let job, let delay):
            admit(job, after: delay)
        }
    }

    /// Ends the owner's present park on its socket and all of its later ones.
    private func cancelOwner(of id: SocketID) {
        guard state.table.isOpen(id) else { return }
        state.table[id].isOwnerCancelled = true
        for parked in state.lot.unpark(id.descriptor, where: \.isOwner) {
            resume(parked, .cancelled)
        }
    }

    private func admit(_ timer: Job, after delay: Duration) {
        // A loop that is ending waits for no timer: the sleeper wakes and sees that it is cancelled.
        if state.isEnding { return timer.runAsTimer() }
        _ = state.deadlines.insert(.timer(timer), at: now.advanced(by: delay))
    }

    /// Makes a parked task runnable, and its deadline void.
    private func resume(_ parked: ParkedTask, _ wakeup: Wakeup) {
        if let timer = parked.timer { _ = state.deadlines.remove(timer) }
        parked.continuation.resume(returning: wakeup)
    }

    // MARK: For tasks on the loop's thread

    /// Gives interest to the driver.
    func set(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        state.statistics.interestChanges += 1
        try driver?.setInterest(interest, in: descriptor)
    }

    /// Says whether a call may complete at once; when not, the task must yield first.
    @inline(__always)
    func spend() -> Bool {
        state.budget -= 1
        return state.budget >= 0
    }

    /// Makes the coming turn look at its descriptors even if it has more to run.
    func lookSoon() { state.jobsSinceLook = LoopExecutor.jobsPerLook }

    /// Closes a descriptor of ours: resumes whoever is parked there, takes the interest back, closes.
    func close(_ id: SocketID) {
        guard state.table.remove(id) else { return }
        forget(id.descriptor)
        sockets.close(id.descriptor)
    }

    /// Takes back the interest in a descriptor that is not ours, and resumes whoever is parked there.
    func forget(_ descriptor: RawDescriptor) {
        let unparked = state.lot.close(descriptor)
        if let interest = unparked.interest {
            // The caller is about to close it; what the driver cannot forget goes with it.
            try? set(interest, in: descriptor)
        }
        if let reader = unparked.reader { resume(reader, .closed) }
        if let writer = unparked.writer { resume(writer, .closed) }
    }

    /// Ends the driver's wait, so that the loop looks at what another thread changed.
    func wake() {
        inbox.withLock { _ = deliver(&$0) }
    }

    /// The present instant of the driver's clock.
    var now: Instant { driver?.now ?? state.turnStart }

    // MARK: Ending

    /// Ends the loop: cancels what it started, resumes whoever is parked, drains, and closes every descriptor.
    ///
    /// Returns when `isDone` and the last task that `spawn` started has ended.
    func end(when isDone: Flag) {
        state.isEnding = true
        children.withLock { $0.cancelAll() }
        for parked in state.lot.removeAll() { resume(parked, .loopEnded) }
        while let due = state.deadlines.popDue(at: .never) { fire(due, .loopEnded) }
        takeIn()
        func isDrained() -> Bool {
            isDone.isRaised && state.runQueue.isEmpty && !hasMail.load(ordering: .acquiring) && isChildless
        }
        while !isDrained() {
            // Without a working driver there are still jobs to run, and the inbox to look into.
            do { _ = try turn(unless: isDrained) } catch { takeIn() }
        }
        for id in state.table.open { close(id) }
        state.buffers.drain()
        let late = inbox.withLock { inbox in
            inbox.hasEnded = true
            driver = nil
            defer { inbox.jobs = RunQueue() }
            return inbox.jobs
        }
        thread.store(0, ordering: .relaxed)
        runElsewhere(late)
    }

    private var isChildless: Bool { children.withLock { $0.isEmpty } }

    private func runElsewhere(_ jobs: RunQueue<Job>) {
        var jobs = jobs
        while let job = jobs.dequeue() { job.runElsewhere() }
    }
}
