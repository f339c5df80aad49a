import Glibc
import Swiftlet
import Syscalls

/// A service that is one loop, written by hand over non-blocking sockets.
///
/// A model is the answer to one question: how does its `turn` find out which sockets are ready?
/// What else such a loop needs is an `EchoRoom`.
protocol EchoLoop: ~Copyable {
    /// Listens, and takes the signals from now on.
    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError)
    /// The addresses that it listens on.
    var addresses: [ServiceAddress] { get }
    /// Whether the service ends now.
    var isOver: Bool { get }
    /// What was counted.
    var counters: EchoCounters { get }
    /// Waits until something is ready, and serves all that is.
    mutating func turn() throws(IOError)
}

/// Serves in a loop, turn by turn, to its end.
func serve<Loop: EchoLoop & ~Copyable>(
    in _: Loop.Type, _ options: EchoOptions, stoppedBy signals: SignalSet,
    onReady: (ServiceAddress) -> Void
) throws(IOError) -> EchoCounters {
    var loop = try Loop(options, stoppedBy: signals)
    for address in loop.addresses { onReady(address) }
    while !loop.isOver { try loop.turn() }
    return loop.counters
}

/// What every hand-written loop has beside its way to wait: sockets that listen, clients, and
/// signals that stop it.
struct EchoRoom: ~Copyable {
    private(set) var stop: EchoStop
    private(set) var listener: EchoListener
    var clients: EchoClients

    /// Listens, and takes the signals from now on.
    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        let stop = try EchoStop(signals, drain: options.drain)
        let listener = try EchoListener(options)
        self.stop = stop
        self.listener = listener
        clients = EchoClients(options)
    }

    /// Whether the service ends now.
    var isOver: Bool { stop.isOver(open: clients.count) }

    /// What the loop watches from the beginning: the signals, and the sockets that listen.
    var watched: [RawDescriptor] { [stop.raw] + listener.sockets }

    /// Takes the signals that have come; the first one closes the sockets that listen.
    mutating func takeSignals() throws(IOError) {
        try stop.takeSignals { listener.report(open: clients.count) }
        if stop.isDraining { listener.close() }
    }

    /// Takes a connection from a socket that listens, as one of the clients; nil when there is none
    /// for now.
    mutating func accept(from socket: RawDescriptor) throws(IOError) -> RawDescriptor? {
        while let client = try listener.accept(from: socket) {
            guard listener.admit(client, beside: clients.count) else { continue }
            clients.add(client)
            listener.countServed(open: clients.count)
            return client
        }
        return nil
    }

    /// Breaks off with a client that the model cannot wait for.
    mutating func drop(_ client: RawDescriptor, because reason: String) {
        clients.drop(client)
        listener.notice("dropped a connection: \(reason)")
    }

    /// What was counted here; the model adds what its way to wait has cost.
    var counters: EchoCounters {
        var counters = listener.counters
        counters.add(clients.tally.counters)
        return counters
    }
}

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

    /// Readable when a signal has come, until `takeSignals`.
    var raw: RawDescriptor { signals.raw }

    /// Whether a signal has come: no connection is accepted any more.
    var isDraining: Bool { deadline != nil }

    /// How long a wait may take, in nanoseconds; nil for ever.
    var patience: Int64? { deadline.map { max(0, Instant.now.nanoseconds(to: $0)) } }

    /// Takes the signals that have come. SIGUSR1 asks what the service is doing.
    mutating func takeSignals(_ report: () -> Void) throws(IOError) {
        while let signal = try attempt(.wait, { () throws(Errno) in try SignalSet.take(from: raw) })
        {
            if signal == SIGUSR1 {
                report()
            } else {
                deadline = deadline == nil ? Instant.now.advanced(by: drain) : .now
            }
        }
    }

    /// Whether the service ends now, with so many connections open.
    func isOver(open: Int) -> Bool {
        guard let deadline else { return false }
        return open == 0 || Instant.now >= deadline
    }
}

extension Patience {
    /// Pauses after a wait that has failed and may succeed later; throws what does not pass.
    mutating func outlastWait(_ error: Errno) throws(IOError) {
        try attempt(.wait) { () throws(Errno) in try outlast(error) }
    }
}

/// Makes a system call for an operation, whose name its error gets.
func attempt<Result: ~Copyable>(
    _ operation: IOError.Operation, _ call: () throws(Errno) -> Result
) throws(IOError) -> Result {
    do throws(Errno) {
        return try call()
    } catch {
        throw IOError(operation, .system(error))
    }
}
