import Drivers
import Synchronization
import Syscalls

// Where a task is suspended, and why it goes on.

/// Why a parked task goes on: nil when the descriptor may make progress, or the reason to throw.
///
/// `.timedOut` is the bad end of a park and the good one of a sleep.
package typealias Wakeup = IOError.Reason?

// The door between a task and the loop: a task is suspended here, and in `Connection.read`, whose
// task `keepOwner` keeps; its cancellation comes from its server.
//
// The order matters. The ticket is made first; a cancellation that comes at any moment from any
// thread posts that ticket; and because the loop's thread is here, the post is read only after the
// task has parked. So a cancellation is never lost, and one that comes too late finds that the
// ticket is no longer held.
extension LoopExecutor {
    /// Suspends the calling task until `descriptor` may make progress in `direction`.
    ///
    /// The caller is on the loop's thread, in a call that reports tell of.
    @inline(never)
    func park(
        on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant,
        in call: Call
    ) async -> Wakeup {
        if state.isEnding { return await refuse(in: call) }
        let ticket = state.lot.makeTicket(for: direction, of: descriptor)
        return await withTaskCancellationHandler {
            await suspend(for: .park(ticket, until: deadline), in: call)
        } onCancel: {
            post(.cancelPark(ticket))
        }
    }

    /// As `park`, for the task that owns the socket: its cancellation is passed on by its server,
    /// and registering for it at each park would be a tenth of what the runtime costs.
    @inline(__always)
    func parkOwner(
        on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant,
        in call: Call
    ) async -> Wakeup {
        if state.isEnding { return await refuse(in: call) }
        let ticket = state.lot.makeTicket(for: direction, of: descriptor)
        return await suspend(for: .park(ticket, until: deadline), in: call)
    }

    /// Whether the calling task is on the loop's thread and comes back to it from a suspension.
    var isHome: Bool { isCurrent && isCallerCancelled != nil }

    /// Whether the calling task is cancelled; nil when it would not come back to the loop from a
    /// suspension.
    ///
    /// That is a task on the loop's thread which belongs elsewhere: `Task.immediate` starts one
    /// inside the job of another.
    @inline(__always)
    var isCallerCancelled: Bool? { isCurrentTaskCancelled(ifItIs: state.task) }

    /// Keeps the owner of a socket, which is about to be suspended, until `descriptor` may make
    /// progress in `direction`.
    @inline(__always)
    func keepOwner(on descriptor: RawDescriptor, for direction: Direction, in call: Call) {
        let ticket = state.lot.makeTicket(for: direction, of: descriptor)
        note(call)
        keep(Job(of: state.task), for: .park(ticket, until: .never))
    }

    /// Keeps the running task, which is about to be suspended, until its waiter is settled.
    @inline(__always)
    func keep(_ waiter: Waiter, in call: Call) {
        note(call)
        keep(Job(of: waiter.record.task), for: .wait(waiter))
    }

    /// Notes what reports tell of a task that is about to be suspended.
    @inline(__always)
    private func note(_ call: Call) {
        state.call = call
        // The runtime tells the name of the current task only, which it is no longer at the gate.
        if state.witness != nil { state.name = Task.name }
    }

    /// Suspends the calling task for something, in a call that reports tell of, and returns why it
    /// goes on.
    @inline(__always)
    func suspend(for suspension: Suspension, in call: Call) async -> Wakeup {
        note(call)
        #if !SWIFTLET_PUBLIC_API_ONLY
            // It need not be the running job's: `Task.immediate` starts one inside of another.
            if isNone(#isolation), let task = currentTask {
                keep(Job(of: task), for: suspension)
                await suspendCurrentTask()
                return state.wakeup
            }
        #endif
        return await passGate(for: suspension)
    }

    @inline(never)
    private func passGate(for suspension: Suspension) async -> Wakeup {
        state.suspension = suspension
        return await gate.pass()
    }

    /// Takes the rest of a task that has come to the gate.
    fileprivate func keep(_ job: Job) {
        let suspension = state.suspension
        state.suspension = .none
        keep(job, for: suspension)
    }

    /// Keeps the rest of a task until what it waits for.
    private func keep(_ job: Job, for suspension: Suspension) {
        if let witness = state.witness { tell(witness, job, suspension) }
        switch suspension {
        case .park(let ticket, let deadline):
            admit(job, with: ticket, until: deadline)
        case .sleep(let token, let awaited):
            admit(job, asleepUntil: token, for: awaited)
        case .wait(let waiter):
            admit(job, with: waiter)
        case .none:
            preconditionFailure("a task came to the gate without a word of what it waits for")
        }
    }

    @inline(never)
    private func tell(_ witness: any LoopWitness, _ job: Job, _ suspension: Suspension) {
        let name = state.name
        state.names[job.id] = name
        switch suspension {
        case .park(let ticket, let deadline):
            let cause =
                state.table.isListening(ticket.descriptor)
                ? ParkedOn.listener(ticket.descriptor)
                : ParkedOn.descriptor(ticket.descriptor, ticket.direction)
            witness.saw(.parked(job.id, on: cause, until: deadline, in: state.call, name: name))
        case .sleep(let token, _):
            let deadline = state.deadlines.deadline(of: token)
            witness.saw(.parked(job.id, on: .sleep, until: deadline, in: state.call, name: name))
        case .wait(let waiter):
            let cause = ParkedOn.meetingPoint(waiter.record.operation)
            let timer = waiter.record.timer
            let deadline = timer == .none ? .never : state.deadlines.deadline(of: timer)
            witness.saw(.parked(job.id, on: cause, until: deadline, in: state.call, name: name))
        case .none:
            break
        }
    }

    @inline(__always)
    private func admit(_ job: Job, with waiter: Waiter) {
        let isKept = waiter.keep(.job(job, Unmanaged.passUnretained(self)))
        if !isKept { unpark(job, waiter.record.outcome.reason) }
    }

    @inline(never)
    private func admit(
        _ job: Job, asleepUntil token: DeadlineQueue<Due>.Token, for awaited: Awaited
    ) {
        let sleeper = Sleeper(job: job, stay: state.stay, awaited: awaited)
        if !state.deadlines.replace(token, with: .sleep(sleeper)) { unpark(job, .loopEnded) }
    }

    @inline(__always)
    private func admit(_ job: Job, with ticket: Ticket, until deadline: Instant) {
        state.statistics.parks += 1
        let timer = deadline == .never ? .none : state.deadlines.insert(.park(ticket), at: deadline)
        let parked = ParkedTask(job: job, timer: timer)
        switch state.lot.park(parked, with: ticket, for: state.stay) {
        case .parked:
            break
        case .install(let interest):
            install(interest, for: parked, with: ticket)
        case .busy:
            resume(parked, .busy)
        }
    }

    @inline(never)
    private func install(_ interest: Interest, for parked: ParkedTask, with ticket: Ticket) {
        do throws(Errno) {
            try set(interest, in: ticket.descriptor)
        } catch {
            _ = state.lot.refuse(ticket)
            resume(parked, .system(error))
        }
    }

    /// Suspends the calling task until `deadline`. The caller is on the loop's thread, in a call
    /// that reports tell of.
    func sleep(until deadline: Instant, in call: Call) async -> Wakeup {
        if state.isEnding { return await refuse(in: call) }
        let token = state.deadlines.insert(.sleep(nil), at: deadline)
        return await sleep(for: token, awaiting: .time, in: call)
    }

    /// Suspends the calling task for an entry of the deadlines, `.sleep(nil)`, until that is due or
    /// another thread posts that what it waits for has come, for which the wakeup is nil.
    func sleep(
        for token: DeadlineQueue<Due>.Token, awaiting awaited: Awaited, in call: Call
    ) async -> Wakeup {
        await withTaskCancellationHandler {
            await suspend(for: .sleep(token, awaited), in: call)
        } onCancel: {
            post(.cancelSleep(token))
        }
    }

    /// Says to a task that would wait that the loop is ending.
    ///
    /// One that asks again and again is told after a pause, so that it keeps neither the thread to
    /// itself nor a processor busy. A world that stands still has no pauses, and finds a livelock.
    @inline(never)
    func refuse(in call: Call) async -> IOError.Reason {
        // After the end this is no longer the loop's thread, and nothing may change.
        guard isHome, !spend() else { return .loopEnded }
        if state.witness == nil {
            let end = now.advanced(by: .milliseconds(10))
            let token = state.deadlines.insert(.sleep(nil), at: end)
            _ = await suspend(for: .sleep(token, .time), in: call)
        } else {
            await Task.yield()
        }
        return .loopEnded
    }
}

/// The gate of a loop's parking lot: a task that is to pass is suspended until the loop says go.
///
/// It is the way of those who are isolated to an actor, which they give up by going to another one.
/// This actor is never free: its executor, which it is itself, keeps each job for what its task
/// waits for, and when the time has come the loop runs it like any other. All of it is public API,
/// and cheaper than a continuation.
actor ParkingGate: SerialExecutor {
    // The loop owns its gate and sets this once, in its `init`; and a task that comes here holds
    // the loop. So it is an address, and nothing is retained on the way through.
    private nonisolated let loop = Atomic<UInt>(0)

    nonisolated func belong(to loop: LoopExecutor) {
        let address = Unmanaged.passUnretained(loop).toOpaque()
        self.loop.store(UInt(bitPattern: address), ordering: .relaxed)
    }

    @inline(__always)
    private nonisolated func withLoop<Result>(_ body: (LoopExecutor) -> Result) -> Result {
        let address = loop.load(ordering: .relaxed)
        guard let loop = UnsafeRawPointer(bitPattern: address) else {
            preconditionFailure("a gate that belongs to no loop")
        }
        return Unmanaged<LoopExecutor>.fromOpaque(loop)._withUnsafeGuaranteedRef(body)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    nonisolated func enqueue(_ job: consuming ExecutorJob) {
        let job = Job(job)
        withLoop { $0.keep(job) }
    }

    /// Returns why the calling task goes on. Before, it is suspended for what the loop's
    /// `suspension` says, which is to be set just before, on the loop's thread.
    @inline(never)
    func pass() -> Wakeup { withLoop { $0.state.wakeup } }
}

/// Whether an isolation is none.
///
/// Apart, because Swift 6.3.1 fails to compile the comparison in an asynchronous function in debug
/// builds.
@inlinable
@inline(__always)
func isNone(_ isolation: (any Actor)?) -> Bool { isolation == nil }
