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

    @Test func `code that sends other bytes in another run is caught`() throws {
        let runs = Notes<UInt8>()

        let failure = #expect(throws: SimulationFailure.self) {
            try checked().run { world in
                let server = world.echoServer()
                try await sleep(for: .seconds(1))
                let connection = try await Connection.connect(to: server.address(port: 7))
                runs.add(0)
                _ = try await connection.echo([UInt8(runs.all.count)])
                connection.close()
            }
        }

        guard case .notDeterministic = failure?.reason else {
            Issue.record("\(failure?.description ?? "no failure")")
            return
        }
        #expect(failure?.description.contains("the bytes that were sent in them are not") == true)
    }

    private func checked() -> Simulation {
        var simulation = unforced(seed: 9)
        simulation.checksDeterminism = true
        return simulation
    }
}
