import Drivers
import Syscalls

// What the loop does for its tasks: interest, closing, the clock, the budget of a job, and what
// other threads ask of it through the inbox.
extension LoopExecutor {
    /// Gives interest to the driver.
    func set(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        state.statistics.interestChanges += 1
        try state.driver?.setInterest(interest, in: descriptor)
    }

    /// Says why a descriptor that is not ours cannot be watched; nil when it may be parked on.
    ///
    /// The tables are as long as the highest number in them, so the driver is asked first about one
    /// that they do not reach: any number can come from outside, and few are open.
    func examine(_ descriptor: RawDescriptor, for direction: Direction) -> Wakeup {
        if state.isEnding || state.lot.reaches(descriptor) { return nil }
        do throws(Errno) {
            try set(direction.interest, in: descriptor)
            return nil
        } catch {
            return .system(error)
        }
    }

    /// Says whether a call may complete at once; when not, the task must yield first.
    @inline(__always)
    func spend() -> Bool {
        state.budget -= 1
        return state.budget >= 0
    }

    /// Makes the coming turn look at its descriptors even if it has more to run.
    func lookSoon() { state.jobsSinceLook = LoopExecutor.jobsPerLook }

    /// Closes a descriptor of ours: resumes the tasks that are parked there, takes the interest
    /// back, closes.
    ///
    /// Where the peer will not have what it was to have, it is told by a reset: an end in order
    /// would say that this was all. A Unix socket knows no reset: there it is an end in order.
    func close(_ id: SocketID) {
        guard let record = state.table.remove(id) else { return }
        forget(id.descriptor)
        if !state.socketFiles.isEmpty { removeSocketFile(of: id.descriptor) }
        let isStuck = record.isStalled && waiting(at: id.descriptor) == record.waiting
        if record.writing == .cut || isStuck {
            // One that is reset already needs no other.
            try? sockets.resetOnClose(id.descriptor)
        }
        sockets.close(id.descriptor)
    }

    /// How many bytes the peer has not acknowledged; nil when the kernel does not say.
    func waiting(at descriptor: RawDescriptor) -> UInt32? {
        (try? sockets.unacknowledged(descriptor)).map { UInt32(clamping: $0) }
    }

    /// Takes back the interest in a descriptor that is not ours, and resumes the tasks that are
    /// parked there.
    func forget(_ descriptor: RawDescriptor) {
        let unparked = state.lot.close(descriptor)
        if let interest = unparked.interest {
            // The caller is about to close it; what the driver cannot forget goes with it.
            try? set(interest, in: descriptor)
        }
        if let reader = unparked.reader { resume(reader, .closed) }
        if let writer = unparked.writer { resume(writer, .closed) }
    }

    /// The counters, with the turn that is under way.
    var statisticsSoFar: LoopStatistics {
        var statistics = state.statistics
        let turn = state.turnStart.nanoseconds(to: now)
        statistics.longestTurn = max(statistics.longestTurn, turn)
        return statistics
    }

    /// The present instant of the driver's clock.
    var now: Instant { state.driver?.now ?? state.turnStart }

    /// When an operation that starts now gives up; nil is never.
    @inline(__always)
    func deadline(after timeout: Duration?) -> Instant {
        timeout.map { now.advanced(by: $0) } ?? .never
    }

    // MARK: What other threads ask for

    /// Does what another thread, or a cancellation, has asked for.
    func carryOut(_ request: Inbox.Request) {
        switch request {
        case .cancelPark(let ticket):
            if let parked = state.lot.unpark(ticket) { resume(parked, .cancelled) }
        case .cancelHandlers(let server):
            for id in state.table.served(by: server) { cancelOwner(of: id) }
        case .endIdleReads(let server):
            for id in state.table.served(by: server) { endIdleReads(of: id) }
        case .cancelSleep(let token):
            if case .sleep(let sleeper?) = state.deadlines.remove(token) {
                unpark(sleeper.job, .cancelled)
            }
        case .endSleep(let token):
            if case .sleep(let sleeper?) = state.deadlines.remove(token) {
                unpark(sleeper.job, nil)
            }
        case .close(let id):
            close(id)
        case .endPark(let file):
            // Later its number may be another one's.
            if file.isParked(by: self) { forget(file.raw) }
        case .timer(let job, let delay):
            admit(job, of: nil, after: delay)
        case .inspect(let inquiry):
            inquiry.answer(for: self)
        }
    }

    /// Ends the owner's present park on its socket and all of its later ones.
    func cancelOwner(of id: SocketID) {
        state.table[id].notice = .cancel
        for parked in unparkOwner(of: id) { resume(parked, .cancelled) }
    }

    /// Lets the owner's reads end where they would wait for the first byte, the present one too.
    private func endIdleReads(of id: SocketID) {
        guard state.table[id].notice == .none else { return }
        state.table[id].notice = .endIdleReads
        guard state.table[id].isReading else { return }
        for parked in unparkOwner(of: id) { resume(parked, nil) }
    }

    private func unparkOwner(of id: SocketID) -> [ParkedTask] {
        let owner = state.table[id].owner
        return state.lot.unpark(id.descriptor) { $0.job.task == owner }
    }

    // MARK: What the runtime hands over

    /// Makes a job runnable.
    ///
    /// A task that goes on although its timer is not due was cancelled in its sleep.
    func admit(_ job: Job) {
        if !state.naps.isEmpty { endNap(of: job.task) }
        resume(job, nil)
    }

    /// Puts a timer of the standard library among the deadlines. The caller is on the loop's
    /// thread.
    func admit(_ timer: Job, of task: UInt?, after delay: Duration) {
        // A loop that is ending waits for no timer; the sleeper, which is none of its children,
        // does.
        // A watched loop waits all the same: elsewhere, time would be real.
        if state.isEnding, state.witness == nil { return timer.runElsewhere(after: delay) }
        let token = state.deadlines.insert(
            .timer(timer, of: task ?? 0), at: now.advanced(by: delay))
        if let task { state.naps[task] = token }
    }

    /// Lets the timer of a task fire that sleeps no longer. It wakes nobody then; it has to run
    /// because it owns memory.
    private func endNap(of task: UInt) {
        guard let token = state.naps.removeValue(forKey: task),
            let timer = state.deadlines.remove(token)
        else { return }
        _ = state.deadlines.insert(timer, at: .past)
    }
}

extension EventLoop {
    /// As the loop's `spend`, for a call that any task may make: one that is on no loop's thread
    /// may complete at once.
    @usableFromInline
    static func spend() -> Bool { LoopExecutor.withTurning { $0.spend() } ?? true }

    /// Lets other jobs run.
    ///
    /// Apart, because a caller whose isolation is none would go the long way of a task that may
    /// have to change its executor, after each `Task.yield` and wherever there might have been one.
    @inline(never)
    @usableFromInline
    static func giveWay() async { await Task.yield() }
}
