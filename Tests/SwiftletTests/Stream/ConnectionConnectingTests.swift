import Syscalls
import Testing

@testable import Swiftlet

/// Attempts to connect that fail, and that somebody gives up.
@Suite(.serialized) struct ConnectionConnectingTests {
    @Test(arguments: DriverKind.usable)
    func `nobody listening is a refusal, and leaves no descriptor`(driver: DriverKind) async throws
    {
        let sockets = FaultySockets()
        // A port that is taken, and on which nobody listens.
        let taken = try RawDescriptor.streamSocket(family: anyPort().family)
        defer { taken.close() }
        try taken.bind(to: anyPort())
        let address = try taken.localAddress()
        try await onLoop(driver, sockets: sockets) {
            let error = await ioError { try await Connection.connect(to: address) }
            #expect(error == IOError(.connect, .system(.connectionRefused)))
            #expect(error?.description == "connect \(address): Connection refused")
            #expect(sockets.openCount == 0)
        }
    }

    @Test func `a refusal comes back over the network, and leaves no descriptor`() throws {
        try simulated { world in
            world.network.inject(.latency(.constant(.milliseconds(20))))
            let server = world.host("server")
            let error = await ioError {
                try await Connection.connect(to: server.address(port: 7788))
            }
            try #require(error == IOError(.connect, .system(.connectionRefused)))
            try #require(world.elapsed == .milliseconds(40))
            try #require(world.home.openSockets == 0)
        }
    }

    @Test func `an attempt that nobody answers ends at its timeout`() throws {
        try simulated { world in
            let server = world.host("server")
            world.network.partition(world.home, server)
            let error = await ioError {
                try await Connection.connect(
                    to: server.address(port: 7788), timeout: .seconds(5))
            }
            try #require(error == IOError(.connect, .timedOut))
            try #require(world.elapsed == .seconds(5))
            try #require(world.home.openSockets == 0)
        }
    }

    @Test func `an attempt without a timeout ends when the kernel gives it up`() throws {
        try simulated { world in
            let listener = try await Listener.bind(to: anyPort(), backlog: 0)
            let queued = try await Connection.connect(to: listener.address)
            let error = await ioError { try await Connection.connect(to: listener.address) }
            try #require(error == IOError(.connect, .system(.timedOut)))
            // The request, and six more of them after 1 s, 2 s, 4 s and so on (tcp(7)).
            try #require(world.elapsed == .seconds(127))
            queued.close()
            try #require(world.home.openSockets == 1)
        }
    }

    @Test func `an attempt on a full queue is answered when there is room`() throws {
        try simulated { world in
            let listener = try await Listener.bind(to: anyPort(), backlog: 0)
            let first = try await Connection.connect(to: listener.address)
            let attempt = try spawn { try await Connection.connect(to: listener.address) }
            try await settle()
            let accepted = try await listener.accept()
            try #require(try await first.localAddress == accepted.remoteAddress)
            let second = try await attempt.value
            try #require(world.elapsed == .seconds(1))
            let next = try await listener.accept()
            try #require(try await second.localAddress == next.remoteAddress)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `an attempt that nobody answers can be cancelled`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let full = try await FullListener()
            let attempt = try spawn {
                await ioError { try await Connection.connect(to: full.address) }
            }
            await untilParked(1)
            attempt.cancel()
            #expect(try await attempt.value == IOError(.connect, .cancelled))
            #expect(sockets.openCount == full.openCount)
        }
    }

    @Test func `readiness that was meant for somebody else does not end an attempt`() throws {
        try simulated { world in
            world.network.inject(.spuriousReadiness(probability: 0.9), .of(world.home))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: peer.address(port: 7788))
            }
            let connected = try await Connection.connect(to: listener.address)
            try await connected.write("up\n")
            let line = try await peer.run { try await listener.accept().readLine() }
            try #require(line == "up")
        }
    }

    @Test(arguments: Ground.all)
    func `an attempt in vain ends with its loop`(ground: Ground) async throws {
        let reasons = Notes<IOError.Reason?>()
        try await ground.run {
            reasons.removeAll()
            let full = try await FullListener()
            try spawn {
                let error = await ioError { try await Connection.connect(to: full.address) }
                reasons.add(error?.reason)
            }
            await untilParked(1)
        }
        #expect(reasons.all.count == 1)
        #expect(reasons.all.allSatisfy { $0 == .cancelled || $0 == .loopEnded })
    }

    @Test(arguments: Ground.all)
    func `an address that cannot be reached says so`(ground: Ground) async throws {
        try await ground.run {
            // Broadcast is not for streams.
            let address = try SocketAddress("255.255.255.255:9")
            let error = await ioError { try await Connection.connect(to: address) }
            guard case .system = error?.reason else {
                Issue.record("connected, or failed with \(String(describing: error))")
                return
            }
            try #require(error?.operation == .connect)
        }
    }
}

/// A listener whose queue is full, so that the kernel answers no further attempt.
struct FullListener: Sendable {
    private let listener: Listener
    private let queued: [Connection]
    var address: SocketAddress { listener.address }
    var openCount: Int { queued.count + 1 }

    /// Fills the queue with attempts until one is not answered by the time the loop has nothing
    /// else to do.
    init() async throws {
        let listener = try await Listener.bind(to: anyPort(), backlog: 0)
        var queued: [Connection] = []
        while queued.count < 16 {
            // Loopback answers within the call of connect(2), if at all.
            let attempt = try spawn {
                try await Connection.connect(to: listener.address)
            }
            for _ in 0..<20 { await Task.yield() }
            attempt.cancel()
            do { queued.append(try await attempt.value) } catch { break }
        }
        self.listener = listener
        self.queued = queued
    }
}
