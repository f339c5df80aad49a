import Syscalls

/// What ends the measurement of an arm before its time.
enum ArmFailure: Error, Equatable, Sendable {
    /// This machine cannot host it.
    case notHosted(String)
    /// It does not echo as it must.
    case incorrect([String])
    /// It could not be measured to the end.
    case failed(String)
    /// A signal asked for the end of everything.
    case interrupted(CInt)
}

/// A signal that ends the whole comparison.
struct Interrupted: Error {
    let signal: CInt
}

/// The signals that end a comparison: blocked before, so that they wait to be taken here, and
/// looked for wherever the comparison waits.
package struct Interrupts: Sendable {
    private let signals: SignalSet

    /// Takes signals that are blocked already.
    package init(_ signals: SignalSet) { self.signals = signals }

    /// Waits so long; throws `interrupted` at once when a signal comes, or has come before.
    func wait(_ duration: Duration) throws(ArmFailure) {
        if let signal = signals.wait(nanoseconds: max(0, duration.wholeNanoseconds)) {
            throw .interrupted(signal)
        }
    }

    /// The signal that has come, which is taken by this; nil when none has.
    func take() -> CInt? { signals.wait(nanoseconds: 0) }

    /// Throws `interrupted` when a signal has come.
    func check() throws(ArmFailure) { try wait(.zero) }
}
