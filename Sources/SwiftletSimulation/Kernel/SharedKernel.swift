import Synchronization

/// The one kernel of a simulation, for the drivers and sockets of all of its hosts.
///
/// Everything happens on the simulation's thread, so the lock is never waited for. It is there
/// because tasks may hold on to what refers to it, and tasks are `Sendable`. A `Mutex` and not a
/// `Guarded`: that is generic code of another module, which costs half of a simulation's time.
final class SharedKernel: Sendable {
    private let kernel: Mutex<Kernel>

    init(_ kernel: consuming sending Kernel) { self.kernel = Mutex(kernel) }

    /// Lends the kernel to `body`, which must not wait and must run no task.
    func use<Result, Failure: Error>(
        _ body: (inout Kernel) throws(Failure) -> Result
    ) throws(Failure) -> Result where Result: Sendable {
        try kernel.withLock { kernel throws(Failure) in try body(&kernel) }
    }
}
