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
        takeIn()
    }

    /// Closes every descriptor and lets the driver go. Nothing that the loop started is left.
    func finishEnding() {
        // Timers that a watched loop took while it ended, of sleepers that are not its children.
        while let due = state.deadlines.popDue(at: .never) {
            if case .timer(let job) = due { job.runElsewhere() }
        }
        for id in state.table.open { close(id) }
        state.buffers.drain()
        let late = closeInbox()
        for job in late.jobs { job.runElsewhere() }
        for request in late.requests { carryOutElsewhere(request) }
    }

    private func keepTurning(until isDone: () -> Bool) {
        while !isDone() {
            // Without a working driver there are still jobs to run, and the inbox to look into.
            do { _ = try turn(unless: isDone) } catch { takeIn() }
        }
    }

    /// Whether there is a job to run, now or after a look into the inbox.
    var hasRunnable: Bool { !state.runQueue.isEmpty || hasMail }

    /// Whether every task that `spawn` started has ended.
    var isChildless: Bool { children.withLock { $0.isEmpty } }
}
