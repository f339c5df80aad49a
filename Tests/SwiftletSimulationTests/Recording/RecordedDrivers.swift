import Drivers
import Swiftlet
import Syscalls

// Drivers for runs that are recorded, over the kernel's own.

/// A driver whose first wait that would last fails.
final class BrokenDriver: Driver {
    private let driver: PollDriver

    init() throws(Errno) { driver = try PollDriver() }

    var now: Instant { driver.now }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try driver.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        if deadline == .never { throw .noBufferSpace }
        try driver.wait(until: deadline, into: &ready)
    }

    func wake() { driver.wake() }
}

/// A driver whose clock jumps to the deadline when nothing is ready.
final class JumpingDriver: Driver {
    private let driver: PollDriver
    private(set) var now = Instant(nanoseconds: 0)
    /// What it was told is used up.
    private(set) var usedUp: [Readiness] = []

    init() throws(Errno) { driver = try PollDriver() }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try driver.setInterest(interest, in: descriptor)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        try driver.wait(until: deadline == .never ? .never : .past, into: &ready)
        if ready.isEmpty, deadline != .never { now = max(now, deadline) }
    }

    func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        usedUp.append(Readiness(descriptor, directions))
    }

    func wake() { driver.wake() }
}

/// What the kernel says to a connection to an address of this machine; nil when it takes it.
func outcomeOfConnecting(to address: SocketAddress) throws -> Errno? {
    let socket = Descriptor(adopting: try .streamSocket(family: address.family))
    do throws(Errno) {
        if try socket.raw.connect(to: address) { return nil }
    } catch {
        return error
    }
    let driver = try PollDriver()
    var ready: [Readiness] = []
    try driver.setInterest(.writable, in: socket.raw)
    while ready.isEmpty { try driver.wait(until: .never, into: &ready) }
    return try socket.raw.takeError()
}

extension DriverKind {
    /// Those that this machine lets a process open.
    static let usable = allCases.filter { (try? $0.makeDriver()) != nil }
}
