import Syscalls

// How a loop ends. The order is the contract: no new task comes in, every parked one is told, those
// that were started, on this loop and on those that run with it, are awaited, and only then do the
// descriptors and the driver go.
extension LoopExecutor {
    /// Ends the loop: cancels what it started, resumes what is parked, drains, and closes every
    /// descriptor.
    ///
    /// Returns when the body of the run and the last task that `spawn` started on any of its loops
    /// have ended.
    func end(in run: LoopRun) {
        beginEnding()
        // Where a witness watches, it finds by itself what does not end.
        if state.witness == nil { awaitReminder(after: .seconds(5)) }
        keepTurning { run.hasBodyEnded && isChildless }
        run.endChildren(ofLoops: 1)
        keepTurning { run.isOver }
        MainActorHost.end(on: self)
        keepTurning { !hasRunnable }
        finishEnding()
    }

    /// Lets no task in any more, cancels what the loop started, and resumes what is parked.
    func beginEnding() {
        state.isEnding = true
        // Cancelling runs other people's code, which may want the lock.
        for cancel in children.withLock({ $0.close() }) { cancel() }
        for parked in state.lot.removeAll() { resume(parked, .loopEnded) }
        while let due = state.deadlines.popDue(at: .never) { fire(due, .loopEnded) }
        for waiter in state.waiters.waiting { waiter.end(.loopEnded) }
        takeIn()
    }

    /// Closes every descriptor and lets the driver go. Nothing that the loop started is left.
    func finishEnding() {
        // Timers that a watched loop took while it ended, and pauses, of tasks that are not its
        // children.
        while let due = state.deadlines.popDue(at: .never) {
            if case .timer(let job, _) = due { job.runElsewhere() }
            if case .sleep(let sleeper?) = due { sleeper.job.runElsewhere() }
        }
        for id in state.table.open { close(id) }
        state.buffers.drain()
        let late = closeInbox()
        for job in late.jobs { job.runElsewhere() }
        for request in late.requests { carryOutElsewhere(request) }
    }

    private func keepTurning(until isDone: () -> Bool) {
        while !isDone() {
            do { _ = try turn(unless: isDone) } catch { turnWithoutDriver() }
        }
    }

    /// What is left of a turn whose driver fails: there are still jobs to run, deadlines that pass,
    /// and the inbox to look into.
    private func turnWithoutDriver() {
        // Nothing to wait for can be waited for: looking a thousand times a second is enough.
        if !hasRunnable { _ = try? pollOnce(.init(start: nil, count: 0), nanoseconds: 1_000_000) }
        while let due = state.deadlines.popDue(at: now) { fire(due, .timedOut) }
        takeIn()
    }

    // MARK: What does not end

    private func awaitReminder(after patience: Duration) {
        _ = state.deadlines.insert(.reminder(patience), at: now.advanced(by: patience))
    }

    /// Says what keeps the loop from its end, and says it again after twice the time.
    func remind(after patience: Duration) {
        let reports = parkReports()
        if !isChildless || !reports.isEmpty {
            log(.lateEnd(after: patience, for: reports))
        }
        awaitReminder(after: patience * 2)
    }

    /// Whether there is a job to run, now or after a look into the inbox.
    var hasRunnable: Bool { !state.runQueue.isEmpty || hasMail }

    /// Whether every task that `spawn` started has ended.
    var isChildless: Bool { children.withLock { $0.isEmpty } }
}
