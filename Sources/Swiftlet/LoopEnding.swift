import Syscalls

// How a loop ends. The order is the contract: nobody new comes in, everybody is told, those that
// were started are awaited, and only then do the descriptors and the driver go.
extension LoopExecutor {
    /// Ends the loop: cancels what it started, resumes whoever is parked, drains, and closes every
    /// descriptor.
    ///
    /// Returns when `isDone` and the last task that `spawn` started has ended.
    func end(when isDone: Flag) {
        state.isEnding = true
        // Cancelling runs code of others, which may want the lock.
        for cancel in children.withLock({ $0.close() }) { cancel() }
        for parked in state.lot.removeAll() { resume(parked, .loopEnded) }
        while let due = state.deadlines.popDue(at: .never) { fire(due, .loopEnded) }
        takeIn()
        func isDrained() -> Bool {
            isDone.isRaised && state.runQueue.isEmpty && !hasMail && isChildless
        }
        while !isDrained() {
            // Without a working driver there are still jobs to run, and the inbox to look into.
            do { _ = try turn(unless: isDrained) } catch { takeIn() }
        }
        for id in state.table.open { close(id) }
        state.buffers.drain()
        var late = closeInbox()
        while let job = late.jobs.dequeue() { job.runElsewhere() }
        for request in late.requests { carryOutElsewhere(request) }
    }

    private var isChildless: Bool { children.withLock { $0.isEmpty } }
}
