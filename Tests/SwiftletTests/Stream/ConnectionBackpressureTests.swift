import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Whoever sends is held to what the network carries and the other end reads, whatever lies
/// between.
@Suite struct ConnectionBackpressureTests {
    /// A connection between two hosts on which at most 64 KiB are between write and read: half of
    /// it with the sender, half of it with the reader.
    private static func makePair(
        in world: World, with peer: SimulatedHost
    ) async throws -> (Connection, Connection) {
        let (near, far) = try await world.makeConnectionPair(with: peer)
        try await near.setOption(.sendBuffer, to: 32_768)
        try await far.setOption(.receiveBuffer, to: 32_768)
        return (near, far)
    }

    private static let room = 65_536

    @Test func `a writer takes as long as a slow link does`() throws {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            world.network.inject(.latency(.constant(.milliseconds(20))))
            world.network.inject(.bandwidth(bytesPerSecond: 100_000), .from(world.home, to: peer))
            let (near, far) = try await Self.makePair(in: world, with: peer)
            let message = pattern(1_000_000)
            let start = world.elapsed
            let reader = try peer.spawn { try await readAll(far) }
            try await near.write(message)
            near.close()
            // What is left to the kernel at the end of the write is at most what it has room for.
            let written = world.elapsed - start
            try #require(written >= .seconds(10) - .milliseconds(10 * Self.room / 1000))
            try #require(try await reader.value == message)
            let read = world.elapsed - start
            try #require(read >= .seconds(10))
            // The window is never empty, for it holds more than the way there and back does.
            try #require(read <= .milliseconds(10_100))
        }
    }

    @Test func `a writer takes as long as a slow reader does, and nothing piles up`() throws {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            let (near, far) = try await Self.makePair(in: world, with: peer)
            let message = pattern(600_000)
            let start = world.elapsed
            let reader = try peer.spawn {
                var all: [UInt8] = []
                while all.count < message.count {
                    try await sleep(for: .seconds(1))
                    all += try #require(try await far.read(exactly: 10_000))
                }
                return all
            }
            let writer = try spawn { try await near.write(message) }
            for _ in 0..<50 {
                try await sleep(for: .seconds(1))
                let read = try #require(peer.statistics?.bytesRead)
                let between = loopStatistics().bytesWritten - read
                try #require((0...Self.room).contains(between))
            }
            try await writer.value
            try #require(try await reader.value == message)
            try #require(world.elapsed - start >= .seconds(60))
        }
    }

    @Test func `a partition holds a writer until it heals`() throws {
        try simulated(seeds: 0..<10) { world in
            let peer = world.host("peer")
            let (near, far) = try await Self.makePair(in: world, with: peer)
            let reader = try peer.spawn { try await readAll(far) }
            world.network.partition(world.home, peer, for: .seconds(600))
            let message = pattern(200_000)
            try #require(
                await ioError { try await near.write(message, timeout: .seconds(60)) }
                    == IOError(.write, .timedOut))
            let taken = loopStatistics().bytesWritten
            try #require(taken <= Self.room)
            // Nobody knows what a write took that failed, except who counts.
            let writer = try spawn { try await near.write(Array(message[taken...])) }
            try await sleep(for: .seconds(60))
            try #require(loopStatistics().bytesWritten <= Self.room)
            try await writer.value
            near.close()
            try #require(try await reader.value == message)
            try #require(world.elapsed >= .seconds(600))
            try #require(world.elapsed <= .seconds(601))
        }
    }

    /// The answers of an echo to who reads late: both directions are full, and neither end holds
    /// more than a buffer.
    @Test func `an echo to who reads late loses nothing`() throws {
        try simulated(seeds: 0..<5) { world in
            let peer = world.host("peer")
            world.network.inject(.bandwidth(bytesPerSecond: 1_000_000))
            let message = pattern(500_000)
            try await withServer(on: world.home.address(port: 7788), handler: echoBack) { server in
                let client = try await peer.run {
                    try await Connection.connect(to: server.address)
                }
                let writer = try peer.spawn {
                    try await client.write(message)
                    try await client.closeWrite()
                }
                try await sleep(for: .seconds(3600))
                try #require(loopStatistics().bytesRead < message.count)
                try #require(try await readAll(client) == message)
                try await writer.value
            }
        }
    }
}
