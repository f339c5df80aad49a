import Drivers
import Syscalls

// What the loop does for tasks that run on its thread: interest, closing, the clock, and the budget
// of a job.
extension LoopExecutor {
    /// Gives interest to the driver.
    func set(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        state.statistics.interestChanges += 1
        try state.driver?.setInterest(interest, in: descriptor)
    }

    /// Says whether a call may complete at once; when not, the task must yield first.
    @inline(__always)
    func spend() -> Bool {
        state.budget -= 1
        return state.budget >= 0
    }

    /// Makes the coming turn look at its descriptors even if it has more to run.
    func lookSoon() { state.jobsSinceLook = LoopExecutor.jobsPerLook }

    /// Closes a descriptor of ours: resumes whoever is parked there, takes the interest back,
    /// closes.
    func close(_ id: SocketID) {
        guard state.table.remove(id) else { return }
        forget(id.descriptor)
        sockets.close(id.descriptor)
    }

    /// Takes back the interest in a descriptor that is not ours, and resumes whoever is parked
    /// there.
    func forget(_ descriptor: RawDescriptor) {
        let unparked = state.lot.close(descriptor)
        if let interest = unparked.interest {
            // The caller is about to close it; what the driver cannot forget goes with it.
            try? set(interest, in: descriptor)
        }
        if let reader = unparked.reader { resume(reader, .closed) }
        if let writer = unparked.writer { resume(writer, .closed) }
    }

    /// The present instant of the driver's clock.
    var now: Instant { state.driver?.now ?? state.turnStart }
}
