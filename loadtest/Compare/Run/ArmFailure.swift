import Generator
import Syscalls

/// What ends a trial of an arm before its time.
enum Trouble: Error, Equatable, Sendable {
    /// This machine cannot host it.
    case notHosted(String)
    /// It does not echo as it must.
    case incorrect([String])
    /// It could not be measured to the end.
    case failed(String)
    /// A signal asked for the end of everything.
    case interrupted(CInt)

    init(_ interruption: Pulse.Interrupted) { self = .interrupted(interruption.signal) }
}
