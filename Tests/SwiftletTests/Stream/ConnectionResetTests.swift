import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// A connection is reset in each of its states, by its other end or by the network: whoever waits
/// for it hears of it, what has arrived before is not lost, and no socket is left.
@Suite struct ConnectionResetTests {
    /// How long anything takes between two hosts here.
    private static let latency = Duration.milliseconds(20)

    /// Who resets: the other end, whose word has to travel, or the network, at both ends at once.
    enum Origin: CaseIterable { case peer, network }

    /// A world with a connection, and what resets it.
    private static func withConnection(
        _ origin: Origin,
        _ body:
            @escaping @Sendable (
                _ near: Connection, _ far: Connection, _ reset: () async throws -> Void
            ) async throws -> Void
    ) throws {
        try simulated { world in
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let (near, far) = try await world.makeConnectionPair(with: peer)
            try await near.setOption(.sendBuffer, to: 65_536)
            try await body(near, far) {
                switch origin {
                case .peer: try await far.reset()
                case .network: world.network.reset(between: world.home, and: peer)
                }
            }
        }
    }

    @Test(arguments: Origin.allCases)
    func `while it is read`(origin: Origin) throws {
        try Self.withConnection(origin) { near, _, reset in
            let reader = try spawn { await ioError { try await near.read() } }
            try await settle()
            try await reset()
            try #require(try await reader.value == IOError(.read, .system(.connectionReset)))
            // The kernel says it once.
            try #require(
                await ioError { try await near.write("x") }
                    == IOError(.write, .system(.brokenPipe)))
            try #require(try await near.readLine() == nil)
        }
    }

    @Test(arguments: Origin.allCases)
    func `while its buffers are full`(origin: Origin) throws {
        try Self.withConnection(origin) { near, _, reset in
            let writer = try spawn { await ioError { try await near.write(pattern(1 << 20)) } }
            try await sleep(for: .seconds(1))
            try await reset()
            try #require(try await writer.value == IOError(.write, .system(.connectionReset)))
            try #require(try await near.readLine() == nil)
        }
    }

    @Test(arguments: Origin.allCases)
    func `while bytes wait to be read, which are read first`(origin: Origin) throws {
        try Self.withConnection(origin) { near, far, reset in
            try await far.write("last words")
            try await sleep(for: .seconds(1))
            try await reset()
            try await sleep(for: .seconds(1))
            try #require(try await near.read(exactly: 4) == Array("last".utf8))
            try #require(try await near.read(exactly: 6) == Array(" words".utf8))
            try #require(
                await ioError { try await near.read() }
                    == IOError(.read, .system(.connectionReset)))
        }
    }

    @Test(arguments: Origin.allCases)
    func `after this end has ended its half`(origin: Origin) throws {
        try Self.withConnection(origin) { near, far, reset in
            try await near.closeWrite()
            try #require(try await far.readLine() == nil)
            let reader = try spawn { await ioError { try await near.read() } }
            try await settle()
            try await reset()
            try #require(try await reader.value == IOError(.read, .system(.connectionReset)))
        }
    }

    /// The kernel calls it a broken pipe then, as for any write behind the end of a stream.
    @Test(arguments: Origin.allCases)
    func `after the other end has ended its half`(origin: Origin) throws {
        try Self.withConnection(origin) { near, far, reset in
            try await far.closeWrite()
            try #require(try await near.readLine() == nil)
            let writer = try spawn { await ioError { try await near.write(pattern(1 << 20)) } }
            try await sleep(for: .seconds(1))
            try await reset()
            try #require(try await writer.value == IOError(.write, .system(.brokenPipe)))
            try #require(try await near.readLine() == nil)
        }
    }

    @Test(arguments: Origin.allCases)
    func `while it is closed already`(origin: Origin) throws {
        try Self.withConnection(origin) { near, _, reset in
            near.close()
            try await reset()
            try await sleep(for: .seconds(1))
            try #require(await ioError { try await near.read() } == IOError(.read, .closed))
        }
    }

    private enum Told: Hashable { case reader, writer }

    @Test func `the kernel tells either the reader or the writer, and the other one of the end`()
        throws
    {
        try simulated(yielding: [.reader, .writer]) { world -> Told in
            let peer = world.host("peer")
            let (near, far) = try await world.makeConnectionPair(with: peer)
            let reader = try spawn { await ioError { try await near.read() } }
            let writer = try spawn { await ioError { try await near.write(pattern(1 << 20)) } }
            try await sleep(for: .seconds(1))
            world.network.reset(between: world.home, and: peer)
            let ends = (try await reader.value, try await writer.value)
            far.close()
            if ends.0 == nil {
                try #require(ends.1 == IOError(.write, .system(.connectionReset)))
                return .writer
            }
            try #require(ends.0 == IOError(.read, .system(.connectionReset)))
            try #require(ends.1 == IOError(.write, .system(.brokenPipe)))
            return .reader
        }
    }

    // MARK: Before it is served

    /// The request takes a latency, its answer another one, and the confirmation a third.
    @Test(arguments: [(10, false), (30, false), (50, true)])
    func `while it comes up`(milliseconds: Int, isUp: Bool) throws {
        try simulated { world in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let listener = try await peer.run {
                try await Listener.bind(to: peer.address(port: 7788))
            }
            let accepting = try peer.spawn { await ioError { _ = try await listener.accept() } }
            let client = try spawn {
                await ioError {
                    try await Connection.connect(to: listener.address) {
                        _ = try await $0.read()
                    }
                }
            }
            try await sleep(for: .milliseconds(milliseconds))
            world.network.reset(between: world.home, and: peer)
            let error =
                isUp
                ? IOError(.read, .system(.connectionReset))
                : IOError(.connect, .system(.connectionRefused))
            try #require(try await client.value == error)
            try #require(world.elapsed == .milliseconds(milliseconds))
            // Nobody was there to be accepted.
            try await sleep(for: .seconds(1))
            accepting.cancel()
            try #require(try await accepting.value == IOError(.accept, .cancelled))
        }
    }

    @Test(arguments: Origin.allCases)
    func `while it waits to be accepted`(origin: Origin) throws {
        try simulated { world in
            let peer = world.host("peer")
            let listener = try await Listener.bind(to: world.home.address(port: 7788))
            let far = try await peer.run { try await Connection.connect(to: listener.address) }
            try await sleep(for: .seconds(1))
            switch origin {
            case .peer: try await far.reset()
            case .network: world.network.reset(between: world.home, and: peer)
            }
            try await sleep(for: .seconds(1))
            let near = try await listener.accept()
            try #require(
                await ioError { try await near.read() }
                    == IOError(.read, .system(.connectionReset)))
        }
    }

    /// The connection and its reset arrive at the same instant: the handler may be faster.
    @Test func `between its arrival and the start of its handler`() throws {
        try simulated(yielding: [true, false], seeds: 0..<200) { world -> Bool in
            world.network.inject(.latency(.constant(Self.latency)))
            let peer = world.host("peer")
            let writes = Notes<IOError?>(), reads = Notes<IOError?>()
            let handler: StreamServer.ConnectionHandler = { connection in
                writes.add(await ioError { try await connection.write("welcome\n") })
                reads.add(await ioError { try await connection.read() })
            }
            let server = try await withServer(on: world.home.address(port: 7788), handler: handler)
            { server in
                try await peer.run {
                    try await Connection.connect(to: server.address).reset()
                }
                try await sleep(for: .seconds(1))
                try #require(server.statistics.open == 0)
            }
            try #require(server.statistics.accepted == 1)
            if writes.all == [nil] {
                try #require(reads.all == [IOError(.read, .system(.connectionReset))])
                return true
            }
            try #require(writes.all == [IOError(.write, .system(.connectionReset))])
            try #require(reads.all == [nil])
            return false
        }
    }

    // MARK: In a server

    @Test(arguments: Origin.allCases)
    func `while it is idle in a server, which serves on`(origin: Origin) throws {
        try simulated { world in
            let peer = world.host("peer")
            let errors = Notes<IOError?>()
            var options = StreamServer.Options()
            options.onError = { error, _ in errors.add(error as? IOError) }
            try await withServer(
                on: world.home.address(port: 7788), options: options, handler: echoBack
            ) { server in
                for round in 1...3 {
                    let client = try await peer.run {
                        try await Connection.connect(to: server.address)
                    }
                    try await client.write("x")
                    _ = try await client.read(exactly: 1)
                    try await sleep(for: .seconds(3600))
                    switch origin {
                    case .peer: try await client.reset()
                    case .network: world.network.reset(between: world.home, and: peer)
                    }
                    try await sleep(for: .seconds(1))
                    try #require(server.statistics.open == 0)
                    try #require(server.statistics.handlerErrors == round)
                }
            }
            let reset = IOError(.read, .system(.connectionReset))
            try #require(errors.all == [reset, reset, reset])
        }
    }

    @Test func `at any instant, over and over, while clients talk and come back`() throws {
        try simulated(seeds: 0..<40) { world in
            world.failsOnUnhandledErrors = false
            let peer = world.host("peer")
            world.network.reset(between: world.home, and: peer, times: 10, within: .seconds(1))
            let server = try await withServer(
                on: world.home.address(port: 7788), handler: echoBack
            ) { server in
                try await peer.run {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<3 {
                            group.addTask { try await talk(to: server.address, number, in: world) }
                        }
                        try await group.waitForAll()
                    }
                }
                try await sleep(for: .seconds(1))
                try #require(server.statistics.open == 0)
            }
            try #require(server.statistics.handlerErrors <= 30)
        }
    }
}

/// Talks for a second to a server that echoes, and comes back whenever the connection breaks.
private func talk(to server: SocketAddress, _ number: Int, in world: World) async throws {
    let words = pattern(100 + number, seed: number)
    let reasons: [IOError.Reason] = [
        .system(.connectionReset), .system(.brokenPipe), .system(.connectionRefused),
    ]
    while world.elapsed < .seconds(1) {
        do {
            try await Connection.connect(to: server) { connection in
                while world.elapsed < .seconds(1) {
                    try await connection.write(words)
                    try #require(try await connection.read(exactly: words.count) == words)
                    try await sleep(for: .milliseconds(10))
                }
            }
        } catch let error as IOError {
            try #require(reasons.contains(error.reason))
        }
    }
}
