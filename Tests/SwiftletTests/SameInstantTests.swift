import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Two things that end a park come at the very same instant. Mostly it is up to the schedule which
/// comes first; then each order is seen, and nothing is lost in either.
@Suite struct SameInstantTests {
    /// How long anything takes between two hosts here, so that a test can hit the instant at which
    /// it arrives.
    private static let latency = Duration.milliseconds(20)

    /// What ended a park, and what was to end it.
    private enum First: Hashable { case readiness, cancellation, deadline }

    /// A world of two hosts, of which the other one sends two bytes now.
    private static func send(
        in world: World, _ body: (TCPConnection, TCPConnection) async throws -> First
    ) async throws -> First {
        world.network.inject(.latency(.constant(latency)))
        let peer = world.host("peer")
        let (left, right) = try await world.makeConnectionPair(with: peer)
        try peer.spawn { try await right.write("ab") }
        return try await body(left, right)
    }

    @Test func `bytes and a cancellation`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            try await Self.send(in: world) { left, _ in
                let reader = try spawn { try await left.read(exactly: 2) }
                try await sleep(for: Self.latency)
                reader.cancel()
                switch await reader.result {
                case .success(let bytes):
                    try #require(bytes == Array("ab".utf8))
                    return .readiness
                case .failure(let error):
                    try #require(error as? IOError == IOError(.read, .cancelled))
                    try #require(try await left.read(exactly: 2) == Array("ab".utf8))
                    return .cancellation
                }
            }
        }
    }

    @Test func `bytes and a deadline`() throws {
        try simulated(yielding: [.readiness, .deadline]) { world -> First in
            try await Self.send(in: world) { left, _ in
                let start = loopNow()
                do {
                    let bytes = try await left.read(exactly: 2, timeout: Self.latency)
                    try #require(bytes == Array("ab".utf8))
                    try #require(start.duration(to: loopNow()) == Self.latency)
                    return .readiness
                } catch let error as IOError {
                    try #require(error == IOError(.read, .timedOut))
                    try #require(start.duration(to: loopNow()) == Self.latency)
                    try #require(try await left.read(exactly: 2) == Array("ab".utf8))
                    return .deadline
                }
            }
        }
    }

    @Test func `bytes and the end of a scope's time`() throws {
        try simulated(yielding: [.readiness, .deadline]) { world -> First in
            try await Self.send(in: world) { left, _ in
                do {
                    let bytes = try await withTimeout(Self.latency) {
                        try await left.read(exactly: 2)
                    }
                    try #require(bytes == Array("ab".utf8))
                    return .readiness
                } catch is TimeoutError {
                    try #require(try await left.read(exactly: 2) == Array("ab".utf8))
                    return .deadline
                }
            }
        }
    }

    @Test func `a deadline comes before a cancellation`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn {
                await ioError { try await left.read(timeout: Self.latency) }
            }
            try await sleep(for: Self.latency)
            reader.cancel()
            try #require(try await reader.value == IOError(.read, .timedOut))
            try await right.write("c")
            try #require(try await left.read(exactly: 1) == [UInt8(ascii: "c")])
        }
    }

    @Test func `a connection that comes and the cancellation of who accepts`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let listener = try await TCPListener.bind(to: world.home.address(port: 7788))
            let accepting = try spawn { try await listener.accept() }
            let client = try peer.spawn {
                try await TCPConnection.connect(to: listener.address)
            }
            // The request, the answer, and the confirmation that the listener waits for.
            try await sleep(for: Self.latency * 3)
            accepting.cancel()
            let accepted = await accepting.result
            let address = try await client.value.localAddress
            switch accepted {
            case .success(let connection):
                try #require(connection.remoteAddress == address)
                return .readiness
            case .failure(let error):
                try #require(error as? IOError == IOError(.accept, .cancelled))
                try #require(try await listener.accept().remoteAddress == address)
                return .cancellation
            }
        }
    }

    @Test func `the answer to a connect and its deadline`() throws {
        try simulated(yielding: [.readiness, .deadline]) { world -> First in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await TCPListener.bind(to: peer.address(port: 7788))
            }
            do {
                _ = try await TCPConnection.connect(
                    to: listener.address, timeout: Self.latency * 2)
                return .readiness
            } catch {
                try #require(error as? IOError == IOError(.connect, .timedOut))
                try #require(world.home.openSockets == 0)
                return .deadline
            }
        }
    }

    @Test func `the answer to a connect and its cancellation`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await TCPListener.bind(to: peer.address(port: 7788))
            }
            let attempt = try spawn {
                await ioError { _ = try await TCPConnection.connect(to: listener.address) }
            }
            try await sleep(for: Self.latency * 2)
            attempt.cancel()
            let error = try await attempt.value
            // Whoever let go of the connection, it is closed.
            try #require(world.home.openSockets == 0)
            if error == nil { return .readiness }
            try #require(error == IOError(.connect, .cancelled))
            return .cancellation
        }
    }

    /// The owner's parks watch for no cancellation: the server passes it on.
    @Test func `bytes for a handler and the cancellation of its server`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let outcomes = Notes<IOError?>()
            let listener = try await TCPListener.bind(to: world.home.address(port: 7788))
            let serving = try spawn {
                try await TCPServer(listener: listener).serve { connection in
                    outcomes.add(await ioError { try await connection.read() })
                }
            }
            let client = try await peer.run {
                try await TCPConnection.connect(to: listener.address)
            }
            try await sleep(for: .seconds(1))
            try peer.spawn { try await client.write("x") }
            try await sleep(for: Self.latency)
            serving.cancel()
            _ = await serving.result
            if outcomes.all == [nil] { return .readiness }
            try #require(outcomes.all == [IOError(.read, .cancelled)])
            return .cancellation
        }
    }

    @Test func `readiness, cancellation, closing and a reset end a read once, in every order`()
        throws
    {
        try simulated(seeds: 0..<200) { world in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            for _ in 0..<5 {
                let (left, right) = try await world.makeConnectionPair(with: peer)
                let reader = try spawn { await ioError { try await left.read() } }
                let steps: [@Sendable () async throws -> Void] = [
                    { _ = try peer.spawn { try await right.write("x") } },
                    { _ = try peer.spawn { right.close() } },
                    { _ = try peer.spawn { try await right.reset() } },
                    {
                        _ = try spawn {
                            try await sleep(for: Self.latency); reader.cancel()
                        }
                    },
                    {
                        _ = try spawn {
                            try await sleep(for: Self.latency); left.close()
                        }
                    },
                ]
                for step in steps.shuffled(using: &world.random).prefix(3) { try await step() }
                // A read that nobody ends is a deadlock, one that ends twice stops the program.
                let error = try await reader.value
                let reasons: [IOError.Reason?] = [
                    nil, .cancelled, .closed, .system(.connectionReset),
                ]
                try #require(reasons.contains(error?.reason))
                left.close()
            }
        }
    }
}
