import Syscalls

// The standard library's sleeps read the machine's clock to make the instant at which they end:
//
//     the job starts ── reads the clock, adds the delay ── asks the loop for the instant
//
// So what is left when the loop is asked is a little less than the delay, and much less if the
// thread was held up in between. A real loop lives with that. A simulation, in which nothing may
// depend on the machine, has to find the delay again, and can for delays of whole milliseconds.
extension LoopExecutor {
    /// The delay that a sleep asked for, of which `rest` is left; only a watched loop changes it.
    func settled(_ rest: Duration) -> Duration {
        guard let witness = state.witness else { return rest }
        let heldUp = state.jobStart.nanoseconds(to: Instant.now)
        return .nanoseconds(witness.settle(rest.wholeNanoseconds, atMostOlderBy: heldUp))
    }
}

extension LoopWitness {
    /// Finds whole milliseconds, as a simulation wants them.
    package func settle(_ rest: Int64, atMostOlderBy age: Int64) -> Int64 {
        settledDelay(rest, atMostOlderBy: age)
    }
}

/// The whole milliseconds, in nanoseconds, of a delay of which `rest` is left.
///
/// The delay is longer than `rest` by at most `age`, the time since the job started. Nearly always
/// it is longer by no more than the time that the call needs, so the next whole millisecond is
/// taken if it is near. If it is not, the thread was held up, or the delay was no whole number of
/// milliseconds: the first when there was time for it, and the delay is then as old as the job;
/// else it is rounded up, so that nothing ends early.
func settledDelay(_ rest: Int64, atMostOlderBy age: Int64) -> Int64 {
    let millisecond: Int64 = 1_000_000
    // What a call takes at most that is not held up, in a sanitizer's build.
    let callTime: Int64 = 100_000
    guard rest > 0 else { return 0 }
    guard rest < .max - millisecond else { return rest }
    let roundedUp = (rest + millisecond - 1) / millisecond * millisecond
    if roundedUp - rest <= callTime || age <= callTime { return roundedUp }
    let (eldest, overflows) = rest.addingReportingOverflow(age)
    if overflows { return roundedUp }
    return max(roundedUp, eldest / millisecond * millisecond)
}
