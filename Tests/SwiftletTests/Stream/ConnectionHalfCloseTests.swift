import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Each half of a connection ends by itself.
@Suite(.serialized) struct ConnectionHalfCloseTests {
    @Test(arguments: Ground.all)
    func `each half of a connection ends by itself`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.write("last")
            try await left.closeWrite()
            try #require(try await readAll(right) == Array("last".utf8))
            try await right.write("still open")
            try await right.closeWrite()
            try #require(try await readAll(left) == Array("still open".utf8))
            // The end of the stream stays where it is.
            try #require(try await readAll(left) == [])
            try #require(try await right.readLine() == nil)
            try #require(
                await ioError { try await left.write("x") }
                    == IOError(.write, .system(.brokenPipe)))
        }
    }

    @Test func `the end of a stream comes after its bytes, and a day of answers after that`()
        throws
    {
        try simulated { world in
            let peer = world.host("peer")
            let (left, right) = try await world.makeConnectionPair(with: peer)
            let answering = try peer.spawn {
                let question = try await readAll(right)
                for byte in question {
                    try await sleep(for: .seconds(3600))
                    try await right.write([byte])
                }
                right.close()
            }
            let question = pattern(24)
            let reader = try spawn { try await readAll(left) }
            try await left.write(question)
            try await left.closeWrite()
            try #require(try await reader.value == question)
            try #require(world.elapsed >= .seconds(86_400))
            try await answering.value
        }
    }

    @Test(arguments: Ground.all)
    func `a writer whose half is ended from under it fails, and what was taken is sent`(
        ground: Ground
    ) async throws {
        let message = pattern(1 << 20)
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn { await ioError { try await left.write(message) } }
            await untilParked(1)
            try await left.closeWrite()
            try #require(try await writer.value == IOError(.write, .system(.brokenPipe)))
            let taken = loopStatistics().bytesWritten
            try #require(taken > 0)
            try #require(try await readAll(right) == Array(message.prefix(taken)))
        }
    }

    @Test func `the end of a half comes behind its bytes, however long they take`() throws {
        try simulated { world in
            let peer = world.host("peer")
            world.network.inject(.bandwidth(bytesPerSecond: 1000), .from(world.home, to: peer))
            let (near, far) = try await world.makeConnectionPair(with: peer)
            let message = pattern(20_000)
            let start = world.elapsed
            try await near.write(message)
            try await near.closeWrite()
            // The kernel has all of it, and takes its time.
            try #require(world.elapsed - start == .zero)
            try #require(try await readAll(far) == message)
            let read = world.elapsed - start
            try #require((.seconds(20) ... .milliseconds(20_010)).contains(read))
            try await far.write("thanks\n")
            far.close()
            try #require(try await readAll(near) == Array("thanks\n".utf8))
        }
    }

    @Test func `a proxy passes the end of each half on`() throws {
        try simulated { world in
            world.network.inject(.splitSegments(ofAtMost: 1000))
            world.network.inject(.shortReads(probability: 0.5))
            let proxy = world.host("proxy"), server = world.host("server")
            try server.spawn {
                try await StreamServer.serve(on: server.address(port: 7788)) { connection in
                    try await connection.write(try await readAll(connection).reversed())
                }
            }
            try proxy.spawn {
                try await StreamServer.serve(on: proxy.address(port: 80)) { near in
                    try await Connection.connect(to: server.address(port: 7788)) { far in
                        async let there: Void = pass(from: near, to: far)
                        async let back: Void = pass(from: far, to: near)
                        _ = try await (there, back)
                    }
                }
            }
            try await settle()
            let question = pattern(200_000)
            try await Connection.connect(to: proxy.address(port: 80)) { client in
                try await client.write(question)
                try await client.closeWrite()
                try #require(try await readAll(client) == question.reversed())
            }
        }
    }
}

/// Writes what one connection says to another, and its end.
private func pass(from source: Connection, to target: Connection) async throws {
    while let bytes = try await source.read() { try await target.write(bytes) }
    try await target.closeWrite()
}
