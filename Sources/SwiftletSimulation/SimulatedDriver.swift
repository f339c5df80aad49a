import Drivers
import Syscalls

/// The driver of a simulated host: readiness from the kernel's sockets, time from its clock.
///
/// A wait never blocks. Among other hosts it only looks, because it is the world that moves the
/// clock when no host has anything to do. Alone it moves the clock itself, to the next event or to
/// its deadline, as the kernel's drivers do by sleeping.
final class SimulatedDriver: Driver {
    private let kernel: SharedKernel
    private let host: HostID
    private let movesTheClock: Bool
    private let flag: WakeFlag

    init(
        of host: HostID, in kernel: SharedKernel, movesTheClock: Bool,
        wakes flag: WakeFlag = .init()
    ) {
        self.flag = flag
        self.kernel = kernel
        self.host = host
        self.movesTheClock = movesTheClock
    }

    var now: Instant { kernel.use { $0.now(on: host) } }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {}

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        flag.lower()
    }

    func wake() { flag.raise() }
}
