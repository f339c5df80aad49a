import Drivers
import Syscalls

/// The driver of a simulated host: readiness from the kernel's sockets, time from its clock.
///
/// A wait never blocks. Among other hosts it only looks, because it is the world that moves the
/// clock when no host has anything to do. Alone it moves the clock itself, to the next event or to
/// its deadline, as the kernel's drivers do by sleeping.
///
/// It belongs to the host as it is now: after a crash it reports nothing.
final class SimulatedDriver: Driver {
    private let kernel: SharedKernel
    private let host: HostID
    private let movesTheClock: Bool
    private let crashes: Int
    /// A wake that no wait has taken; the only part that other threads touch.
    private let flag: WakeFlag

    init(
        of host: HostID, in kernel: SharedKernel, movesTheClock: Bool,
        wakes flag: WakeFlag = .init()
    ) {
        self.flag = flag
        self.kernel = kernel
        self.host = host
        self.movesTheClock = movesTheClock
        crashes = kernel.use { $0.hosts[host.index].crashes }
    }

    var now: Instant { kernel.use { $0.now(on: host) } }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try kernel.use { kernel throws(Errno) in
            guard kernel.hosts[host.index].crashes == crashes else {
                if interest.isEmpty { return }
                throw .badDescriptor
            }
            try kernel.setInterest(interest, in: descriptor, on: host)
        }
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let isAwake = flag.take()
        let found = kernel.use { kernel in
            var found: [Readiness] = []
            guard kernel.hosts[host.index].crashes == crashes else { return found }
            while movesTheClock, kernel.happen() {}
            kernel.look(on: host, into: &found)
            while movesTheClock, found.isEmpty, !isAwake, kernel.moveOn(to: deadline, of: host) {
                kernel.look(on: host, into: &found)
            }
            return found
        }
        ready += found
    }

    func wake() { flag.raise() }
}

extension Kernel {
    /// Makes happen what comes next, or moves the clock to a deadline of a host that comes first;
    /// false when the deadline has come, or nothing ever will.
    fileprivate mutating func moveOn(to deadline: Instant, of host: HostID) -> Bool {
        if happen() { return true }
        let limit = worldInstant(of: deadline, on: host)
        guard now < limit, min(limit, nextEvent) != .never else { return false }
        move(to: min(limit, nextEvent))
        return true
    }
}
