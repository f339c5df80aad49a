import Swiftlet
import SwiftletSimulation
import Synchronization
import Testing

@testable import Examples

@Suite struct PingTests {
    /// What pings of a host of a world give, and their lines.
    private func ping(
        _ pinger: Pinger, isIPv6: Bool = false, seed: UInt64 = 1,
        _ faults: @escaping @Sendable (World) -> Void = { _ in }
    ) throws -> (PingTally, lines: [String], elapsed: Duration) {
        try Simulation(seed: seed).run { world in
            let host = world.host("there")
            faults(world)
            let address = isIPv6 ? host.ipv6Address(port: 0) : host.address(port: 0)
            let target = try await PingSocket(to: address.host)
            var (tally, lines) = (PingTally(), [String]())
            try await pinger.run(target, &tally) { lines.append($0) }
            return (tally, lines, world.elapsed)
        }
    }

    private func pinger(_ count: Int, timeout: Duration = .seconds(1)) -> Pinger {
        Pinger(count: count, interval: .seconds(1), timeout: timeout, size: 56)
    }

    @Test(arguments: [false, true])
    func `each request is answered, after the time of both ways`(isIPv6: Bool) throws {
        let (tally, lines, elapsed) = try ping(pinger(3), isIPv6: isIPv6) { world in
            world.network.inject(.latency(.constant(.milliseconds(20))))
        }
        #expect(tally.sent == 3 && tally.received == 3)
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("64 bytes from ") && lines[0].contains("seq=1 time=40."))
        // It ends with the last answer, and requests are a second apart.
        #expect(elapsed > .seconds(2) && elapsed < .milliseconds(2_100))
        #expect(tally.summary[0] == "3 sent, 3 received, 0.0 % lost")
        #expect(tally.summary[1].hasPrefix("round trip min/avg/max/mdev = 40."))
    }

    @Test func `what is lost is counted, and waited for at the end`() throws {
        let (tally, lines, elapsed) = try ping(pinger(5, timeout: .seconds(7))) { world in
            world.network.inject(.lostDatagrams(probability: 1))
        }
        #expect(tally.sent == 5 && tally.received == 0 && lines.isEmpty)
        #expect(elapsed == .seconds(11))
        #expect(tally.summary == ["5 sent, 0 received, 100.0 % lost"])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `answers that are late or doubled count once`(seed: UInt64) throws {
        let (tally, _, _) = try ping(pinger(50, timeout: .seconds(10)), seed: seed) { world in
            world.network.inject(.duplicatedDatagrams(probability: 0.3))
            world.network.inject(
                .delayedDatagrams(by: .constant(.milliseconds(2_500)), probability: 0.2))
        }
        #expect(tally.sent == 50 && tally.received == 50)
    }

    @Test func `a machine of our own answers, where the system lets us ask`() async throws {
        try await onLoop {
            do {
                let target = try await PingSocket(to: "127.0.0.1")
                var tally = PingTally()
                let pinger = Pinger(
                    count: 3, interval: .milliseconds(2), timeout: .seconds(60), size: 8)
                try await pinger.run(target, &tally) { _ in }
                #expect(tally.sent >= 3 && tally.received == 3)
            } catch IOError.notAllowed {
                // Neither the group nor the capability: nothing to be tried.
            }
        }
    }

    @Test func `sequences of 16 bits go round`() throws {
        var tally = PingTally()
        for _ in 0..<70_000 { _ = tally.send(at: .now) }
        let last = UInt16(truncatingIfNeeded: 70_000)
        #expect(tally.receive(last, at: .now)?.number == 70_000)
        #expect(tally.receive(last, at: .now)?.isDoubled == true)
        #expect(tally.receive(last &- 32_767, at: .now)?.number == 37_233)
        #expect(tally.receive(last &+ 1, at: .now) == nil)
    }

    @Test func `a checksum is that of RFC 1071`() {
        #expect(EchoPacket.checksum([0, 1, 0xF2, 3, 0xF4, 0xF5, 0xF6, 0xF7]) == ~0xDDF2)
        #expect(EchoPacket.checksum([1]) == ~0x0100)
        let packet = EchoPacket(identifier: 7, sequence: 9, data: [1, 2, 3]).request(isIPv6: false)
        #expect(EchoPacket.checksum(packet) == 0)
    }

    @Test func `spoiled replies are read or are none`() {
        let packet = EchoPacket(identifier: 7, sequence: 9, data: [1, 2, 3])
        let plain = packet.bytes(type: 0)
        let header: [UInt8] = [0x46] + [UInt8](repeating: 0, count: 23)
        #expect(EchoPacket(reply: plain, isIPv6: false) == packet)
        #expect(EchoPacket(reply: header + plain, isIPv6: false, hasHeader: true) == packet)
        #expect(EchoPacket(reply: packet.bytes(type: 129), isIPv6: true) == packet)
        #expect(EchoPacket(reply: packet.request(isIPv6: false), isIPv6: false) == nil)
        fuzz([plain, header + plain]) { bytes in
            for hasHeader in [false, true] {
                let reply = EchoPacket(reply: bytes, isIPv6: false, hasHeader: hasHeader)
                #expect(reply?.data.count ?? 0 <= bytes.count)
            }
        }
    }

    @Test(arguments: [(0.0, 3, "0.000"), (-1.5, 1, "-1.5"), (2.0006, 3, "2.001"), (7, 0, "7")])
    func `numbers have so many digits`(value: Double, digits: Int, text: String) {
        #expect(fixed(value, digits) == text)
    }
}
