import Swiftlet
import SwiftletSimulation
import Testing

/// Faults of the way between hosts, as programs meet them.
@Suite struct NetworkFaultTests {
    @Test func `a latency is what a round trip takes twice`() throws {
        let time = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.inject(.latency(.constant(.milliseconds(10))))
            return try await client.run {
                try await Connection.connect(to: server.address(port: 7)) { connection in
                    let start = world.now
                    _ = try await connection.echo([1])
                    return start.duration(to: world.now)
                }
            }
        }

        #expect(time == .milliseconds(20))
    }

    @Test func `a one-way partition holds one way and lets the other through`() throws {
        let times = try Simulation(seed: 1).run { world in
            let server = world.host("server"), client = world.host("client")
            let heard = try server.spawn {
                let listener = try await Listener.bind(to: server.address(port: 7))
                let connection = try await listener.accept()
                try await sleep(for: .seconds(2))
                try await connection.write("from the server")
                _ = try await connection.read(exactly: 15)
                return world.elapsed
            }
            return try await client.run {
                let connection = try await Connection.connect(to: server.address(port: 7))
                try await sleep(for: .seconds(1))
                world.network.partition(from: client, to: server, for: .seconds(10))
                try await connection.write("from the client")
                _ = try await connection.read(exactly: 15)
                return (world.elapsed, try await heard.value)
            }
        }

        #expect((.seconds(2) ... .milliseconds(2010)).contains(times.0))
        #expect((.seconds(11) ... .milliseconds(11_010)).contains(times.1))
    }

    @Test func `after a partition every byte arrives, in order`() throws {
        let sent = pattern(100_000)
        let read = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            return try await client.run {
                try await Connection.connect(to: server.address(port: 7)) { connection in
                    for start in 0..<10 {
                        world.network.inject(
                            .partition, start.isMultiple(of: 2) ? .from(client) : .to(client),
                            after: .milliseconds(2 * start), for: .seconds(1 + start))
                    }
                    return try await connection.echo(sent)
                }
            }
        }

        #expect(read == sent)
    }

    @Test func `bytes take as long as the bandwidth says`() throws {
        let time = try Simulation(seed: 1).run { world in
            let server = world.host("server"), client = world.host("client")
            world.network.inject(.latency(.constant(.zero)))
            world.network.inject(.bandwidth(bytesPerSecond: 1000), .from(client, to: server))
            let done = try server.spawn {
                let listener = try await Listener.bind(to: server.address(port: 7))
                _ = try await listener.accept().read(exactly: 10_000)
                return world.now
            }
            return try await client.run {
                try await sleep(for: .seconds(1))
                let connection = try await Connection.connect(to: server.address(port: 7))
                let start = world.now
                try await connection.write(pattern(10_000))
                return start.duration(to: try await done.value)
            }
        }

        #expect(time == .seconds(10))
    }

    @Test func `split segments make reads short and lose nothing`() throws {
        let sizes = try Simulation(seed: 1).run { world in
            let server = world.host("server"), client = world.host("client")
            world.network.inject(
                .splitSegments(ofAtMost: 7), .between(client, and: server))
            world.network.inject(.delayedSegments(by: .constant(.seconds(1)), probability: 1))
            try server.spawn {
                let listener = try await Listener.bind(to: server.address(port: 7))
                let connection = try await listener.accept()
                try await connection.write(pattern(200))
                try await connection.closeWrite()
                _ = try await connection.read()
            }
            return try await client.run {
                try await sleep(for: .milliseconds(1))
                let connection = try await Connection.connect(to: server.address(port: 7))
                var (bytes, sizes): ([UInt8], [Int]) = ([], [])
                while let some = try await connection.read() {
                    sizes.append(some.count)
                    bytes += [UInt8](some)
                }
                #expect(bytes == pattern(200))
                return sizes
            }
        }

        #expect(sizes.count > 10)
    }

    @Test func `connections are reset at their instants`() throws {
        let times = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.failsOnUnhandledErrors = false
            world.network.reset(between: client, and: server, after: .seconds(5), times: 3)
            return try await client.run {
                var times: [Duration] = []
                while times.count < 3 {
                    let connection = try await Connection.connect(to: server.address(port: 7))
                    let error = await #expect(throws: IOError.self) {
                        _ = try await connection.read()
                    }
                    #expect(error?.reason == .system(.connectionReset))
                    times.append(world.elapsed)
                }
                return times
            }
        }

        #expect(times == [.seconds(5), .seconds(10), .seconds(15)])
    }

    @Test func `resets at random come in their time`() throws {
        let times = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.failsOnUnhandledErrors = false
            world.network.reset(between: client, and: server, times: 5, within: .seconds(60))
            return try await client.run {
                var times: [Duration] = []
                while times.count < 5 {
                    let connection = try await Connection.connect(to: server.address(port: 7))
                    await #expect(throws: IOError.self) { _ = try await connection.read() }
                    times.append(world.elapsed)
                }
                return times
            }
        }

        #expect(times == times.sorted() && Set(times).count == 5)
        #expect(times.allSatisfy { (.zero ... .seconds(60)).contains($0) })
    }

    @Test func `a connect is refused while the fault lasts`() throws {
        try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            try await client.run {
                await world.network.inject(.refusedConnects, .to(server)) {
                    let error = await #expect(throws: IOError.self) {
                        try await Connection.connect(to: server.address(port: 7))
                    }
                    #expect(error?.reason == .system(.connectionRefused))
                }
                let connection = try await Connection.connect(to: server.address(port: 7))
                #expect(try await connection.echo([7]) == [7])
            }
        }
    }

    @Test func `a full backlog lets a connect ask again until there is room`() throws {
        let time = try Simulation(seed: 1).run { world in
            let server = world.echoServer(), client = world.host("client")
            world.network.inject(.fullBacklog, .to(server), for: .seconds(5))
            return try await client.run {
                _ = try await Connection.connect(to: server.address(port: 7))
                return world.elapsed
            }
        }

        // Requests leave after 0, 1, 3 and 7 s.
        #expect((.seconds(7) ... .milliseconds(7010)).contains(time))
    }
}
