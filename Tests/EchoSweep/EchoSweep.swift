import Swiftlet
import SwiftletSimulation

/// An echo service, its clients, and what must hold whatever goes wrong.
///
/// * What comes back to a client is what it sent, byte for byte and in order, and all of it, or the
///   connection ended with an error on one side or the other.
/// * No task is cancelled and no client fails without a reason; where nothing goes wrong, none
///   fails at all.
/// * When all that went wrong is over, every host is served at once, and soon no other connection
///   is open.
/// * Nothing is left: no descriptor, no task, no deadline.
package enum EchoSweep {
    /// Runs the world of a seed, and says what happened in it.
    ///
    /// - Parameters:
    ///   - seed: what decides everything.
    ///   - lines: how many of the last events a failure tells.
    ///   - test: the test that repeats a failure.
    ///   - tell: is given the events that were kept when all has held.
    /// - Returns: what happened, counted.
    /// - Throws: `SimulationFailure`.
    package static func run(
        seed: UInt64, keeping lines: Int = 64, test: StaticString = #function,
        tell: (@Sendable (String) -> Void)? = nil
    ) throws(SimulationFailure) -> Coverage {
        var simulation = Simulation(seed: seed)
        simulation.traceTail = lines
        simulation.timeLimit = .seconds(6 * 3600)
        return try simulation.run(test: test) { world in
            // Its handlers end with the connections that break; the ledger has every one.
            world.failsOnUnhandledErrors = false
            let run = try EchoRun(in: world)
            try await run.play()
            tell?(world.trace)
            var coverage = run.ledger.coverage
            coverage.digest = world.traceDigest
            return coverage
        }
    }
}
