import Drivers
import Glibc
import Syscalls
import Testing

@testable import SwiftletSimulation

/// One driver that the contract is held against, and the calls that make its descriptors ready.
///
/// A driver of the kernel comes with the kernel's sockets; a simulated one brings its own, and
/// whatever implements both seams can be added to `all`. What only a kernel has (numbers that come
/// back at once, signals, threads, descriptors by the thousand) is asked of `kernel`.
struct DriverUnderTest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    private let make: @Sendable () throws -> Setting

    /// Every driver there is.
    static let all = kernel + [simulated]
    /// The drivers that wait in the kernel for real descriptors.
    static let kernel = DriverKind.usable.map(DriverUnderTest.init(kind:))

    init(_ name: String, make: @escaping @Sendable () throws -> Setting) {
        testDescription = name
        self.make = make
    }

    private init(kind: DriverKind) {
        self.init(kind.rawValue) {
            Setting(driver: try kind.makeDriver(), sockets: SystemSockets()) {
                try makeSocketPair()
            }
        }
    }

    /// The driver of a host that is alone in a simulated world, with its sockets.
    static let simulated = DriverUnderTest("simulated") {
        let kernel = SharedKernel(Kernel(random: SeededRandom(seed: 1)))
        let host = kernel.use { $0.addHost(named: "alone") }
        let sockets = SimulatedSockets(of: host, in: kernel)
        let driver = LoneDriver(of: host, in: kernel)
        return Setting(driver: driver, sockets: sockets) { try sockets.connectedPair() }
    }

    /// A driver of this kind, freshly opened.
    func open() throws -> Setting { try make() }
}

extension DriverKind {
    /// Those that this machine lets a process open.
    static let usable = allCases.filter { (try? $0.makeDriver()) != nil }
}

/// A driver, and the descriptors that a test makes ready for it; all closed when the test ends.
final class Setting {
    let driver: any Driver
    let sockets: any Sockets
    private let connect: () throws -> (RawDescriptor, RawDescriptor)
    private var opened: Set<RawDescriptor> = []

    init(
        driver: any Driver,
        sockets: any Sockets,
        connect: @escaping () throws -> (RawDescriptor, RawDescriptor)
    ) {
        self.driver = driver
        self.sockets = sockets
        self.connect = connect
    }

    deinit { opened.forEach(sockets.close) }

    /// Two connected descriptors: the one that is watched, and its peer.
    func makePair() throws -> (watched: RawDescriptor, peer: RawDescriptor) {
        let (watched, peer) = try connect()
        opened.formUnion([watched, peer])
        return (watched, peer)
    }

    /// Sees to it that a descriptor is closed when the test ends.
    func adopt(_ descriptor: RawDescriptor) -> RawDescriptor {
        opened.insert(descriptor)
        return descriptor
    }

    /// Closes a descriptor before the test ends.
    func close(_ descriptor: RawDescriptor) {
        if opened.remove(descriptor) != nil { sockets.close(descriptor) }
    }

    /// Sends one byte from `descriptor`.
    func sendByte(from descriptor: RawDescriptor) throws {
        #expect(try [UInt8(7)].withUnsafeBytes { try sockets.send(descriptor, $0) } == 1)
    }

    /// Sends until the kernel takes no more.
    func fill(from descriptor: RawDescriptor) throws {
        let bytes = [UInt8](repeating: 7, count: 65_536)
        try untilItWouldBlock { try bytes.withUnsafeBytes { try sockets.send(descriptor, $0) } }
    }

    /// Receives until nothing is there.
    func drain(_ descriptor: RawDescriptor) throws {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        try untilItWouldBlock {
            try bytes.withUnsafeMutableBytes { try sockets.receive(descriptor, into: $0) }
        }
    }

    private func untilItWouldBlock(_ call: () throws -> Int) throws {
        do {
            while try call() > 0 {}
        } catch let error as Errno where error == .wouldBlock {
            // That is the aim.
        }
    }

    /// What is ready without waiting.
    func look() throws -> [Readiness] {
        var ready: [Readiness] = []
        try driver.wait(until: .past, into: &ready)
        return ready
    }

    /// Waits until something is ready; ten minutes without anything fail the test.
    func waitForReadiness() throws -> [Readiness] {
        var ready: [Readiness] = []
        let giveUp = driver.now.advanced(by: .seconds(600))
        while ready.isEmpty {
            try #require(driver.now < giveUp, "nothing became ready")
            try driver.wait(until: giveUp, into: &ready)
        }
        return ready
    }

    /// Far fewer waits than a loop makes that spins for a moment.
    ///
    /// Not one or two: a signal ends a wait, and so does the kernel when it has at last taken apart
    /// a ring of io_uring that this thread closed some time ago, in an earlier test.
    static let fewWaits = 50

    /// How often a wait returns before the deadline has passed, and what it reports meanwhile.
    func waits(until deadline: Instant) throws -> (count: Int, ready: [Readiness]) {
        var ready: [Readiness] = []
        var count = 0
        while driver.now < deadline, count < 1_000 {
            try driver.wait(until: deadline, into: &ready)
            count += 1
        }
        return (count, ready)
    }
}

extension Sockets {
    /// The two ends of a connection over this machine's loopback.
    func connectedPair() throws -> (RawDescriptor, RawDescriptor) {
        let any = try SocketAddress("127.0.0.1:0")
        let listener = try open(for: any)
        defer { close(listener) }
        try bind(listener, to: any)
        try listen(listener, backlog: 1)
        let client = try open(for: any)
        _ = try connect(client, to: localAddress(listener))
        return (client, try accept(listener).0)
    }
}

/// Two connected stream sockets, non-blocking and closed on exec (socketpair(2)).
private func makeSocketPair() throws(Errno) -> (RawDescriptor, RawDescriptor) {
    let kind =
        CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    var numbers: [CInt] = [-1, -1]
    _ = try retrying { socketpair(AF_UNIX, kind, 0, &numbers) }
    return (RawDescriptor(numbers[0]), RawDescriptor(numbers[1]))
}
