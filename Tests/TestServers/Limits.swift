// Limits of time in tests. No test may fail because a machine is slow.

extension Duration {
    /// A limit that only a fault uses up: a machine that is fifty times slower than usual does not.
    package static let ample = Duration.seconds(600)
}

/// Makes an attempt with a limit of time, and again with longer ones, until the machine was quick
/// enough for it; returns the last attempt.
///
/// For a test in which a limit has to run out, but something else has to come before that. What a
/// slow machine fails with one limit it passes with a later one; a fault fails with all of them.
package func withGrowingLimit<Outcome>(
    from first: Duration,
    _ attempt: (_ limit: Duration) throws -> Outcome,
    until isEnough: (Outcome) throws -> Bool
) rethrows -> Outcome {
    var limit = first
    while true {
        let outcome = try attempt(limit)
        if try isEnough(outcome) || limit > .seconds(60) { return outcome }
        limit *= 4
    }
}
