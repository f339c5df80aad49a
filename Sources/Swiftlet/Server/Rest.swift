import Syscalls

// Sleeps of a server that others may end: `stop`, or the end of the last handler.
extension LoopExecutor {
    /// Begins a sleep; to cancel the task ends it.
    func beginRest(for duration: Duration, in call: Call) -> Task<Wakeup, Never> {
        Task<Wakeup, Never>(executorPreference: self) {
            await self.sleep(until: self.now.advanced(by: duration), in: call)
        }
    }
}

/// Waits for the end of a sleep: nil when its time has passed, `.cancelled` when it was ended, also
/// by the cancellation of the calling task.
func awaitEnd(of rest: Task<Wakeup, Never>) async -> IOError.Reason? {
    let wakeup = await withTaskCancellationHandler {
        await rest.value
    } onCancel: {
        rest.cancel()
    }
    return wakeup == .timedOut ? nil : wakeup
}
