import Glibc
import Syscalls

/// A wake that a simulated driver has not yet had, for any thread to raise.
///
/// What wakes a driver is another host's task, on the simulation's own thread. A wake from any
/// other thread means that code has left the simulation and comes back: it is counted, because the
/// seed does not decide when.
final class WakeFlag: Sendable {
    private struct State {
        var isRaised = false
        var raisedOutside = 0
    }

    private let state = Guarded(State())
    private let thread = UInt(pthread_self())

    func raise() {
        let isOutside = UInt(pthread_self()) != thread
        state.withLock {
            $0.isRaised = true
            if isOutside { $0.raisedOutside += 1 }
        }
    }

    /// Lowers the flag; says whether it was raised.
    func take() -> Bool {
        state.withLock { state in
            defer { state.isRaised = false }
            return state.isRaised
        }
    }

    var isRaised: Bool { state.withLock { $0.isRaised } }

    /// How often another thread raised it.
    var raisedOutside: Int { state.withLock { $0.raisedOutside } }
}
