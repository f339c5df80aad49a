import Swiftlet
import Syscalls

/// What every hand-written loop has beside its way to wait: a listener, clients, and signals that
/// stop it.
///
/// A model is then the answer to one question: how does it find out who is ready?
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

    /// Takes the signals that have come; at the first one nobody is let in any more.
    mutating func lookForSignals() throws(IOError) {
        try stop.look()
        if stop.isDraining { listener.close() }
    }

    /// Takes a connection, as one of the clients; nil when there is none for now.
    mutating func letIn() throws(IOError) -> RawDescriptor? {
        while let client = try listener.accept() {
            guard listener.admits(client, beside: clients.count) else { continue }
            clients.add(client)
            listener.countIn(open: clients.count)
            return client
        }
        return nil
    }

    /// What was counted here; the model adds what its way to wait has cost.
    var counters: EchoCounters {
        var counters = listener.counters
        counters.add(clients.tally.counters)
        return counters
    }
}
