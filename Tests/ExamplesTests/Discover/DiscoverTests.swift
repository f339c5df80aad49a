import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct DiscoverTests {
    /// A world with three printers and a clock, and what is found there.
    private func found(
        _ kind: String, at address: String, isBroadcast: Bool = false, seed: UInt64 = 1,
        faults: [Fault] = [], atMost limit: Int = 100
    ) throws -> [String] {
        let meeting = Meeting(try SocketAddress(address), isBroadcast: isBroadcast)
        return try Simulation(seed: seed).run { world in
            for number in 0..<4 {
                let host = world.host("host\(number)")
                let service = Announcement(
                    kind: number == 3 ? "clock" : "printer", name: "n\(number)", port: 631)
                try host.spawn { try await meeting.announce(service) }
            }
            try await sleep(for: .seconds(1))
            for fault in faults { world.network.inject(fault) }
            var names: [String] = []
            let begin = world.now
            let count = try await meeting.find(kind, within: .seconds(3), atMost: limit) {
                service, host in
                let number = service.name.last.flatMap { Int(String($0)) } ?? 0
                let there = world.hosts[number + 1]
                let addresses = [there.address(port: 0), there.ipv6Address(port: 0)]
                #expect(addresses.contains(host.with(port: 0)))
                names.append(service.name)
            }
            #expect(count == names.count)
            #expect(begin.duration(to: world.now) <= .seconds(3))
            return names.sorted()
        }
    }

    @Test(arguments: ["239.255.77.88:7788", "[ff02::4d58]:7788"])
    func `a group finds services of a kind, or all`(address: String) throws {
        #expect(try found("printer", at: address) == ["n0", "n1", "n2"])
        #expect(try found("*", at: address) == ["n0", "n1", "n2", "n3"])
        #expect(try found("radio", at: address) == [])
        #expect(try found("*", at: address, atMost: 2).count == 2)
    }

    @Test func `so does a broadcast`() throws {
        #expect(
            try found("printer", at: "255.255.255.255:7788", isBroadcast: true)
                == ["n0", "n1", "n2"])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `each is found once, whatever comes twice, late or not`(seed: UInt64) throws {
        let names = try found(
            "printer", at: "239.255.77.88:7788", seed: seed,
            faults: [
                .lostDatagrams(probability: 0.1), .duplicatedDatagrams(probability: 0.5),
                .delayedDatagrams(by: .constant(.milliseconds(300)), probability: 0.3),
            ])
        #expect(Set(names).count == names.count)
        #expect(names.count >= 2)
    }

    @Test func `an answer to another question counts for nothing`() throws {
        try Simulation(seed: 1).run { world in
            let meeting = Meeting(try SocketAddress("239.255.77.88:7788"))
            let liar = try await world.host("liar").run {
                try await DatagramSocket.bind(to: "0.0.0.0:7788")
            }
            try await world.hosts[1].run { try await liar.join(meeting.address) }
            try world.hosts[1].spawn {
                while true {
                    let answer = DiscoveryMessage.answer(
                        Announcement(kind: "printer", name: "x", port: 1), number: 5)
                    try await liar.receive().reply(answer.bytes)
                }
            }
            let count = try await meeting.find("printer", within: .seconds(1), atMost: 10) { _, _ in
            }
            #expect(count == 0)
        }
    }

    @Test func `spoiled messages are read as they are written, or are none`() {
        let service = Announcement(kind: "printer", name: "one", port: 631)
        let messages: [DiscoveryMessage] = [
            .query(kind: "*", number: .max), .answer(service, number: 0), .announcement(service),
        ]
        for message in messages { #expect(DiscoveryMessage(message.bytes) == message) }
        fuzz(messages.map(\.bytes)) { bytes in
            guard let message = DiscoveryMessage(bytes) else { return }
            #expect(DiscoveryMessage(message.bytes) == message)
        }
        #expect(DiscoveryMessage(Array("swiftlet-discover/1 here a \u{1b}[2J 1".utf8)) == nil)
        #expect(!DiscoveryMessage.isWord(String(repeating: "x", count: 64)))
    }
}
