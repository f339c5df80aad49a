import Syscalls

// What other threads ask of a loop through its inbox, done when the loop takes it in.
extension LoopExecutor {
    /// Does what another thread, or a cancellation, has asked for.
    func carryOut(_ request: Inbox.Request) {
        switch request {
        case .cancelPark(let ticket):
            if let parked = state.lot.unpark(ticket) { resume(parked, .cancelled) }
        case .cancelHandlers(let server):
            for id in state.table.served(by: server) { cancelOwner(of: id) }
        case .cancelSleep(let token):
            if case .sleep(let sleeper?) = state.deadlines.remove(token) {
                unpark(sleeper.job, .cancelled)
            }
        case .close(let id):
            close(id)
        case .timer(let job, let delay):
            admit(job, after: delay)
        }
    }

    /// Ends the owner's present park on its socket and all of its later ones.
    func cancelOwner(of id: SocketID) {
        state.table[id].isOwnerCancelled = true
        for parked in state.lot.unpark(id.descriptor, where: \.isOwner) {
            resume(parked, .cancelled)
        }
    }

    /// Puts a timer of the standard library among the deadlines. The caller is on the loop's
    /// thread.
    func admit(_ timer: Job, after delay: Duration) {
        // A loop that is ending waits for no timer; the sleeper, who is none of its children, does.
        // A watched loop waits all the same: elsewhere, time would be real.
        if state.isEnding, state.witness == nil { return timer.runElsewhere(after: delay) }
        _ = state.deadlines.insert(.timer(timer), at: now.advanced(by: delay))
    }
}
