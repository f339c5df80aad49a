import Foundation
import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct TFTPTests {
    private static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    }

    /// A server of `files` on "server:69", and a client of it that `body` is given.
    private func world(
        seed: UInt64, _ files: MemoryFiles, mayWrite: Bool = true, maxSize: Int = 1 << 30,
        faults: [Fault] = [], options: [String: String] = [:], isText: Bool = false,
        _ body: @escaping @Sendable (World, TFTPClient) async throws -> Void
    ) throws {
        try Simulation(seed: seed).run { world in
            world.failsOnUnhandledErrors = false
            let server = TFTPServer(store: files, mayWrite: mayWrite, maxSize: maxSize, tries: 40)
            try await world.host("server").receive(on: "server:69") {
                try await $0.servePeers(handler: server.serve)
            }
            for fault in faults { world.network.inject(fault) }
            try await body(world, TFTPClient(isText: isText, options: options, tries: 40))
        }
    }

    static let optionSets: [[String: String]] = [
        [:], ["blksize": "100"], ["blksize": "1428", "windowsize": "8"],
        ["windowsize": "3", "timeout": "2"],
    ]

    @Test(arguments: optionSets, [0, 1, 511, 512, 513, 5_000])
    func `a file comes and goes as it is`(options: [String: String], size: Int) throws {
        let files = MemoryFiles(["a": Self.bytes(size)])
        let local = MemoryFiles(["b": Self.bytes(size + 1)])
        try world(seed: 1, files, options: options) { _, client in
            try await client.get("a", from: "server:69", into: local, as: "got")
            try await client.put("put", to: "server:69", from: local, as: "b")
        }
        #expect(local["got"] == Self.bytes(size))
        #expect(files["put"] == Self.bytes(size + 1))
    }

    @Test(arguments: optionSets, 1...10 as ClosedRange<UInt64>)
    func `nothing is wrong where packets are lost, doubled and late`(
        options: [String: String], seed: UInt64
    ) throws {
        let files = MemoryFiles(["a": Self.bytes(20_000)])
        let local = MemoryFiles(["b": Self.bytes(10_000)])
        let faults: [Fault] = [
            .lostDatagrams(probability: 0.2), .duplicatedDatagrams(probability: 0.1),
            .delayedDatagrams(by: .constant(.milliseconds(700)), probability: 0.1),
        ]
        try world(seed: seed, files, faults: faults, options: options) { world, client in
            try await client.get("a", from: "server:69", into: local, as: "got")
            do {
                try await client.put("put", to: "server:69", from: local, as: "b")
            } catch let failure as Failure {
                // All of the last acknowledgements were lost: the client cannot know.
                #expect(failure.code == .unavailable)
            }
            // Until the ends of transfers that nobody waits for have given up.
            try await sleep(for: .seconds(200))
            #expect(files.partialCount == 0)
        }
        #expect(local["got"] == Self.bytes(20_000))
        #expect(files["put"] == Self.bytes(10_000))
    }

    @Test func `every packet comes twice, and none is sent for that`() throws {
        let files = MemoryFiles(["a": Self.bytes(51_200)])
        let local = MemoryFiles()
        try world(
            seed: 1, files, faults: [.duplicatedDatagrams(probability: 1)]
        ) { world, client in
            try await client.get("a", from: "server:69", into: local, as: "got")
            let sent = world.hosts.compactMap(\.statistics?.sends).reduce(0, +)
            // 101 blocks and their acknowledgements, one of which the naive form doubles each time;
            // each copy of a block is acknowledged, and each of the request ended or left alone.
            #expect(sent < 101 * 3 + 10, "\(sent)")
        }
        #expect(local["got"] == Self.bytes(51_200))
    }

    // Without windows other people's clients try it, in Tests/clients.
    @Test func `blocks are counted on behind 65,535`() throws {
        let files = MemoryFiles(["a": Self.bytes(8 * 66_000)])
        let local = MemoryFiles()
        // In order, as a receiver of windows takes nothing that comes before its time.
        try world(
            seed: 1, files, faults: [.latency(.constant(.milliseconds(1)))],
            options: ["blksize": "8", "windowsize": "64"]
        ) { _, client in
            try await client.get("a", from: "server:69", into: local, as: "got")
        }
        #expect(local["got"] == Self.bytes(8 * 66_000))
    }

    @Test func `the last acknowledgement is said again when it was lost`() throws {
        let files = MemoryFiles(["a": Self.bytes(100)])
        let local = MemoryFiles()
        try world(seed: 1, files) { world, client in
            let server = world.hosts[1]
            try await client.get("a", from: "server:69", into: local, as: "got") {
                // Now it is sent, and nothing of it arrives for half a second.
                world.network.inject(
                    .lostDatagrams(probability: 1), .from(world.hosts[0], to: server),
                    for: .milliseconds(500))
            }
            #expect(server.statistics?.sends == 2)
            #expect(world.elapsed > .seconds(2), "the client stayed")
        }
    }

    @Test func `lines end on the wire as a terminal ends them`() throws {
        let text = Array("one\ntwo\r\nthree\r\0\rend\r".utf8)
        let files = MemoryFiles(["a": text])
        let local = MemoryFiles()
        try world(seed: 1, files, options: ["blksize": "8"], isText: true) { _, client in
            try await client.get("a", from: "server:69", into: local, as: "got")
            try await client.put("back", to: "server:69", from: local, as: "got")
        }
        #expect(local["got"] == text)
        #expect(files["back"] == text)
    }

    @Test func `what may not be is refused, and told at once`() throws {
        let files = MemoryFiles(["a": [1]])
        let local = MemoryFiles(["b": Self.bytes(5_000)])
        try world(seed: 1, files, mayWrite: false) { world, client in
            await #expect(throws: Failure.self) {
                try await client.get("none", from: "server:69", into: local, as: "x")
            }
            await #expect(throws: Failure.self) {
                try await client.put("new", to: "server:69", from: local, as: "b")
            }
            #expect(world.elapsed < .seconds(1))
        }
        try world(seed: 1, files, maxSize: 4_999) { world, client in
            await #expect(throws: Failure.self) {
                try await client.put("new", to: "server:69", from: local, as: "b")
            }
            #expect(world.elapsed < .seconds(1))
        }
        #expect(files["new"] == nil && local["x"] == nil && local.partialCount == 0)
    }

    @Test func `a server that is not there is given up`() throws {
        try Simulation(seed: 1).run { world in
            _ = world.host("server")
            let client = TFTPClient(isText: false, options: [:], tries: 3)
            await #expect(throws: (any Error).self) {
                try await client.get("a", from: "server:69", into: MemoryFiles(), as: "x")
            }
            #expect(world.elapsed >= .seconds(3) && world.elapsed < .seconds(4))
        }
    }
}

@Suite struct TFTPPacketTests {
    private static let packets: [TFTPPacket] = [
        .request(isWrite: false, name: "a/b", mode: "octet", options: ["blksize": "512"]),
        .request(isWrite: true, name: "x", mode: "netascii", options: [:]),
        .data(65_535, [1, 2, 3]), .data(1, []), .acknowledgement(7), .error(1, "no such file"),
        .options(["tsize": "5", "windowsize": "8"]),
    ]

    @Test(arguments: packets) func `a packet is read as it was written`(packet: TFTPPacket) {
        #expect(TFTPPacket(packet.bytes) == packet)
    }

    @Test func `spoiled packets are read or are none`() {
        fuzz(Self.packets.map(\.bytes)) { bytes in
            guard let packet = TFTPPacket(bytes) else { return }
            if case .options(let options) = packet {
                var terms = TFTPTerms()
                let taken = terms.take(options, size: nil)
                #expect(taken.count <= options.count)
                #expect((8...65_464).contains(terms.blockSize))
                #expect((1...64).contains(terms.windowSize) && (1...255).contains(terms.timeout))
            }
        }
    }

    @Test func `options are taken in any case, and cut to what is possible`() {
        var terms = TFTPTerms()
        let request = TFTPPacket(
            [0, 1] + Array("f\0OCTET\0BlkSize\099999\0timeout\0256\0x\01\0".utf8))
        guard case .request(_, "f", "octet", let options) = request else {
            Issue.record("\(String(describing: request))")
            return
        }
        #expect(terms.take(options, size: 7) == ["blksize": "65464"])
        #expect(terms == TFTPTerms(blockSize: 65_464, windowSize: 1, timeout: 1))
    }

    @Test func `a request holds a transfer for ten seconds at most`() {
        var terms = TFTPTerms()
        #expect(terms.take(["timeout": "255"], size: nil) == [:] && terms.timeout == 1)
        #expect(terms.take(["timeout": "10"], size: nil) == ["timeout": "10"])
    }

    @Test func `no name leads out of a folder that is served, whatever Swift calls a character`()
        async throws
    {
        try await withTemporaryFolder { root in
            try FileManager.default.createDirectory(
                atPath: root + "/served", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                atPath: root + "/outside", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: root + "/served/link", withDestinationPath: root + "/outside")
            try await onLoop {
                let folder = try await ServedFolder(root + "/served")
                for name in ["link/evil", "link/\u{301}evil", ".\u{301}evil", "../outside/evil"] {
                    await #expect(throws: Failure.self, "\(name)") {
                        try await folder.writing(name, replacing: true) { _ in }
                    }
                }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/outside") == [])
        }
    }
}
