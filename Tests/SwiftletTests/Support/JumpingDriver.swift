import Drivers
import Syscalls

@testable import Swiftlet

/// A real driver with a clock that jumps: when nothing is ready, a wait ends at its deadline at
/// once.
///
/// Loopback sockets are ready as soon as the other end has written, so a test in which everything
/// happens on the loop's thread sees the same order as in real time, and never waits.
final class JumpingDriver: Driver {
    private let real: any Driver
    private(set) var now = Instant(nanoseconds: 1_000_000_000)

    init(_ kind: DriverKind = .poll) throws(Errno) { real = try kind.makeDriver() }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try real.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        if deadline == .never { return try real.wait(until: .never, into: &ready) }
        try real.wait(until: .past, into: &ready)
        if ready.isEmpty { now = max(now, deadline) }
    }

    func wake() { real.wake() }
}

/// A real driver that tells only so many of what is ready at a time, as few as the contract allows,
/// and whose clock can be moved on, as if the loop had been held up meanwhile.
final class HeldUpDriver: Driver {
    private let real: any Driver
    private let limit: Int
    private let delay: Delay
    private var found: [Readiness] = []

    init(_ kind: DriverKind, by delay: Delay, atMost limit: Int = 256) throws(Errno) {
        real = try kind.makeDriver()
        self.delay = delay
        self.limit = limit
    }

    var now: Instant { real.now.advanced(by: delay.total) }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        found.removeAll { $0.descriptor == descriptor }
        try real.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        var news: [Readiness] = []
        let isLook = deadline == .past || !found.isEmpty
        let real = isLook ? .past : deadline.advanced(by: .zero - delay.total)
        try self.real.wait(until: real, into: &news)
        found += news.filter { new in !found.contains { $0.descriptor == new.descriptor } }
        ready += found.prefix(limit)
        found.removeFirst(min(limit, found.count))
    }

    var heedsUse: Bool { real.heedsUse }

    func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        real.usedUp(directions, of: descriptor)
    }

    func wake() { real.wake() }
}

/// For how long a loop was held up; its own tasks say so, while no wait is under way.
final class Delay: Sendable {
    private let duration = Guarded(Duration.zero)
    var total: Duration { duration.withLock { $0 } }
    func add(_ more: Duration) { duration.withLock { $0 += more } }
}

/// A driver whose waits fail.
final class FailingDriver: Driver {
    let now = Instant(nanoseconds: 0)
    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {}
    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        throw .outOfMemory
    }
    func wake() {}
}

/// A real driver whose waits fail from a certain moment on.
final class BreakableDriver: Driver {
    private let real: any Driver
    private let isBroken: Latch
    var now: Instant { real.now }

    /// A driver that breaks when the flag is raised; a wait under way must be woken to notice.
    init(until isBroken: Latch) throws(Errno) {
        real = try DriverKind.poll.makeDriver()
        self.isBroken = isBroken
    }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try real.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        if !isBroken.isSet { try real.wait(until: deadline, into: &ready) }
        if isBroken.isSet { throw .outOfMemory }
    }

    func wake() { real.wake() }
}
