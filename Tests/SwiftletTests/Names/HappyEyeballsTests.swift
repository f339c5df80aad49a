import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Which address of several a connection takes, and when (RFC 8305).
///
/// In simulated worlds, so that a quarter of a second is exactly one. The cases are those of trio's
/// `test_highlevel_open_tcp_stream`, written anew.
@Suite struct HappyEyeballsTests {
    /// How the hosts behind a name behave, in the order of its addresses.
    private enum Peer {
        /// It accepts, in a few milliseconds.
        case good
        /// It never answers.
        case silent
        /// No program listens there.
        case refusing
        /// It accepts, and an answer takes so long.
        case slow(Duration)
        /// No host has the address.
        case dead
    }

    private static let port: UInt16 = 7
    private static let margin = Duration.milliseconds(40)

    /// Connects to the name of such hosts; gives the place of the one that it is, and how long that
    /// took.
    private static func connect(
        to peers: [Peer], in world: World, timeout: Duration? = nil
    ) async throws -> (place: Int?, time: Duration) {
        // The listeners of those that refuse are closed under their tasks.
        world.failsOnUnhandledErrors = false
        var addresses: [SocketAddress] = []
        for (place, peer) in peers.enumerated() {
            let host = world.host("peer\(place)")
            addresses.append(host.address(port: 0))
            let listener = try await host.run {
                try await Listener.bind(to: "0.0.0.0:\(port)")
            }
            switch peer {
            case .good: break
            case .silent: world.network.inject(.fullBacklog, .to(host))
            case .refusing: listener.close()
            case .slow(let time): world.network.inject(.latency(.constant(time)), .to(host))
            case .dead: addresses[place] = try SocketAddress("10.9.9.\(place):0")
            }
            _ = try? host.spawn {
                var accepted: [Connection] = []
                while true { accepted.append(try await listener.accept()) }
            }
        }
        world.setAddresses(of: "server", to: addresses)
        let start = world.elapsed
        let open = world.home.openSockets
        do {
            let connection = try await Connection.connect(to: "server:\(port)", timeout: timeout)
            // What lost is closed.
            try #require(world.home.openSockets == open + 1)
            let place = addresses.firstIndex { $0.with(port: port) == connection.remoteAddress }
            return (place, world.elapsed - start)
        } catch {
            try #require(world.home.openSockets == open)
            throw error
        }
    }

    /// Which of the hosts it is, and after how many quarters of a second.
    private func expect(
        _ peers: [Peer], toGive place: Int, after quarters: Int, _ more: Duration = .zero,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try simulated(seeds: 0..<10) { world in
            let result = try await HappyEyeballsTests.connect(to: peers, in: world)
            let time = .milliseconds(250) * quarters + more
            try #require(result.place == place, sourceLocation: sourceLocation)
            try #require(result.time >= time, sourceLocation: sourceLocation)
            try #require(
                result.time < time + HappyEyeballsTests.margin, "\(result.time)",
                sourceLocation: sourceLocation)
        }
    }

    @Test func `one address that answers is it`() throws {
        try expect([.good], toGive: 0, after: 0)
    }

    @Test func `one address that is slow is waited for`() throws {
        try expect([.slow(.seconds(2))], toGive: 0, after: 8)
    }

    @Test func `the first of several that answers at once has no rival`() throws {
        try expect([.good, .good, .good], toGive: 0, after: 0)
    }

    @Test func `a silent address costs a quarter of a second`() throws {
        try expect([.silent, .good, .good], toGive: 1, after: 1)
        try expect([.silent, .silent, .silent, .good], toGive: 3, after: 3)
    }

    @Test func `an address that refuses costs no time`() throws {
        try expect([.refusing, .good], toGive: 1, after: 0)
        try expect([.dead, .dead, .good], toGive: 2, after: 0)
    }

    @Test func `after a refusal the next one has its time alone again`() throws {
        try expect([.refusing, .silent, .good], toGive: 2, after: 1)
        try expect([.silent, .refusing, .good], toGive: 2, after: 1)
        try expect([.silent, .refusing, .silent, .good], toGive: 3, after: 2)
    }

    @Test func `the first answer wins, whichever attempt began first`() throws {
        try expect([.slow(.milliseconds(600)), .good], toGive: 1, after: 1)
        // It answers 300 ms after it was asked, when the second one has been asked for 50 ms.
        try expect(
            [.slow(.milliseconds(300)), .slow(.milliseconds(500))], toGive: 0, after: 1,
            .milliseconds(50))
    }

    @Test func `a late answer still counts when all others have failed`() throws {
        try expect([.slow(.seconds(1)), .refusing, .dead], toGive: 0, after: 4)
    }

    @Test func `when none answers, each is told`() throws {
        try simulated { world in
            let error = await ioError {
                try await HappyEyeballsTests.connect(to: [.refusing, .dead, .refusing], in: world)
            }
            try #require(error == IOError(.connect, .system(.connectionRefused)))
            try #require(error?.name == "server:7")
            try #require(error?.attempts.count == 3)
            try #require(
                error?.description.hasPrefix(
                    "connect server:7: Connection refused (") == true)
            try #require(
                error?.description.contains("10.9.9.1:7: Network is unreachable") == true)
        }
    }

    @Test func `the timeout is for all attempts together`() throws {
        try simulated { world in
            let start = world.elapsed
            let error = await ioError {
                try await HappyEyeballsTests.connect(
                    to: [.silent, .silent, .silent], in: world, timeout: .milliseconds(400))
            }
            try #require(error == IOError(.connect, .timedOut))
            try #require(error?.attempts.count == 2)
            try #require(world.elapsed - start < .milliseconds(400) + HappyEyeballsTests.margin)
        }
    }

    @Test func `one address that fails says why, when it does`() throws {
        try simulated(seeds: 0..<5) { world in
            let start = world.elapsed
            let error = await ioError {
                try await HappyEyeballsTests.connect(to: [.refusing], in: world)
            }
            try #require(error == IOError(.connect, .system(.connectionRefused)))
            try #require(world.elapsed - start < HappyEyeballsTests.margin)
        }
        try simulated(seeds: 0..<5) { world in
            let start = world.elapsed
            let error = await ioError {
                try await HappyEyeballsTests.connect(to: [.silent], in: world)
            }
            // The kernel gives up (tcp(7), tcp_syn_retries).
            try #require(error == IOError(.connect, .system(.timedOut)))
            try #require(world.elapsed - start >= .seconds(127))
        }
    }

    @Test func `at most sixteen attempts are open, and the next waits for one to fail`() throws {
        let silent = Array(repeating: Peer.silent, count: HappyEyeballs.openMax)
        try simulated(seeds: 0..<3) { world in
            let open = world.home.openSockets
            let attempt = try spawn {
                try await HappyEyeballsTests.connect(to: silent + [.good], in: world)
            }
            try await sleep(for: .seconds(5))
            try #require(world.home.openSockets == open + HappyEyeballs.openMax)
            let result = try await attempt.value
            try #require(result.place == HappyEyeballs.openMax)
            // The kernel would give the first one up after 127 s.
            try #require(result.time >= HappyEyeballs.patience)
            try #require(result.time < HappyEyeballs.patience + HappyEyeballsTests.margin)
        }
        try simulated(seeds: 0..<3) { world in
            let error = await ioError {
                try await HappyEyeballsTests.connect(to: silent + [.silent], in: world)
            }
            try #require(error == IOError(.connect, .system(.timedOut)))
            try #require(error?.attempts.count == HappyEyeballs.openMax + 1)
        }
        // One that fails makes room at once.
        try expect(
            Array(repeating: .silent, count: 15) + [.refusing, .good], toGive: 16, after: 15)
    }

    @Test func `a family that leads nowhere costs no time`() throws {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: "0.0.0.0:\(HappyEyeballsTests.port)")
            }
            let nowhere = try ["[fd00::77]:0", "[fd00::78]:0"].map { try SocketAddress($0) }
            world.setAddresses(of: "server", to: nowhere + [peer.address(port: 0)])
            let start = world.elapsed
            let connection = try await Connection.connect(to: "server:\(HappyEyeballsTests.port)")
            try #require(!connection.remoteAddress.isIPv6)
            try #require(world.elapsed - start < HappyEyeballsTests.margin)
            listener.close()
        }
    }

    @Test func `each attempt has the options and the local address of the call`() throws {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: "[::]:\(HappyEyeballsTests.port)")
            }
            world.setAddresses(
                of: "server", to: [peer.ipv6Address(port: 0), peer.address(port: 0)])
            let name = "server:\(HappyEyeballsTests.port)"
            let start = world.elapsed
            let connection = try await Connection.connect(
                to: name, from: world.home.address(port: 0), options: [.userTimeout: 5_000])
            // That of IPv6 cannot be from there, and costs no time.
            try #require(!connection.remoteAddress.isIPv6)
            try #require(world.elapsed - start < HappyEyeballsTests.margin)
            try #require(try await connection.option(.userTimeout) == 5_000)
            let local = try await connection.localAddress
            try #require(local.with(port: 0) == world.home.address(port: 0))
            let error = await ioError {
                try await Connection.connect(
                    to: name, from: SocketAddress("10.9.9.9:0"), options: [.noDelay: 1])
            }
            try #require(error?.attempts.count == 2)
            listener.close()
        }
    }

    @Test func `who is cancelled leaves no attempt behind`() throws {
        try simulated { world in
            let attempt = try spawn {
                try await HappyEyeballsTests.connect(to: [.silent, .silent, .good], in: world)
            }
            try await sleep(for: .milliseconds(300))
            attempt.cancel()
            let error = await ioError { try await attempt.value }
            try #require(error?.reason == .cancelled)
        }
    }

    @Test func `families take turns, beginning with the first one's`() throws {
        func order(_ texts: String...) throws -> [String] {
            try HappyEyeballs.ordered(texts.map { try SocketAddress($0) }).map(\.description)
        }
        let (a, b, c) = ("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1")
        let (x, y) = ("[fd00::1]:1", "[fd00::2]:1")

        #expect(try order(x, y, a, b, c) == [x, a, y, b, c])
        #expect(try order(a, b, x) == [a, x, b])
        #expect(try order(a, b) == [a, b])
        #expect(try order() == [])
    }
}
