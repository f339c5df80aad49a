import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct SNTPTests {
    private static let begin = 1_800_000_000_000_000_000

    /// The clock of a host in a world, so many nanoseconds ahead.
    private static func clock(of world: World, ahead: Int = 0) -> WallClock {
        WallClock { begin + Int(world.now.nanoseconds) + ahead }
    }

    /// What a client finds out of a server whose clock is ahead.
    private func sample(
        ahead: Int, seed: UInt64 = 1, faults: @escaping @Sendable (World) -> Void = { _ in }
    ) throws -> NTPSample {
        try Simulation(seed: seed).run { world in
            let server = SNTPServer(clock: Self.clock(of: world, ahead: ahead), stratum: 2)
            try await world.host("server").receive(on: "server:123") {
                try await $0.serve(handler: server.answer)
            }
            faults(world)
            let client = SNTPClient(clock: Self.clock(of: world), timeout: .seconds(1), tries: 50)
            return try await client.sample(try await DatagramSocket.connect(to: "server:123"))
        }
    }

    @Test(arguments: [0, 2_500_000_000, -86_400_000_000_000, 40 * 31_536_000_000_000_000])
    func `the offset of a clock is found, with its error`(ahead: Int) throws {
        let sample = try sample(ahead: ahead) { world in
            // There is slow, and back is fast: half of the difference is the error.
            world.network.inject(
                .latency(.constant(.milliseconds(90))),
                .from(world.hosts[0], to: world.hosts[1]))
            world.network.inject(
                .latency(.constant(.milliseconds(10))),
                .from(world.hosts[1], to: world.hosts[0]))
        }
        #expect(abs(sample.delay - 0.1) < 0.001)
        #expect(abs(sample.offset - Double(ahead) / 1e9 - 0.04) < 0.001)
        #expect(abs(sample.offset - Double(ahead) / 1e9) <= sample.error)
        #expect(sample.stratum == 2)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `the error holds whatever the network does`(seed: UInt64) throws {
        let sample = try sample(ahead: 1_000_000_000, seed: seed) { world in
            world.network.inject(.lostDatagrams(probability: 0.3))
            world.network.inject(.duplicatedDatagrams(probability: 0.3))
            world.network.inject(.latency(.exponential(mean: .milliseconds(200))))
        }
        #expect(abs(sample.offset - 1) <= sample.error + 1e-6)
    }

    @Test func `a server that refuses, or whose clock is not set, is an error`() throws {
        func failure(_ change: @escaping @Sendable (inout NTPPacket) -> Void) throws -> Failure? {
            try Simulation(seed: 1).run { world in
                let server = SNTPServer(clock: Self.clock(of: world), stratum: 1)
                try await world.host("server").receive(on: "server:123") {
                    try await $0.serve { datagram in
                        guard var answer = server.answer(to: datagram.bytes, at: Self.begin) else {
                            return
                        }
                        change(&answer)
                        try await datagram.reply(answer.bytes)
                    }
                }
                let client = SNTPClient(clock: .system, timeout: .seconds(1), tries: 2)
                let socket = try await DatagramSocket.connect(to: "server:123")
                return await #expect(throws: Failure.self) { try await client.sample(socket) }
            }
        }
        #expect(try failure { ($0.stratum, $0.reference) = (0, 0x5241_5445) }?.code == .notAllowed)
        #expect(try failure { $0.leap = 3 }?.code == .unavailable)
        // What is forged is no answer.
        let forged = try failure { $0.originate.bits ^= 1 }
        #expect(forged?.description.hasSuffix("does not answer") == true)
        #expect(try failure { $0.mode = 5 }?.code == .unavailable)
    }

    @Test func `time goes on across 2036`() {
        let before = NTPTime(nanoseconds: 2_085_978_495_500_000_000)
        let after = NTPTime(nanoseconds: 2_085_978_496_250_000_000)
        #expect(after.bits == 1 << 30)
        #expect(after - before == 0.75 && before - after == -0.75)
    }

    @Test func `only clients are answered, in their version`() {
        let server = SNTPServer(clock: WallClock { Self.begin }, stratum: 10)
        var question = NTPPacket(mode: 3)
        (question.version, question.transmit.bits) = (3, 77)
        let answer = server.answer(to: question.bytes, at: Self.begin)
        #expect(answer?.version == 3 && answer?.mode == 4 && answer?.originate.bits == 77)
        for mode in [0, 1, 2, 4, 5, 6, 7] as [UInt8] {
            #expect(server.answer(to: NTPPacket(mode: mode).bytes, at: 0) == nil)
        }
        #expect(server.answer(to: Array(question.bytes.dropLast()), at: 0) == nil)
    }

    @Test func `spoiled packets are read as they are written`() {
        var packet = NTPPacket(mode: 3)
        (packet.reference, packet.rootDelay, packet.precision) = (0x4C4F_434C, .max, -20)
        packet.transmit.bits = .max
        #expect(packet.referenceText == "LOCL")
        let server = SNTPServer(clock: WallClock { Self.begin }, stratum: 1)
        fuzz([packet.bytes]) { bytes in
            guard let read = NTPPacket(bytes) else { return }
            #expect(read.bytes == Array(bytes.prefix(48)))
            #expect(read.referenceText.utf8.count == 4)
            _ = server.answer(to: bytes, at: .max)
            _ = NTPSample(read, sent: read.originate, received: read.receive)
        }
    }
}
