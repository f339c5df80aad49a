import Syscalls
import Testing

@testable import Swiftlet

/// Attempts to connect that fail, and that somebody gives up.
@Suite(.serialized) struct TCPConnectingTests {
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
            let error = await ioError { try await TCPConnection.connect(to: address) }
            #expect(error == IOError(.connect, .system(.connectionRefused)))
            #expect(error?.description == "connect: Connection refused")
            #expect(sockets.openCount == 0)
        }
    }

    @Test func `an attempt that nobody answers ends at its timeout`() async throws {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            let full = try await FullListener()
            let started = EventLoop.current?.executor.now ?? .never
            let error = await ioError {
                try await TCPConnection.connect(to: full.address, timeout: .seconds(5))
            }
            #expect(error == IOError(.connect, .timedOut))
            let ended = EventLoop.current?.executor.now ?? .never
            #expect(started.duration(to: ended) >= .seconds(5))
            #expect(sockets.openCount == full.openCount)
        }
        #expect(sockets.openCount == 0)
    }

    @Test(arguments: DriverKind.usable)
    func `an attempt that nobody answers can be cancelled`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let full = try await FullListener()
            let attempt = try spawn {
                await ioError { try await TCPConnection.connect(to: full.address) }
            }
            await untilParked(1)
            attempt.cancel()
            #expect(try await attempt.value == IOError(.connect, .cancelled))
            #expect(sockets.openCount == full.openCount)
        }
    }

    @Test func `readiness that was meant for somebody else does not end an attempt`() async throws {
        var faults = FaultySockets.Faults()
        // Not connected, and no error either: the attempt is still under way.
        faults.remoteAddress = [.notConnected, .notConnected]
        try await onLoop(sockets: FaultySockets(faults)) {
            let (left, right) = try await makeConnectionPair()
            try await left.write("up\n")
            #expect(try await right.readLine() == "up")
        }
    }

    @Test func `an attempt in vain ends with its loop`() async throws {
        let reasons = Notes<IOError.Reason?>()
        try await onLoop {
            let full = try await FullListener()
            try spawn {
                let error = await ioError { try await TCPConnection.connect(to: full.address) }
                reasons.add(error?.reason)
            }
            await untilParked(1)
        }
        #expect(reasons.all.count == 1)
        #expect(reasons.all.allSatisfy { $0 == .cancelled || $0 == .loopEnded })
    }

    @Test func `an address that cannot be reached says so`() async throws {
        let error = try await onLoop {
            // Broadcast is not for streams.
            let address = try SocketAddress("255.255.255.255:9")
            return await ioError { try await TCPConnection.connect(to: address) }
        }
        guard case .system = error?.reason else {
            Issue.record("connected, or failed with \(String(describing: error))")
            return
        }
        #expect(error?.operation == .connect)
    }
}

/// A listener whose queue is full, so that the kernel answers no further attempt.
struct FullListener: Sendable {
    private let listener: TCPListener
    private let queued: [TCPConnection]
    var address: SocketAddress { listener.address }
    var openCount: Int { queued.count + 1 }

    /// Fills the queue with attempts until one is not answered by the time the loop has nothing
    /// else to do.
    init() async throws {
        let listener = try await TCPListener.bind(to: anyPort(), backlog: 0)
        var queued: [TCPConnection] = []
        while queued.count < 16 {
            // Loopback answers within the call of connect(2), if at all.
            let attempt = try spawn {
                try await TCPConnection.connect(to: listener.address)
            }
            for _ in 0..<20 { await Task.yield() }
            attempt.cancel()
            do { queued.append(try await attempt.value) } catch { break }
        }
        self.listener = listener
        self.queued = queued
    }
}
