import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Datagrams in a network that loses, repeats and delays them.
@Suite struct DatagramFaultTests {
    /// What comes of so many datagrams that the body's host sends to another, in order of arrival,
    /// within a second.
    private func arrivals(
        of count: Int, bytesEach: Int = 4, seed: UInt64 = 1,
        _ prepare: @escaping @Sendable (World, SimulatedHost) -> Void
    ) throws -> [Int] {
        try Simulation(seed: seed).run { world in
            let server = world.host("server")
            let received = try server.spawn {
                let socket = try await DatagramSocket.bind(to: "0.0.0.0:7")
                var numbers: [Int] = []
                while true {
                    do throws(IOError) {
                        let datagram = try await socket.receive(timeout: .seconds(1))
                        numbers.append(Int(datagram.bytes[0]))
                    } catch {
                        return numbers
                    }
                }
            }
            try await server.untilListening(port: 7)
            prepare(world, server)
            let socket = try await DatagramSocket.bind(to: "0.0.0.0:0")
            let padding = [UInt8](repeating: 0, count: bytesEach - 1)
            for number in 0..<count {
                try await socket.send([UInt8(number)] + padding, to: server.address(port: 7))
            }
            return try await received.value
        }
    }

    @Test func `without a fault all arrive, and some overtake others`() throws {
        let numbers = try arrivals(of: 100) { _, _ in }

        #expect(numbers.sorted() == Array(0..<100))
        #expect(numbers != Array(0..<100))
    }

    @Test func `in a network of one latency all arrive in order`() throws {
        let numbers = try arrivals(of: 100) { world, _ in
            world.network.inject(.latency(.constant(.milliseconds(1))))
        }

        #expect(numbers == Array(0..<100))
    }

    @Test func `some are lost, some come twice, some come late`() throws {
        let still = Fault.latency(.constant(.milliseconds(1)))
        let lossy = try arrivals(of: 200) { world, _ in
            world.network.inject(still)
            world.network.inject(.lostDatagrams(probability: 0.3))
        }
        let doubled = try arrivals(of: 100) { world, _ in
            world.network.inject(still)
            world.network.inject(.duplicatedDatagrams(probability: 0.3))
        }
        let late = try arrivals(of: 100) { world, _ in
            world.network.inject(still)
            world.network.inject(
                .delayedDatagrams(by: .constant(.milliseconds(100)), probability: 0.1))
        }

        #expect((110...170).contains(lossy.count) && lossy == lossy.sorted())
        #expect((115...145).contains(doubled.count) && Set(doubled).count == 100)
        #expect(Set(late).count == 100 && late.count == 100)
        // Those that are late come last, among themselves in order.
        let first = late.prefix { number in number == 0 || late.contains(number - 1) }
        #expect(first.count > 50 && late != late.sorted())
    }

    @Test func `a packet that is too long for the way is lost`() throws {
        func count(of bytes: Int) throws -> Int {
            try arrivals(of: 10, bytesEach: bytes) { world, _ in
                world.network.inject(.packetSize(1_500))
            }.count
        }

        #expect(try count(of: 1_472) == 10)
        #expect(try count(of: 1_473) == 0)
    }

    @Test func `what a partition has is lost, and not held`() throws {
        let numbers = try arrivals(of: 10) { world, server in
            world.network.partition(world.hosts[0], server, for: .milliseconds(100))
        }

        #expect(numbers == [])
    }

    @Test func `a receiver that does not keep up loses what comes`() throws {
        let count = try Simulation(seed: 1).run { world in
            let socket = try await DatagramSocket.bind(to: "0.0.0.0:0")
            let target = socket.localAddress
            for _ in 0..<2_000 { try await socket.send([1], to: target) }
            #expect(world.socketTable.contains("to receive"))
            var count = 0
            while (try? await socket.receive(timeout: .zero)) != nil { count += 1 }
            return count
        }

        #expect((100..<2_000).contains(count))
    }

    @Test func `a refusal travels back, and a host that is down says nothing`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.host("server")
            let socket = try await DatagramSocket.connect(to: server.address(port: 9))
            try await socket.send("anybody?")
            let start = world.now
            let error = await ioError { try await socket.receive() }
            #expect(error == IOError(.receive, .system(.connectionRefused)))
            #expect(start.duration(to: world.now) >= .milliseconds(1))
            server.crash()
            try await socket.send("anybody?")
            let late = await ioError { try await socket.receive(timeout: .seconds(60)) }
            #expect(late == IOError(.receive, .timedOut))
        }
    }

    @Test func `a datagram for all comes to each host, and one for a group to its members`() throws
    {
        try Simulation(seed: 1).run { world in
            let group = try SocketAddress("239.1.1.1:7")
            let heard = try (0..<3).map { number in
                try world.host("host \(number)").spawn {
                    let socket = try await DatagramSocket.bind(to: "0.0.0.0:7")
                    if number > 0 { try await socket.join(group) }
                    var texts: [String] = []
                    while texts.last != "all" { texts.append(try await socket.receive().text) }
                    return texts
                }
            }
            for host in world.hosts.dropFirst() { try await host.untilListening(port: 7) }
            let socket = try await DatagramSocket.bind(
                to: SocketAddress("0.0.0.0:0"), options: [.broadcast: 1])
            try await socket.send("group", to: group)
            try await sleep(for: .seconds(1))
            try await socket.send("all", to: SocketAddress("255.255.255.255:7"))
            var texts: [[String]] = []
            for task in heard { texts.append(try await task.value) }
            #expect(texts == [["all"], ["group", "all"], ["group", "all"]])
        }
    }

    @Test func `the same seed gives the same datagrams`() throws {
        func digest(_ seed: UInt64) throws -> UInt64 {
            try Simulation(seed: seed).run { world in
                world.network.inject(.lostDatagrams(probability: 0.2))
                world.network.inject(.duplicatedDatagrams(probability: 0.2))
                let server = world.host("server") {
                    let socket = try await DatagramSocket.bind(to: "0.0.0.0:7")
                    while true {
                        let datagram = try await socket.receive()
                        try await datagram.reply(datagram.bytes)
                    }
                }
                try await server.untilListening(port: 7)
                let socket = try await DatagramSocket.connect(to: server.address(port: 7))
                for number in 0..<50 {
                    try await socket.send("\(number)")
                    // What is lost is lost.
                    _ = try? await socket.receive(timeout: .milliseconds(5))
                }
                #expect(world.trace.contains("datagram"))
                return world.traceDigest
            }
        }

        #expect(try digest(1) == digest(1))
        #expect(try digest(1) != digest(2))
    }

    @Test func `raw sockets are not simulated, and say so`() throws {
        try Simulation(seed: 1).run { _ in
            let any = try SocketAddress("0.0.0.0:0")
            let unsupported = Errno(rawValue: 93)
            let error = await ioError { try await DatagramSocket.bind(to: any, kind: .raw(1)) }
            #expect(error == IOError(.open, .system(unsupported)))
        }
    }
}

/// The error that `body` throws; nil when it throws none or another one.
private nonisolated(nonsending) func ioError<Value>(
    _ body: () async throws -> Value
) async -> IOError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? IOError
    }
}
