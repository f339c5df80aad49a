import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// How long anything takes between two hosts here, so that a test can hit the instant at which it
/// arrives.
private let latency = Duration.milliseconds(20)

/// What ended a park.
private enum First: Hashable { case readiness, cancellation, deadline }

/// A connection comes up at the very instant at which somebody stops waiting for it: each order is
/// seen under some schedule, and no descriptor is left in any.
@Suite struct SameInstantConnectingTests {
    @Test func `a connection that comes and the cancellation of who accepts`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let listener = try await Listener.bind(to: world.home.address(port: 7788))
            let accepting = try spawn { try await listener.accept() }
            let client = try peer.spawn {
                try await Connection.connect(to: listener.address)
            }
            // The request, the answer, and the confirmation that the listener waits for.
            try await sleep(for: latency * 3)
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
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: peer.address(port: 7788))
            }
            do {
                _ = try await Connection.connect(
                    to: listener.address, timeout: latency * 2)
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
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: peer.address(port: 7788))
            }
            let attempt = try spawn {
                await ioError { _ = try await Connection.connect(to: listener.address) }
            }
            try await sleep(for: latency * 2)
            attempt.cancel()
            let error = try await attempt.value
            // Whoever let go of the connection, it is closed.
            try #require(world.home.openSockets == 0)
            if error == nil { return .readiness }
            try #require(error == IOError(.connect, .cancelled))
            return .cancellation
        }
    }
}
