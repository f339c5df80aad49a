import Drivers
import Glibc
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Sockets that the contract is held against, with a driver to wait for them.
struct SocketsUnderTest: Sendable, CustomTestStringConvertible {
    let testDescription: String
    private let make: @Sendable () throws -> SocketSetting

    /// The kernel's own, and those of a simulated host that is alone in its world.
    static let all = [
        SocketsUnderTest(testDescription: "kernel") {
            SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
        },
        SocketsUnderTest(testDescription: "simulated") {
            let kernel = SharedKernel(Kernel(random: SeededRandom(seed: 1)))
            let host = kernel.use { $0.addHost(named: "alone") }
            return SocketSetting(
                SimulatedSockets(of: host, in: kernel),
                LoneDriver(of: host, in: kernel))
        },
    ]

    /// Sockets of this kind, none of them open.
    func open() throws -> SocketSetting { try make() }
}

/// Sockets and a driver; whatever was opened here is closed when the test ends.
final class SocketSetting {
    let sockets: any Sockets
    private let driver: any Driver
    private var opened: Set<RawDescriptor> = []

    init(_ sockets: any Sockets, _ driver: any Driver) {
        self.sockets = sockets
        self.driver = driver
    }

    deinit { opened.forEach(sockets.close) }

    /// A fresh socket for addresses like this one.
    func open(for host: String = "127.0.0.1") throws -> RawDescriptor {
        adopt(try sockets.open(for: SocketAddress("\(host):0")))
    }

    /// Sees to it that a socket is closed when the test ends.
    @discardableResult
    func adopt(_ socket: RawDescriptor) -> RawDescriptor {
        opened.insert(socket)
        return socket
    }

    /// A socket with a free port that accepts nobody.
    func bound(to host: String = "127.0.0.1") throws -> RawDescriptor {
        let socket = try open(for: host)
        try sockets.bind(socket, to: SocketAddress("\(host):0"))
        return socket
    }

    /// A listener on a free port.
    func listener(on host: String = "127.0.0.1", backlog: Int = 16) throws -> RawDescriptor {
        let socket = try bound(to: host)
        try sockets.listen(socket, backlog: backlog)
        return socket
    }

    /// A socket that has begun to connect to where another one is.
    func client(of listener: RawDescriptor) throws -> RawDescriptor {
        let address = try sockets.localAddress(listener)
        let client = try open(for: address.isIPv6 ? "[\(address.host)]" : address.host)
        #expect(try !sockets.connect(client, to: address))
        return client
    }

    /// Takes the next connection from a listener.
    func accept(from listener: RawDescriptor) throws -> (RawDescriptor, SocketAddress?) {
        try wait(for: .readable, of: listener)
        let (accepted, address) = try sockets.accept(listener)
        opened.insert(accepted)
        return (accepted, address)
    }

    /// Two ends of a connection that is up.
    func pair(
        over host: String = "127.0.0.1"
    ) throws -> (client: RawDescriptor, server: RawDescriptor) {
        let listener = try listener(on: host)
        defer { close(listener) }
        let client = try client(of: listener)
        try wait(for: .writable, of: client)
        return (client, try accept(from: listener).0)
    }

    /// Closes a socket before the test ends.
    func close(_ socket: RawDescriptor) {
        if opened.remove(socket) != nil { sockets.close(socket) }
    }

    /// Sends a text, which is short.
    func send(_ text: String, from socket: RawDescriptor) throws {
        let bytes = Array(text.utf8)
        #expect(try bytes.withUnsafeBytes { try sockets.send(socket, $0) } == bytes.count)
    }

    /// What a single call receives, as text; "" at the end of the stream.
    func take(from socket: RawDescriptor, atMost count: Int = 100) throws -> String {
        var buffer = [UInt8](repeating: 0, count: count)
        let taken = try buffer.withUnsafeMutableBytes { try sockets.receive(socket, into: $0) }
        return String(decoding: buffer[..<taken], as: UTF8.self)
    }

    /// As `take`, when something has come.
    func await(from socket: RawDescriptor) throws -> String {
        try wait(for: .readable, of: socket)
        return try take(from: socket)
    }

    /// Waits until a socket is ready; a minute without fails the test.
    func wait(for interest: Interest, of socket: RawDescriptor) throws {
        try driver.setInterest(interest, in: socket)
        var ready: [Readiness] = []
        let giveUp = driver.now.advanced(by: .seconds(60))
        while ready.isEmpty {
            try #require(driver.now < giveUp, "\(socket) did not become ready")
            try driver.wait(until: giveUp, into: &ready)
        }
        try driver.setInterest([], in: socket)
    }

    /// Waits until something is so that no socket tells of; a minute without fails the test.
    func wait(until isSo: () throws -> Bool) throws {
        let giveUp = driver.now.advanced(by: .seconds(60))
        var ready: [Readiness] = []
        while try !isSo() {
            try #require(driver.now < giveUp)
            try driver.wait(until: driver.now.advanced(by: .milliseconds(1)), into: &ready)
        }
    }

    /// Whether a socket is ready now.
    func isReady(_ socket: RawDescriptor, for interest: Interest) throws -> Bool {
        try driver.setInterest(interest, in: socket)
        var ready: [Readiness] = []
        try driver.wait(until: .past, into: &ready)
        try driver.setInterest([], in: socket)
        return !ready.isEmpty
    }
}

extension Errno {
    static let isConnected = Errno(rawValue: EISCONN)
    static let noSuchFamily = Errno(rawValue: EAFNOSUPPORT)
    static let aborted = Errno(rawValue: ECONNABORTED)
    static let noSuchOption = Errno(rawValue: ENOPROTOOPT)
}

/// The loopback addresses of this machine; IPv6 may be switched off in a container.
let loopbacks: [String] = {
    let socket = try? RawDescriptor.streamSocket(family: AF_INET6)
    defer { socket?.close() }
    let hasIPv6 = (try? socket?.bind(to: SocketAddress("[::1]:0"))) != nil
    return hasIPv6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"]
}()
