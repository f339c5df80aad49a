import Swiftlet
import Syscalls

/// When a hand-written model has to end: never, until a signal comes.
///
///     serving ── a signal ──► draining ── another one, or --drain has passed, ──► over
///                                         or the last connection has ended
struct EchoStop: ~Copyable {
    private let signals: Descriptor
    private let drain: Duration
    private var deadline: Instant?

    /// Listens for the signals, which are blocked (signalfd(2)).
    init(_ signals: SignalSet, drain: Duration) throws(IOError) {
        self.signals = try attempt(.wait) { () throws(Errno) in try signals.makeDescriptor() }
        self.drain = drain
    }

    /// Readable when a signal has come, which `look` takes.
    var raw: RawDescriptor { signals.raw }

    /// Whether a signal has come: nobody is let in any more.
    var isDraining: Bool { deadline != nil }

    /// How long a wait may take, in nanoseconds; nil for ever.
    var patience: Int64? { deadline.map { max(0, Instant.now.nanoseconds(to: $0)) } }

    /// Takes the signals that have come.
    mutating func look() throws(IOError) {
        while try attempt(.wait, { () throws(Errno) in try SignalSet.take(from: raw) }) != nil {
            deadline = deadline == nil ? Instant.now.advanced(by: drain) : .now
        }
    }

    /// Whether the service ends now, with so many connections open.
    func isOver(open: Int) -> Bool {
        guard let deadline else { return false }
        return open == 0 || Instant.now >= deadline
    }
}
