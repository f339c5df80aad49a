import Drivers
import Syscalls

@testable import SwiftletSimulation

/// The driver of a simulated host that is alone in its world: a wait moves the clock to the next
/// event or to its deadline, as the kernel's drivers do by sleeping. Among other hosts it is the
/// world that moves the clock.
final class LoneDriver: Driver {
    private let kernel: SharedKernel
    private let host: HostID
    private let flag = WakeFlag()
    private let driver: SimulatedDriver

    init(of host: HostID, in kernel: SharedKernel) {
        self.kernel = kernel
        self.host = host
        driver = SimulatedDriver(of: host, in: kernel, wakes: flag)
    }

    var now: Instant { driver.now }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try driver.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let isAwake = flag.isRaised
        let first = ready.count
        kernel.use { while $0.happen() {} }
        try driver.wait(until: .past, into: &ready)
        while ready.count == first, !isAwake, kernel.use({ $0.moveOn(to: deadline, of: host) }) {
            try driver.wait(until: .past, into: &ready)
        }
    }

    func wake() { driver.wake() }
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
