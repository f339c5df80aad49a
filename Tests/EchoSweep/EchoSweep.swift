import Swiftlet
import SwiftletSimulation

/// An echo service, its clients, and whatever a seed lets go wrong: what must hold all the same.
///
/// * What comes back to a client is what it sent, byte for byte and in order, and all of it, or the
///   connection ended with an error on one side or the other.
/// * Nobody is cancelled or fails without a reason; where nothing goes wrong nobody fails at all.
/// * When all that went wrong is over, every host is served at once, and soon nobody else is.
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
            let run = try EchoRun(in: world)
            try await run.play()
            tell?(world.trace)
            var coverage = run.ledger.coverage
            coverage.digest = world.traceDigest
            return coverage
        }
    }
}
