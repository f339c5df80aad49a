import Swiftlet
import SwiftletSimulation
import Testing

/// The check that a seed gives the same run twice.
@Suite struct DeterminismTests {
    @Test func `code that is the same each time passes`() throws {
        let value = try checked().run { world in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<5 { group.addTask { try await sleep(for: .seconds(1)) } }
                try await group.waitForAll()
            }
            return Int.random(in: 0...1_000_000, using: &world.random)
        }

        #expect(try checked().run { Int.random(in: 0...1_000_000, using: &$0.random) } == value)
    }

    @Test func `code that another run changes is caught at the first event that differs`() throws {
        let runs = Notes<Int>()

        let failure = #expect(throws: SimulationFailure.self) {
            try checked().run { _ in
                try await sleep(for: .seconds(1))
                runs.add(1)
                try await sleep(for: .milliseconds(runs.all.count))
            }
        }

        guard case .notDeterministic = failure?.reason else {
            Issue.record("\(failure?.description ?? "no failure")")
            return
        }
        let text = failure?.description ?? ""
        #expect(text.contains("one 1.000000000 test  task 1 'body' is parked"), "\(text)")
        #expect(text.contains("two 1.000000000 test  task 1 'body' is parked"), "\(text)")
        #expect(text.contains("SWIFTLET_SEED=9"))
    }

    private func checked() -> Simulation {
        var simulation = Simulation(seed: 9)
        simulation.checksDeterminism = true
        return simulation
    }
}
