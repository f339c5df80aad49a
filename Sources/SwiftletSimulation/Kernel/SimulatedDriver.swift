import Drivers
import Glibc
import Synchronization
import Syscalls

/// The driver of a simulated host: readiness from the kernel's sockets, time from its clock.
///
/// A wait never blocks, it only looks: it is the world that moves the clock when no host has
/// anything to do.
///
/// It belongs to the host as it is now: after a crash it reports nothing.
final class SimulatedDriver: Driver {
    private let kernel: SharedKernel
    private let host: HostID
    private let crashes: Int
    /// A wake that no wait has taken; the only part that other threads touch.
    private let flag: WakeFlag

    init(of host: HostID, in kernel: SharedKernel, wakes flag: WakeFlag = .init()) {
        self.flag = flag
        self.kernel = kernel
        self.host = host
        crashes = kernel.use { $0.hosts[host].crashes }
    }

    var now: Instant { kernel.use { $0.now(on: host) } }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try kernel.use { kernel throws(Errno) in
            guard kernel.hosts[host].crashes == crashes else {
                if interest.isEmpty { return }
                throw .badDescriptor
            }
            try kernel.setInterest(interest, in: descriptor, on: host)
        }
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        _ = flag.take()
        ready += kernel.use { kernel in
            var found: [Readiness] = []
            if kernel.hosts[host].crashes == crashes { kernel.look(on: host, into: &found) }
            return found
        }
    }

    func wake() { flag.raise() }
}

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
