import Syscalls

/// Where an event loop meets the kernel: it says which descriptors are ready, and waits.
///
/// The contract, which `Tests/DriversTests/Driver/DriverContractTests.swift` holds every driver to:
///
/// * **Readiness is a hint.** A descriptor may be reported when the next call would block after
///   all, so callers try, and wait again. What is ready and not used is reported again by the next
///   wait.
///   Who has used it up may say so, and is told of what comes after it.
/// * **A hang-up or an error is reported to both directions**, or to both that were asked for where
///   the kernel does not tell it apart (select): the next system call says which it was.
/// * **Nothing is reported about a descriptor that nobody asked for.** With its interest withdrawn,
///   not even a hang-up ends a wait; so a descriptor with nobody parked on it never spins a loop.
/// * **Numbers are reused.** Interest is withdrawn before a descriptor is closed; the same number
///   may come back at once for another file. Interest in a number that is not open is an error, or
///   is reported so that the next call on it fails; it can be withdrawn like any other.
/// * **A wake is never lost** and is safe from any thread: it ends the wait under way, or else the
///   next.
/// * **A deadline never passes early**: a wait that ends because of it ends at or after it. One
///   that has passed makes the wait look and return. `.never` is far away, not an overflow.
/// * **A wait may return with nothing**: for a wake, a deadline or a signal. It is the caller who
///   knows what it waits for.
///
/// Every method but `wake` is called by one thread at a time, and by one only once it has waited.
package protocol Driver: AnyObject {
    /// The present instant, real or simulated.
    var now: Instant { get }

    /// Replaces the interest in a descriptor, from the next wait on. An empty one forgets the
    /// descriptor.
    ///
    /// Throws what the kernel says when it cannot watch the descriptor; nothing has changed then.
    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno)

    /// Waits until something is ready, the deadline passes or `wake` is called.
    ///
    /// Appends what is ready to `ready`. A deadline of `.past` looks without waiting.
    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno)

    /// Says that what was reported is used up: a call would have blocked since then, or a stream
    /// moved less than it could have, which epoll(7) says is enough. What comes later is reported.
    ///
    /// It spares a driver that would have to ask again the look that would find nothing.
    func usedUp(_ directions: Interest, of descriptor: RawDescriptor)

    /// Ends the wait under way, or the next one if there is none.
    func wake()
}

extension Driver {
    /// A system call that looks at every descriptor in every wait has no use for the word.
    @inlinable package func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {}
}

extension Instant {
    /// Before every other instant, so that a wait until then looks and returns.
    @inlinable package static var past: Instant { Instant(nanoseconds: .min) }

    /// Nanoseconds that a wait until this instant may take, from `now` on; nil is for ever.
    ///
    /// At most a day: kernels refuse times beyond their own range, and a wait may return with
    /// nothing.
    package func nanosecondsToWait(from now: @autoclosure () -> Instant) -> Int64? {
        switch self {
        case .never: nil
        case .past: 0
        default: min(max(now().nanoseconds(to: self), 0), 86_400_000_000_000)
        }
    }
}
