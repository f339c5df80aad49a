import Swiftlet
import SwiftletSimulation
import Testing

/// Faults of machines and their calls, as programs meet them.
@Suite struct MachineFaultTests {
    @Test(arguments: [
        Fault.shortReads(probability: 1), .shortWrites(probability: 1),
        .spuriousReadiness(probability: 0.9),
    ])
    func `a fault of calls changes no byte of a stream`(fault: Fault) throws {
        let sent = pattern(20_000)
        let (read, spurious) = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.inject(fault)
            let read = try await client.run {
                try await Connection.connect(to: server.address(port: 7)) { connection in
                    try await connection.echo(sent)
                }
            }
            return (read, client.statistics?.spuriousWakes ?? 0)
        }

        #expect(read == sent)
        if case .spuriousReadiness = fault { #expect(spurious > 0) }
    }

    @Test func `a server survives accepts that fail, and goes on when they no longer do`() throws {
        let time = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.inject(
                .failing(.accept, with: .tooManyOpenFiles, probability: 1), .of(server),
                for: .seconds(3))
            return try await client.run {
                let connection = try await Connection.connect(to: server.address(port: 7))
                #expect(try await connection.echo([7]) == [7])
                return world.elapsed
            }
        }

        #expect((.seconds(3) ... .seconds(5)).contains(time))
    }

    @Test func `beyond the limit of descriptors nothing is opened`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            client.descriptorLimit = 2
            try await client.run {
                let first = try await Connection.connect(to: server.address(port: 7))
                let second = try await Connection.connect(to: server.address(port: 7))
                let error = await #expect(throws: IOError.self) {
                    try await Connection.connect(to: server.address(port: 7))
                }
                #expect(error == IOError(.connect, .system(.tooManyOpenFiles)))
                first.close()
                _ = try await Connection.connect(to: server.address(port: 7))
                second.close()
            }
        }
    }

    @Test func `a host that crashes comes back when the fault ends, and knows nothing`() throws {
        let time = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.inject(.crash, .of(server), after: .seconds(2), for: .seconds(5))
            return try await client.run {
                let connection = try await Connection.connect(to: server.address(port: 7))
                #expect(try await connection.echo([1]) == [1])
                try await sleep(for: .seconds(3))
                #expect(!server.isUp)
                let error = await #expect(throws: IOError.self) {
                    _ = try await connection.echo([2])
                }
                #expect(error?.reason == .system(.connectionReset))
                #expect(server.isUp)
                let next = try await Connection.connect(to: server.address(port: 7))
                #expect(try await next.echo([3]) == [3])
                return world.elapsed
            }
        }

        #expect((.seconds(7) ... .seconds(9)).contains(time))
    }

    @Test func `a crash that is healed by hand ends at once`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.echoServer()
            let crash = world.network.inject(.crash, .of(server))
            try await sleep(for: .seconds(1))
            #expect(!server.isUp)
            crash.heal()
            try await sleep(for: .seconds(1))
            #expect(server.isUp)
        }
    }

    @Test func `a host whose crash is healed as the last thing does not start again`() throws {
        try Simulation.explore(seeds: 0..<20) { world in
            let server = world.echoServer()
            let client = world.host("client")
            try client.spawn { try await sleep(for: .seconds(60)) }
            let crash = world.network.inject(.crash, .of(server))
            try await sleep(for: .seconds(1))
            crash.heal()
        }
    }

    @Test func `a clock that runs fast ends a sleep early, and a slow one late`() throws {
        func time(_ rate: Int) throws -> Duration {
            try Simulation(seed: 1).run { world in
                let host = world.host("host")
                world.network.inject(.clockDrift(partsPerMillion: rate), .of(host))
                try await host.run { try await sleep(for: .seconds(1_250)) }
                return world.elapsed
            }
        }

        #expect(try time(250_000) == .seconds(1_000))
        #expect(try time(-375_000) == .seconds(2_000))
    }

    @Test func `a clock is right again when the drift ends, and does not jump`() throws {
        let time = try Simulation(seed: 1).run { world in
            let host = world.host("host")
            world.network.inject(
                .clockDrift(partsPerMillion: 100_000), .of(host), for: .seconds(10))
            try await host.run { try await sleep(for: .seconds(21)) }
            return world.elapsed
        }

        // 11 s of the host's clock pass in the first 10 s.
        #expect(time == .seconds(20))
    }
}
