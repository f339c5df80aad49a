import Syscalls

/// Waits, and notices when somebody asks for the end.
///
/// The signals are blocked, so that they wait to be taken here; whoever waits in another way is not
/// to wait long.
package struct Pulse: Sendable {
    private let signals: SignalSet

    /// A signal asked for the end.
    package struct Interrupted: Error, Equatable, Sendable {
        package let signal: CInt
    }

    /// Takes signals that are blocked already.
    package init(_ signals: SignalSet) { self.signals = signals }

    /// Waits so long; throws at once when a signal comes, or has come before.
    func wait(_ duration: Duration) throws(Interrupted) {
        if let signal = signals.wait(nanoseconds: max(0, duration.wholeNanoseconds)) {
            throw Interrupted(signal: signal)
        }
    }

    /// Throws when a signal has come.
    func check() throws(Interrupted) { try wait(.zero) }
}
