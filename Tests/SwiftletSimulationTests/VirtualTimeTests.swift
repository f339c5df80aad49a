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

    @Test func `what is spawned runs beside the body`() throws {
        let order = try Simulation(seed: 1).run { world in
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

    @Test func `a timeout expires at its instant`() throws {
        let elapsed = try Simulation(seed: 1).run { world in
            await #expect(throws: TimeoutError.self) {
                try await withTimeout(.milliseconds(250)) { try await sleep(for: .seconds(10)) }
            }
            return world.elapsed
        }

        #expect(elapsed == .milliseconds(250))
    }

    @Test func `a body that waits for what never comes is a deadlock`() throws {
        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation(seed: 1).run { world in
                let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
                for await _ in stream {}
                continuation.finish()
            }
        }
        print(failure?.description ?? "")
        guard case .deadlock = failure?.reason else { return #expect(Bool(false)) }
    }
}
