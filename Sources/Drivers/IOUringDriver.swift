import Syscalls

/// Readiness from io_uring(7), by poll requests that go to the kernel together with the wait.
///
/// One system call a turn, however many requests it hands over; and a steady conversation hands
/// over none, see `IOUringWatch`. `docs/decisions/0014-io-uring-readiness.md` has the numbers.
package final class IOUringDriver: Driver {
    // Behind a pointer, as in `docs/decisions/0004`: without a check of exclusive access each time.
    private let polls: UnsafeMutablePointer<IOUringPolls>
    private let signal: WakeSignal

    /// Opens a ring and a wake signal (io_uring_setup(2), eventfd(2)).
    package init() throws(Errno) {
        signal = try WakeSignal()
        let opened = try IOUringPolls(signal: signal.raw)
        polls = .allocate(capacity: 1)
        polls.initialize(to: opened)
        try polls.pointee.setInterest(.readable, in: signal.raw)
    }

    deinit {
        polls.deinitialize(count: 1)
        polls.deallocate()
    }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        try polls.pointee.setInterest(interest, in: descriptor)
    }

    package func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        polls.pointee.useUp(directions, of: descriptor)
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        guard try polls.pointee.wait(until: deadline, into: &ready) else { return }
        signal.clear()
        polls.pointee.useUp(.readable, of: signal.raw)
    }

    package func wake() { signal.raise() }
}
