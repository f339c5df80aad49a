import Generator

/// What a run ends with; one number says the worst that happened.
package enum ExitCode {
    package static let success: Int32 = 0
    /// The command line is wrong: `EX_USAGE` of sysexits(3).
    package static let usage: Int32 = 64
    /// A report of an earlier run cannot be read, or does not fit the others: `EX_DATAERR`.
    package static let badInput: Int32 = 65
    /// Nobody listens, too few connections came up, or nothing was answered: `EX_UNAVAILABLE`.
    package static let unreachable: Int32 = 69
    /// The books do not balance: a mistake in loadtest.
    package static let internalError: Int32 = 70
    /// The system gives too few descriptors, ports, threads: `EX_OSERR`.
    package static let systemLimit: Int32 = 71
    /// The report could not be written: `EX_CANTCREAT`.
    package static let cannotWrite: Int32 = 73
    /// The echo was not what had been sent.
    package static let wrongBytes: Int32 = 97
    /// The measurement says of itself that it is invalid, and `--strict` was given.
    package static let invalid: Int32 = 98
    /// A threshold given by `--fail-if` was crossed, or could not be judged; or a search found no
    /// rate at which its condition holds.
    package static let threshold: Int32 = 99

    /// The code of a run that has ended.
    ///
    /// A mistake of our own comes first, then wrong bytes, a target that is not there, a verdict of
    /// INVALID where `--strict` hands it in as `strictly`, and a threshold. A search that found
    /// nothing is a threshold that nothing keeps. An interrupted run stays interrupted, 130 or 143:
    /// it is not the run that the gates were meant for.
    package static func of(
        _ measurement: Measurement,
        thresholds: [ThresholdResult],
        strictly verdict: Verdict.Level = .valid,
        search: RunRecord.Search? = nil
    ) -> Int32 {
        guard measurement.ledger.isBalanced, measurement.connects.isBalanced else {
            return internalError
        }
        if measurement.sawWrongBytes { return wrongBytes }
        switch measurement.ending {
        case .connectFailed:
            return measurement.metSystemLimit ? systemLimit : unreachable
        case .allConnectionsLost: return unreachable
        case .generatorFailed: return systemLimit
        case .interrupted(let signal): return 128 + signal
        case .completed: break
        }
        if measurement.ranOutOfMemory { return systemLimit }
        // What was asked for was another load than the one that was measured.
        if measurement.connects.lostEarly > 0 { return unreachable }
        if !measurement.wasAnswered { return unreachable }
        if let search, search.rate == nil { return threshold }
        if verdict == .invalid { return invalid }
        return thresholds.contains(where: \.isFailure) ? threshold : success
    }
}

extension Measurement {
    /// Whether requests found no place because there was no memory for it.
    fileprivate var ranOutOfMemory: Bool {
        totals.errors.contains { $0.phase == .socket && $0.errno == "ENOMEM" }
    }

    /// Whether connections failed because this machine has no more of something.
    fileprivate var metSystemLimit: Bool {
        let limits = ["EMFILE", "ENFILE", "EADDRNOTAVAIL", "EADDRINUSE", "ENOBUFS", "ENOMEM"]
        return totals.errors.contains {
            ($0.phase == .socket || $0.phase == .connect) && limits.contains($0.errno)
        }
    }
}
