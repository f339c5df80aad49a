import Glibc
import Synchronization

/// A wake that a simulated driver has not yet had, for any thread to raise.
///
/// What wakes a driver is another host's task, on the simulation's own thread. A wake from any
/// other thread means that code has left the simulation and comes back: it is counted, because the
/// seed does not decide when.
final class WakeFlag: Sendable {
    private let raised = Atomic(false)
    private let raisedOutsideCount = Atomic(0)
    private let thread = UInt(pthread_self())

    func raise() {
        if UInt(pthread_self()) != thread { raisedOutsideCount.add(1, ordering: .relaxed) }
        raised.store(true, ordering: .releasing)
    }

    /// Lowers the flag; says whether it was raised.
    func take() -> Bool { raised.exchange(false, ordering: .acquiringAndReleasing) }

    var isRaised: Bool { raised.load(ordering: .acquiring) }

    /// How often another thread raised it.
    var raisedOutside: Int { raisedOutsideCount.load(ordering: .relaxed) }
}
