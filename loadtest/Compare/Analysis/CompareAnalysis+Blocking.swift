import Reports
import Statistics

// What looking blocking costs: the coroutine beside the loop that somebody wrote by hand over the
// same system call.

extension Standing {
    /// A coroutine's driver and the loop over the same system call.
    package struct Blocking: Sendable, Equatable {
        /// "poll".
        package let loop: String
        /// CPU time of the coroutine for a message, over that of the loop.
        package let ratio: PairedRatio
    }

    /// A ratio for each driver of the coroutine whose loop was measured too, at a point.
    package func blocking(at point: Int) -> [Blocking] {
        measured.compactMap { arm in
            guard case .bundled("coroutine", let driver) = record.arms[arm].kind,
                !record.arms[arm].isControl, let loop = self.loop(driver),
                let cost = figure(.cpu, of: arm, at: point),
                let raw = figure(.cpu, of: loop, at: point), let ratio = cost.ratio(to: raw)
            else { return nil }
            return Blocking(loop: record.arms[loop].name, ratio: ratio)
        }
    }

    /// The hand-written loop over a driver's system call.
    private func loop(_ driver: String) -> Int? {
        measured.first { arm in
            guard case .bundled(driver, _) = record.arms[arm].kind else { return false }
            return !record.arms[arm].isControl
        }
    }
}
