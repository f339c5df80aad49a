import CLinux
import Glibc

/// A set of signals that are taken in turn instead of interrupting (signal(7)).
///
/// Once blocked, a signal waits until it is asked for: through a descriptor that a driver
/// can watch, or by waiting for it.
package struct SignalSet: Sendable {
    private var set = sigset_t()

    /// The signals that were ignored when this process started, as under nohup(1) or after
    /// `trap ''`: they stay ignored, here and in what this process starts.
    package static var ignoredAtStart: SignalSet {
        var ignored = SignalSet([])
        clinux_ignored_at_start(&ignored.set)
        return ignored
    }

    /// The signals that ask a command to end, without those that were ignored when it started.
    package static let endings = SignalSet(
        [SIGHUP, SIGINT, SIGQUIT, SIGTERM].filter { !ignoredAtStart.contains($0) })

    /// The set as system calls take it.
    package var signals: sigset_t { self.set }

    /// A set of signals by their numbers: `[SIGINT, SIGTERM]` (sigaddset(3)).
    package init(_ signals: [CInt]) {
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
    }

    /// Whether a signal belongs to the set (sigismember(3)).
    package func contains(_ signal: CInt) -> Bool {
        var set = self.set
        return sigismember(&set, signal) == 1
    }

    /// Blocks the signals in the calling thread and in every thread that it starts from now on.
    package func block() {
        var set = self.set
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Lets the signals do again in the calling thread what they would have done, also those that
    /// came meanwhile: most of them end the process.
    package func unblock() {
        var set = self.set
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Forgets the signals that came meanwhile: timeout(1) sends each twice, and a
    /// command that ends because of the first must not die of the second before it has reported.
    package func discardPending() {
        while wait(nanoseconds: 0) != nil {}
    }

    /// A descriptor that is readable while one of the signals is pending (signalfd(2)).
    package func makeDescriptor() throws(Errno) -> Descriptor {
        let set = self.set
        return try preferring { () throws(Errno) in
            var set = set
            let flags = CInt(SFD_NONBLOCK) | CInt(SFD_CLOEXEC)
            return Descriptor(adopting: RawDescriptor(try retrying { signalfd(-1, &set, flags) }))
        } or: { () throws(Errno) in
            try makePipe { writing in
                var set = set
                var record = signalfd_siginfo()
                while true {
                    let signal = sigwaitinfo(&set, nil)
                    if signal < 0 { continue }
                    record.ssi_signo = UInt32(signal)
                    // A pipe that is full of signals which nothing takes needs no further one.
                    _ = withUnsafeBytes(of: &record) { try? writing.write($0) }
                }
            }
        }
    }

    /// Takes one pending signal from a descriptor that `makeDescriptor` made; nil when there is
    /// none.
    package static func take(from descriptor: RawDescriptor) throws(Errno) -> CInt? {
        var record = signalfd_siginfo()
        do throws(Errno) {
            _ = try withUnsafeMutableBytes(of: &record) { bytes throws(Errno) in
                try descriptor.read(into: bytes)
            }
        } catch .wouldBlock {
            return nil
        }
        return CInt(record.ssi_signo)
    }

    /// Waits for one of the signals, at most that long; nil when none came (sigtimedwait(2)).
    package func wait(nanoseconds: Int64) -> CInt? {
        var set = self.set
        var timeout = timespec(nanoseconds)
        let signal = sigtimedwait(&set, nil, &timeout)
        return signal > 0 ? signal : nil
    }
}

/// Makes a write to a closed pipe an error instead of the end of the process.
package func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

/// Ends this process by a signal when the thread that started it ends (prctl(2),
/// `PR_SET_PDEATHSIG`).
///
/// - Parameters:
///   - parent: the process that should be waiting; if it has ended already, so does this one.
///   - signal: what ends it: `SIGTERM`, or `SIGKILL` where that is blocked.
package func endWithParent(_ parent: Int, by signal: CInt = SIGTERM) {
    _ = clinux_prctl(PR_SET_PDEATHSIG, UInt(signal))
    if Int(getppid()) != parent { raise(signal) }
}
