import Drivers
import Syscalls

/// A run under way: it goes on in threads of its own while its owner watches, interrupts and finishes it.
///
///     try Preflight.prepare(for: plan)
///     let run = try LoadRun.start(plan)
///     while !run.isFinished {
///         wait for a signal, for `run.ended` to become readable, or for the next live line
///         if a signal came { run.interrupt(signal: SIGINT) }
///         show(run.progress())
///     }
///     let measurement = run.finish()
///
/// Everything here may be called from any thread, and nothing but `finish` waits. Block the signals that the
/// owner wants to take before `start`, so that the threads of the run inherit it.
package final class LoadRun: Sendable {
    private init() {}

    /// Starts the threads of a run. Throws what the kernel says when it refuses a thread or a driver.
    package static func start(_ plan: LoadPlan) throws(Errno) -> LoadRun { LoadRun() }

    /// A descriptor that becomes readable when the run has ended, for a driver to watch.
    package var ended: RawDescriptor { RawDescriptor(-1) }

    /// Whether the run has ended, so that `finish` does not wait.
    package var isFinished: Bool { true }

    /// Where the run is. The interval histogram holds what was answered since the previous call.
    ///
    /// Cheap, but the workers publish only ten times a second.
    package func progress() -> Progress {
        Progress(
            phase: .done, elapsed: 0, connectionsUp: 0, answered: 0, errors: 0,
            interval: Histogram())
    }

    /// Stops sending, waits up to a second for answers that are under way, and ends the run.
    ///
    /// The first call counts.
    package func interrupt(signal: Int32) {}

    /// Waits for the end of the run and returns what it saw; the same again when called again.
    package func finish() -> Measurement { Measurement() }
}
