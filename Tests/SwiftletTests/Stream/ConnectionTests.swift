import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// What a connection does when all goes well.
@Suite(.serialized) struct ConnectionTests {
    @Test(arguments: Ground.all)
    func `what is written to an echo comes back`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            try await left.write("ping")
            try #require(try await left.read(exactly: 4) == Array("ping".utf8))
        }
    }

    @Test(arguments: Ground.all, ["127.0.0.1", "[::1]"])
    func `both families of addresses work, and each end knows the other`(
        ground: Ground, host: String
    ) async throws {
        let address = try SocketAddress("\(host):0")
        try await ground.run {
            let listener = try await Listener.bind(to: address)
            try #require(listener.address.port != 0)
            try #require(listener.address.with(port: 0) == address)
            async let accepted = listener.accept()
            let left = try await Connection.connect(to: listener.address)
            let right = try await accepted
            try #require(try await left.localAddress == right.remoteAddress)
            try #require(try await right.localAddress == left.remoteAddress)
            try #require(left.remoteAddress == listener.address)
            try await left.write("6")
            try #require(try await right.read(exactly: 1) == Array("6".utf8))
        }
    }

    @Test(arguments: Ground.all)
    func `a megabyte goes each way at once`(ground: Ground) async throws {
        let there = pattern(1 << 20, seed: 1)
        let back = pattern(1_234_567, seed: 2)
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            @Sendable func send(_ bytes: [UInt8], on connection: Connection) async throws {
                try await connection.write(bytes)
                try await connection.closeWrite()
            }
            async let sentThere: Void = send(there, on: left)
            async let sentBack: Void = send(back, on: right)
            async let received = readAll(right)
            async let returned = readAll(left)
            _ = try await (sentThere, sentBack)
            try #require(try await received == there)
            try #require(try await returned == back)
        }
    }

    /// Calls move a part of what they could, often a single byte, segments hold up to three, and
    /// the driver reports what is not ready.
    @Test func `no byte is lost however calls and segments are cut`() throws {
        let message = pattern(500)
        try simulated { world in
            world.network.inject(.shortReads(probability: 1))
            world.network.inject(.shortWrites(probability: 1))
            world.network.inject(.splitSegments(ofAtMost: 3))
            world.network.inject(.spuriousReadiness(probability: 0.3))
            let peer = world.host("peer")
            let (left, right) = try await world.makeConnectionPair(with: peer)
            try peer.spawn {
                try await echoBack(right)
                right.close()
            }
            async let echoed = readAll(left)
            try await left.write(message)
            try await left.closeWrite()
            try #require(try await echoed == message)
        }
    }

    @Test(arguments: Ground.all)
    func `a writer whose peer does not read parks, and goes on when it does`(
        ground: Ground
    ) async throws {
        let message = pattern(1 << 20)
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn {
                try await left.write(message)
                left.close()
            }
            await untilParked(1)
            try #require(loopStatistics().bytesWritten < message.count)
            try #require(try await readAll(right) == message)
            try await writer.value
        }
    }

    @Test(arguments: Ground.all)
    func `small messages leave at once, and options can be read back`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try #require(try await left.option(.noDelay) == 1)
            try #require(try await right.option(.noDelay) == 1)
            try #require(try await left.option(.keepAlive) == 0)
            try await left.setOption(.keepAlive, to: 1)
            try #require(try await left.option(.keepAlive) == 1)
            try await left.setOption(.receiveBuffer, to: 20_000)
            try #require(try await left.option(.receiveBuffer) == 40_000)
            try #require(
                await ioError { try await left.setOption(.isListening, to: 1) }?.operation
                    == .option)
        }
    }

    @Test(arguments: [Ground.simulation, .kernel(.poll)])
    func `a steady echo costs a receive and a send, and no change of interest`(
        ground: Ground
    ) async throws {
        let rounds = 100
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            for _ in 0..<3 {
                try await left.write("warm")
                _ = try await left.read(exactly: 4)
            }
            let before = loopStatistics()
            for _ in 0..<rounds {
                try await left.write("ping")
                _ = try await left.read(exactly: 4)
            }
            let after = loopStatistics()
            // Both ends are of this loop.
            try #require(after.sends - before.sends == 2 * rounds)
            try #require(after.receives - before.receives == 2 * rounds)
            try #require(after.interestChanges == before.interestChanges)
            try #require(after.wouldBlocks == before.wouldBlocks)
        }
    }
}
