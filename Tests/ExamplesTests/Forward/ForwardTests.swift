import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct ForwardTests {
    @Test func `targets take turns, and a dead one rests longer each time`() async {
        let balancer = Balancer(["a", "b", "c"])
        let now = ContinuousClock.now
        #expect(await balancer.order(at: now) == [0, 1, 2])
        #expect(await balancer.order(at: now) == [1, 2, 0])
        // Two clients that tried it together.
        await balancer.fail(2, at: now)
        await balancer.fail(2, at: now)
        #expect(await balancer.order(at: now) == [0, 1, 2])
        #expect(await balancer.order(at: now) == [0, 1, 2])
        #expect(await balancer.line(at: now).hasSuffix("; resting: c"))
        #expect(await balancer.order(at: now + .seconds(1)) == [1, 2, 0])
        await balancer.fail(2, at: now + .seconds(1))
        #expect(await balancer.order(at: now + .seconds(2)) == [0, 1, 2])
        #expect(await balancer.order(at: now + .seconds(3)) == [0, 1, 2])
        await balancer.open(2)
        #expect(await balancer.order(at: now) == [1, 2, 0])
    }

    @Test func `when all rest, all are tried`() async {
        let balancer = Balancer(["a", "b"])
        let now = ContinuousClock.now
        await balancer.fail(0, at: now)
        await balancer.fail(1, at: now)
        #expect(await balancer.order(at: now) == [0, 1])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `a request that ends its half is answered, also when a target is dead`(seed: UInt64) throws
    {
        try Simulation(seed: seed).run { world in
            let balancer = Balancer(["dead:80", "target:80"])
            _ = world.host("dead")
            let target = world.host("target") {
                try await StreamServer.serve(on: "target:80") { connection in
                    var bytes: [UInt8] = []
                    while let piece = try await connection.read() { bytes += Array(piece) }
                    try await connection.write("\(bytes.count) bytes\n")
                }
            }
            let middle = world.host("middle") {
                try await StreamServer.serve(on: "middle:80") { client in
                    try await pass(client, by: balancer)
                }
            }
            try await target.untilListening(port: 80)
            try await middle.untilListening(port: 80)
            for count in [0, 1, 100_000] {
                try await Connection.connect(to: "middle:80", timeout: .seconds(60)) { client in
                    try await client.write(Array(repeating: 7, count: count))
                    try await client.closeWrite()
                    #expect(try await client.readLine() == "\(count) bytes")
                    #expect(try await client.readLine() == nil)
                }
            }
            let counters = await balancer.counters
            #expect(counters.done == 3 && counters.open == 0 && counters.bytesThere == 100_001)
        }
    }

    @Test func `without a target a client is reset`() throws {
        try Simulation(seed: 1).run { world in
            _ = world.host("dead")
            let middle = world.host("middle") {
                try await StreamServer.serve(on: "middle:80") { client in
                    try await pass(client, by: Balancer(["dead:80"]))
                }
            }
            try await middle.untilListening(port: 80)
            let client = try await Connection.connect(to: "middle:80", timeout: .seconds(60))
            await #expect(throws: IOError(.read, .system(.connectionReset))) {
                _ = try await client.readLine()
            }
        }
    }
}
