import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct FilesTests {
    /// A world with a server of one user's files, without the handshake.
    private func served(
        seed: UInt64 = 1, _ folder: MemoryFolder, limits: FileServer.Limits = FileServer.Limits(),
        _ body: @escaping @Sendable (World, SimulatedHost) async throws -> Void
    ) throws {
        try Simulation(seed: seed).run { world in
            world.failsOnUnhandledErrors = false
            let server = world.host("server") {
                let server = FileServer(limits) { _ in folder }
                try await StreamServer.serve(on: "server:9") { connection in
                    try await server.serve(Messages(connection: connection), user: "ann")
                }
            }
            try await server.untilListening(port: 9)
            try await body(world, server)
        }
    }

    private static func client<Value: Sendable>(
        _ body: (FileClient) async throws -> Value
    ) async throws -> Value {
        try await Connection.connect(to: "server:9", timeout: .seconds(60)) { connection in
            let messages = Messages(connection: connection)
            return try await body(FileClient(messages: messages, timeout: .seconds(60)))
        }
    }

    private static func content(_ seed: UInt64, _ count: Int = 80_000) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test func `files go there and back, are listed and removed`() throws {
        let folder = MemoryFolder()
        try served(folder) { _, _ in
            let mine = MemoryFolder([
                "a": FilesTests.content(1), "empty": [], "grüße 1.txt": [1, 2, 3],
            ])
            let other = MemoryFolder()
            try await FilesTests.client { client in
                for name in mine.names { try await client.put(name, from: mine) }
                #expect(try await client.list() == "80000 a\n0 empty\n3 grüße 1.txt\n")
                for name in mine.names { try await client.get(name, into: other) }
                #expect(mine.names.allSatisfy { mine[$0] == other[$0] })
                try await client.remove("a")
                await #expect(throws: Failure.self) { try await client.remove("a") }
                await #expect(throws: Failure.self) { try await client.get("a", into: other) }
                await #expect(throws: Failure.self) { try await client.put("none", from: mine) }
                #expect(try await client.list() == "0 empty\n3 grüße 1.txt\n")
            }
        }
    }

    /// The client loses its power, and the connection is reset, at instants that the seed chooses,
    /// until the file is there.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `no torn file is ever seen of a client that is killed`(seed: UInt64) throws {
        let (old, new) = (FilesTests.content(seed), FilesTests.content(seed + 100))
        let folder = MemoryFolder(["a": old])
        try served(seed: seed, folder) { world, server in
            world.network.inject(.bandwidth(bytesPerSecond: 100_000), .everywhere)
            let mine = MemoryFolder(["a": new])
            let client = world.host("client") {
                // What breaks begins again when the host does.
                try? await FilesTests.client { try await $0.put("a", from: mine) }
            }
            while folder["a"] == old {
                try await rest(.milliseconds(.random(in: 1...600, using: &world.random)))
                if Bool.random(using: &world.random) {
                    world.network.reset(between: client, and: server)
                } else {
                    client.crash()
                }
                #expect(folder["a"] == old || folder["a"] == new)
                try await rest(.seconds(1))
                if folder["a"] == old { client.restart() }
            }
        }
        #expect(folder["a"] == new && folder.names == ["a"])
        #expect(folder.contentsSeen == [new] && folder.tearCount == 0)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `a download goes on where it was broken off`(seed: UInt64) throws {
        let whole = FilesTests.content(seed)
        let mine = MemoryFolder()
        let folder = MemoryFolder(["a": whole])
        try served(seed: seed, folder) { world, server in
            world.network.inject(.bandwidth(bytesPerSecond: 100_000), .everywhere)
            let client = world.host("client")
            var tries = 0
            while mine["a"] == nil {
                tries += 1
                let task = try client.spawn {
                    try await FilesTests.client { try await $0.get("a", into: mine) }
                }
                try await rest(.milliseconds(.random(in: 100...500, using: &world.random)))
                world.network.reset(between: client, and: server)
                try await rest(.seconds(1))
                task.cancel()
            }
            // Each try had some of it; none of them had the 0.8 s that the whole takes.
            #expect(tries > 1)
        }
        #expect(mine["a"] == whole && mine.names == ["a"])
        #expect(mine.contentsSeen == [whole] && mine.tearCount == 0)
    }

    @Test func `bytes of another sum are not taken, nor more than were announced`() throws {
        let folder = MemoryFolder()
        try served(folder) { _, _ in
            let offer = Offer(name: "a", length: 3, sum: String(repeating: "0", count: 64))
            for pieces in [[[1, 2, 3]], [[1], [2], [3]], [[1, 2], [3, 4]], [[]]] as [[[UInt8]]] {
                try await FilesTests.client { client in
                    var header = offer.header
                    header["do"] = "put"
                    let answer = try await client.messages.ask(Message(header: header))
                    #expect(answer.header["from"] == 0)
                    try await client.messages.write(
                        pieces.map { Message(header: [:], body: $0) })
                    await #expect(throws: Failure.self) { try await client.messages.answer() }
                }
                // After another sum nothing is left to be removed.
                try? await FilesTests.client { try await $0.remove("a") }
            }
        }
        #expect(folder.names.isEmpty && folder.contentsSeen.isEmpty)
    }

    @Test func `a quota is of all files, also of those on their way`() throws {
        var limits = FileServer.Limits()
        (limits.quota, limits.files) = (100, 3)
        let folder = MemoryFolder(["old": [UInt8](repeating: 0, count: 40)])
        try served(folder, limits: limits) { _, _ in
            let mine = MemoryFolder([
                "a": [UInt8](repeating: 1, count: 50), "b": [UInt8](repeating: 2, count: 50),
                "c": [], "d": [], "huge": [UInt8](repeating: 3, count: 101),
            ])
            try await FilesTests.client { slow in
                let offer = try await Offer(of: "a", in: mine)
                var header = offer.header
                header["do"] = "put"
                _ = try await slow.messages.ask(Message(header: header))
                try await FilesTests.client { client in
                    for name in ["a", "b", "huge"] {
                        await #expect(throws: Failure.self) {
                            try await client.put(name, from: mine)
                        }
                    }
                    try await client.put("c", from: mine)
                    await #expect(throws: Failure.self) { try await client.put("d", from: mine) }
                }
            }
            // What it leaves counts by the bytes that came.
            try await rest(.seconds(1))
            try await FilesTests.client { client in
                try await client.remove("a")
                try await client.put("b", from: mine)
                #expect(try await client.list() == "50 b\n0 c\n40 old\n")
            }
        }
    }

    @Test func `a number that is no length ends nothing`() throws {
        try served(MemoryFolder()) { _, _ in
            for length in [-1, .min, .max] {
                try await FilesTests.client { client in
                    var header = Offer(
                        name: "a", length: length, sum: String(repeating: "0", count: 64)
                    ).header
                    header["do"] = "put"
                    await #expect(throws: Failure.self) {
                        try await client.messages.ask(Message(header: header))
                    }
                }
            }
        }
    }
}
