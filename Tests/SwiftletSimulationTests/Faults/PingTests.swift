import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Pings in a simulated network: the kernel of a host answers, whatever runs there.
@Suite struct PingTests {
    /// Sends so many pings to a host, each a second after the one before, and says how long each
    /// answer took; nil where none came within the second.
    private func ping(
        _ target: SocketAddress, times count: Int
    ) async throws -> [Duration?] {
        let any = try SocketAddress(target.isIPv6 ? "[::]:0" : "0.0.0.0:0")
        let socket = try await DatagramSocket.bind(to: any, kind: .ping)
        var times: [Duration?] = []
        for number in 0..<count {
            let start = ContinuousClock.now
            let type: UInt8 = target.isIPv6 ? 128 : 8
            try await socket.send([type, 0, 0, 0, 0, 0, 0, UInt8(number), 7], to: target)
            let end = start.advanced(by: .seconds(1))
            var time: Duration?
            while time == nil, ContinuousClock.now < end {
                let left = ContinuousClock.now.duration(to: end)
                guard let answer = try? await socket.receive(timeout: left) else { break }
                if answer.bytes[7] == UInt8(number), answer.bytes.last == 7 {
                    time = start.duration(to: .now)
                }
            }
            times.append(time)
            try await sleep(for: ContinuousClock.now.duration(to: end))
        }
        return times
    }

    @Test(arguments: [false, true])
    func `a host without a program answers after the delay of both ways`(isIPv6: Bool) throws {
        let times = try Simulation(seed: 1).run { world in
            world.network.inject(.latency(.constant(.milliseconds(20))))
            let server = world.host("server")
            let target = isIPv6 ? server.ipv6Address(port: 0) : server.address(port: 0)
            return try await ping(target, times: 3)
        }

        #expect(times == Array(repeating: .milliseconds(40), count: 3))
    }

    @Test func `some are lost, some come twice, and a host that is down does not answer`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.host("server")
            let target = server.address(port: 0)
            world.network.inject(.lostDatagrams(probability: 0.2))
            world.network.inject(.duplicatedDatagrams(probability: 0.2))
            let times = try await ping(target, times: 100)
            // Both ways: 0.8 * 0.8.
            #expect((50...80).contains(times.count { $0 != nil }))
            server.crash()
            #expect(try await ping(target, times: 2) == [nil, nil])
            server.restart()
            world.network.heal()
            #expect(try await ping(target, times: 1) != [nil])
        }
    }

    @Test func `two programs of a host do not take each other's answers`() throws {
        try Simulation(seed: 1).run { world in
            let target = world.host("server").address(port: 0)
            let one = try await DatagramSocket.connect(to: target, kind: .ping)
            let other = try await DatagramSocket.connect(to: target, kind: .ping)
            #expect(one.localAddress.port != other.localAddress.port)
            try await one.send([8, 0, 0, 0, 0, 0, 0, 1])
            let answer = try await one.receive()
            let port = one.localAddress.port
            #expect(answer.bytes[4...5] == [UInt8(port >> 8), UInt8(port & 0xFF)])
            #expect(answer.sender == target)
            await #expect(throws: IOError(.receive, .timedOut)) {
                try await other.receive(timeout: .seconds(1))
            }
        }
    }
}
