import Swiftlet
import SwiftletSimulation
import Testing

/// Plans of faults at work on an echo service.
@Suite struct FaultPlanRunTests {
    /// How many of three echoes worked on a connection of their own before a fault ended it.
    func echoes(of address: SocketAddress) async -> Int {
        var count = 0
        do {
            let connection = try await Connection.connect(to: address, timeout: .seconds(10))
            for size in [1, 100, 2000] {
                let sent = pattern(size)
                let read = try await connection.echo(sent)
                #expect(read == sent)
                count += 1
            }
        } catch {
            // A fault is what this waits for; the next attempt comes in a while.
            #expect(error is IOError)
        }
        return count
    }

    /// Echoes under the faults of a drawn plan for a minute, and then once without any; says how
    /// often it worked, and the end of the trace.
    func run(_ seed: UInt64) throws -> (echoes: Int, trace: String) {
        try unforced(seed: seed).run { world in
            let server = world.echoServer(), client = world.host("client")
            let plan = FaultPlan.random(
                seed: world.random.next(), count: 20, among: [client, server], crashing: [server],
                within: .seconds(60))
            world.network.apply(plan)
            return try await client.run {
                var count = 0
                while world.elapsed < .seconds(60) {
                    count += await echoes(of: server.address(port: 7))
                    try await sleep(for: .seconds(1))
                }
                // Segments that left slowly are still under way.
                try await sleep(for: .seconds(60))
                #expect(server.isUp, "seed \(seed)")
                let connection = try await Connection.connect(to: server.address(port: 7))
                #expect(try await connection.echo([7]) == [7], "seed \(seed)")
                return (count, world.trace)
            }
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `under a drawn plan an echo comes whole or not at all`(seed: UInt64) throws {
        #expect(try run(seed).echoes > 0, "seed \(seed)")
    }

    @Test func `the same seed gives the same trace under faults`() throws {
        let (first, second) = (try run(3), try run(3))

        #expect(first == second)
        #expect(try run(4).trace != first.trace)
    }

    @Test func `healing the network ends every fault of a plan`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.apply(
                FaultPlan([
                    .init(.partition, .of(server), after: .zero, for: .seconds(100)),
                    .init(.crash, .of(server), after: .seconds(1), for: .seconds(100)),
                    .init(.refusedConnects, .everywhere, after: .seconds(5), for: .seconds(100)),
                ]))
            try await sleep(for: .seconds(2))
            world.network.heal()
            try await client.run {
                try await sleep(for: .seconds(8))
                let connection = try await Connection.connect(to: server.address(port: 7))
                #expect(try await connection.echo([7]) == [7])
                #expect(world.elapsed < .seconds(11))
            }
        }
    }
}
