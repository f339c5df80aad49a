import Swiftlet
import SwiftletSimulation
import Testing

// The samples of docs/TESTING.md, word for word, where everything is as it should be; those that
// fail are in TestingGuideReportTests.swift. They use nothing but what a user of the libraries has,
// so there is no `@testable` above. `TestingGuideSeedTests` runs each with many seeds.

/// Sells numbered seats over TCP: the program that docs/TESTING.md tests.
actor BoxOffice {
    private let seats: Int
    private var sold = 0

    init(seats: Int) { self.seats = seats }

    /// Sells a seat, and returns its number; nil when all are sold.
    func sell() async throws -> Int? {
        guard sold < seats else { return nil }
        sold += 1
        let seat = sold
        try await sleep(for: .microseconds(200))  // the payment
        return seat
    }

    /// Serves one client: a line "buy" is answered by a line.
    nonisolated func serve(_ connection: Connection) async throws {
        while let line = try await connection.readLine(timeout: .seconds(30)) {
            guard line == "buy" else { return }
            let seat = try await sell()
            try await connection.write(seat.map { "seat \($0)\n" } ?? "sold out\n")
        }
    }
}

/// Buys a seat, as a client does.
func buy(at address: SocketAddress) async throws -> String? {
    try await Connection.connect(to: address, timeout: .seconds(5)) { connection in
        try await connection.write("buy\n")
        return try await connection.readLine(timeout: .seconds(5))
    }
}

@Suite struct TestingGuideTests {
    @Test func `the first who buys gets seat 1`() throws {
        try Simulation(seed: 1).run { world in
            let office = BoxOffice(seats: 100)
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:7788"))
            try spawn { try await StreamServer(listener: listener).serve(handler: office.serve) }

            let answer = try await buy(at: listener.address)
            try #require(answer == "seat 1")
        }
    }

    @Test func `whoever says nothing is sent away after 30 seconds`() throws {
        try Simulation(seed: 1).run { world in
            let office = BoxOffice(seats: 100)
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:7788"))
            try spawn { try await StreamServer(listener: listener).serve(handler: office.serve) }

            world.failsOnUnhandledErrors = false  // the handler's time runs out
            let silent = try await Connection.connect(to: listener.address)
            let line = try await silent.readLine()
            try #require(line == nil)
            try #require(world.elapsed == .seconds(30))
        }
    }

    @Test func `the last seat is sold once`() throws {
        try Simulation.explore(seeds: 0..<200) { world in
            let office = world.boxOffice(seats: 1)
            let ann = world.host("ann"), bob = world.host("bob")

            async let first = ann.run { try await buy(at: office.address(port: 7788)) }
            async let second = bob.run { try await buy(at: office.address(port: 7788)) }
            let answers = try await [first, second]
            try #require(Set(answers) == ["seat 1", "sold out"])
        }
    }
}

/// What stays in the simulation although it looks as if it did not.
@Suite struct TestingGuideStayingTests {
    @Test func `a task with the loop's preference is decided by the seed`() throws {
        var simulation = Simulation(seed: 1)
        simulation.checksDeterminism = true
        try simulation.run { world in
            let task = Task(executorPreference: EventLoop.current?.taskExecutor) {
                try await Task.sleep(for: .seconds(1))
            }
            try await task.value
            try #require(world.elapsed == .seconds(1))
        }
    }

    @Test func `chance from the world is decided by the seed`() throws {
        var simulation = Simulation(seed: 1)
        simulation.checksDeterminism = true
        try simulation.run { world in
            var random = world.random
            try await sleep(for: .seconds(Double.random(in: 1...2, using: &random)))
        }
    }
}

extension World {
    /// A machine that sells seats on port 7788, and begins anew each time that it starts.
    func boxOffice(seats: Int) -> SimulatedHost {
        host("office") {
            let office = BoxOffice(seats: seats)
            try await StreamServer.serve(on: "0.0.0.0:7788", handler: office.serve)
        }
    }
}

/// What goes wrong in the network.
@Suite struct TestingGuideNetworkTests {
    @Test func `a purchase takes two round trips and the payment`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            world.network.inject(.latency(.constant(.milliseconds(100))))

            _ = try await ann.run { try await buy(at: office.address(port: 7788)) }
            try #require(world.elapsed == .microseconds(400_200))
        }
    }

    @Test func `a slow line makes the answer late`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            world.network.inject(
                .bandwidth(bytesPerSecond: 1), .from(office, to: ann), after: .seconds(1),
                for: .seconds(60))

            try await sleep(for: .seconds(1))
            _ = try? await ann.run { try await buy(at: office.address(port: 7788)) }
            try #require(world.elapsed > .seconds(6))
        }
    }

    @Test func `who tries again after a reset has paid twice`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            world.network.inject(.latency(.constant(.milliseconds(100))))
            // The seat is sold by then, and the answer is on its way.
            world.network.reset(between: ann, and: office, after: .milliseconds(350))
            world.failsOnUnhandledErrors = false  // the office's handler is cut off as well

            let answer = try await ann.run {
                let address = office.address(port: 7788)
                do {
                    return try await buy(at: address)
                } catch let error as IOError where error.reason == .system(.connectionReset) {
                    return try await buy(at: address)
                }
            }
            try #require(answer == "seat 2")
        }
    }

    @Test func `a client behind a partition gives up, and is served when it heals`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            let partition = world.network.partition(ann, office)

            let address = office.address(port: 7788)
            let error = await #expect(throws: IOError.self) {
                try await ann.run { try await buy(at: address) }
            }
            try #require(error?.reason == .timedOut)
            try #require(world.elapsed == .seconds(5))

            partition.heal()
            let answer = try await ann.run { try await buy(at: address) }
            try #require(answer == "seat 1")
        }
    }
}

/// What goes wrong with machines, and plans of what goes wrong.
@Suite struct TestingGuideMachineTests {
    @Test func `an office that comes back sells seat 1 again`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            let address = office.address(port: 7788)
            let before = try await ann.run { try await buy(at: address) }

            office.crash()
            await #expect(throws: IOError.self) {
                try await ann.run { try await buy(at: address) }
            }

            office.restart()
            let after = try await ann.run { try await buy(at: address) }
            try #require([before, after] == ["seat 1", "seat 1"])
        }
    }

    @Test func `an office without descriptors serves who waits for one`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100)
            let ann = world.host("ann"), bob = world.host("bob")
            office.descriptorLimit = 2  // the listener, and one connection

            try ann.spawn {
                try await Connection.connect(to: office.address(port: 7788)) { _ in
                    try await sleep(for: .seconds(3))
                }
            }
            let answer = try await bob.run {
                try await sleep(for: .seconds(1))
                return try await buy(at: office.address(port: 7788))
            }
            try #require(answer == "seat 1")
        }
    }

    @Test func `a fast clock sends the silent away early`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            world.network.inject(.latency(.constant(.zero)))
            world.network.inject(.clockDrift(partsPerMillion: 250_000), .of(office))
            world.failsOnUnhandledErrors = false  // the handler's time runs out
            try await office.untilListening(port: 7788)

            _ = try await ann.run {
                try await Connection.connect(to: office.address(port: 7788)) {
                    try await $0.readLine()
                }
            }
            try #require(world.elapsed == .seconds(24))
        }
    }

    @Test func `seats are sold through a bad minute`() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            world.failsOnUnhandledErrors = false
            world.network.apply(
                FaultPlan([
                    .init(
                        .latency(.exponential(mean: .milliseconds(300))), .everywhere,
                        after: .zero, for: .seconds(60)),
                    .init(
                        .partition, .from(office, to: ann), after: .seconds(10), for: .seconds(8)),
                    .init(.reset, .of(ann), after: .seconds(30), for: .zero),
                    .init(.crash, .of(office), after: .seconds(40), for: .seconds(5)),
                ]))

            let answers = try await ann.run { try await shop(at: office.address(port: 7788)) }
            try #require(answers.count > 20)
        }
    }

    @Test func `no seat is sold twice, whatever goes wrong`() throws {
        try Simulation.explore(seeds: 0..<20) { world in
            let office = world.boxOffice(seats: 1000)
            let clients = ["ann", "bob", "eve"].map { world.host($0) }
            let plan = FaultPlan.random(
                seed: world.random.next(), count: 10, among: clients + [office],
                within: .seconds(60))
            world.network.apply(plan)
            world.failsOnUnhandledErrors = false  // handlers end with their connections

            let address = office.address(port: 7788)
            let seats = try await withThrowingTaskGroup(of: [String].self) { group in
                for client in clients {
                    group.addTask { try await client.run { try await shop(at: address) } }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try #require(Set(seats).count == seats.count)

            // The plan is over: every client is served.
            for client in clients {
                let answer = try await client.run { try await buy(at: address) }
                try #require(answer != nil)
            }
        }
    }
}

/// Buys a seat a second for a minute, whatever goes wrong, and returns what it got.
func shop(at address: SocketAddress) async throws -> [String] {
    var seats: [String] = []
    for _ in 0..<60 {
        do {
            if let seat = try await buy(at: address) { seats.append(seat) }
        } catch is IOError {
            // A fault struck: try again in a second.
        }
        try await sleep(for: .seconds(1))
    }
    return seats
}
