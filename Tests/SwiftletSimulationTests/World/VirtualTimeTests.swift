import Swiftlet
import SwiftletSimulation
import Testing

/// Waiting in a simulation takes no time.
@Suite struct VirtualTimeTests {
    @Test func `a day of sleep passes at once`() throws {
        let elapsed = try Simulation(seed: 1).run { world in
            try await sleep(for: .seconds(86_400))
            return world.elapsed
        }

        #expect(elapsed == .seconds(86_400))
    }

    @Test func `sleepers wake in the order of their deadlines`() throws {
        let order = try Simulation(seed: 1).run { _ in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in [3, 1, 2] {
                    group.addTask {
                        try await sleep(for: .seconds(number))
                        return number
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }

        #expect(order == [1, 2, 3])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `equal sleeps end in an order that the seed defines`(seed: UInt64) throws {
        let first = try orderOfEqualSleeps(seed)

        #expect(first.sorted() == Array(0..<8))
        #expect(try orderOfEqualSleeps(seed) == first)
    }

    @Test func `another seed gives equal sleeps another order`() throws {
        let orders = Set(try (0..<10).map { try orderOfEqualSleeps($0) })

        #expect(orders.count > 5)
    }

    @Test func `a timeout expires at its instant`() throws {
        let elapsed = try Simulation(seed: 1).run { world in
            await #expect(throws: TimeoutError.self) {
                try await withTimeout(.milliseconds(250)) { try await sleep(for: .seconds(10)) }
            }
            return world.elapsed
        }

        #expect(elapsed == .milliseconds(250))
    }

    @Test func `a simulation runs inside an asynchronous test`() async throws {
        try Simulation(seed: 1).run { _ in try await sleep(for: .seconds(1)) }
        await Task.yield()
        try Simulation(seed: 1).run { _ in try await sleep(for: .seconds(1)) }
    }

    @Test func `actors and streams wait in virtual time`() throws {
        let sum = try Simulation(seed: 1).run { world in
            let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
            try spawn {
                for number in 1...3 {
                    try await sleep(for: .seconds(1))
                    continuation.yield(number)
                }
                continuation.finish()
            }
            let adder = Adder()
            for await number in stream { await adder.add(number) }
            #expect(world.elapsed == .seconds(3))
            return await adder.sum
        }

        #expect(sum == 6)
    }

    private func orderOfEqualSleeps(_ seed: UInt64) throws -> [Int] {
        try Simulation(seed: seed).run { _ in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await sleep(for: .seconds(1))
                        return number
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
    }
}

private actor Adder {
    private(set) var sum = 0
    func add(_ number: Int) { sum += number }
}
