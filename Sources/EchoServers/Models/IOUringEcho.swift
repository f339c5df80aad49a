import Glibc
import Swiftlet
import Syscalls

/// The echo service as a loop over io_uring(7), by completions.
///
///     accept each ──► receive each ──► shared buffer ──► send ──► buffer back to the kernel
///
/// Nobody asks who is ready: the kernel receives and sends, and says what it has done. One request
/// takes every connection, one a client takes everything that it sends, into buffers that all
/// share; and one system call a turn hands over all the sends and waits for what comes.
///
/// The price: a request under way owns its memory and its socket. Both stay until it has completed,
/// so that to end something is to ask first and to close later.
struct IOUringEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var loop = try IOUringLoop(options, signals)
        onReady(loop.listener.address)
        do {
            while !loop.isOver { try loop.turn() }
        } catch {
            try loop.end()
            throw error
        }
        try loop.end()
        return loop.counters
    }
}

private struct IOUringLoop: ~Copyable {
    private var stop: EchoStop
    private(set) var listener: EchoListener
    private var calls: IOUringCalls
    private var clients: IOUringClients

    init(_ options: EchoOptions, _ signals: SignalSet) throws(IOError) {
        let stop = try EchoStop(signals, drain: options.drain)
        let listener = try EchoListener(options)
        var calls = try IOUringCalls()
        let tag = IOUringCalls.Operation.stop.tag(stop.raw)
        try calls.add(.poll(stop.raw, events: UInt32(POLLIN), isLasting: true, tag: tag))
        try calls.acceptEach(listener.raw)
        self.stop = stop
        self.listener = listener
        self.calls = calls
        clients = IOUringClients(options)
    }

    /// Whether the service ends now.
    var isOver: Bool { stop.isOver(open: clients.count) }

    var counters: EchoCounters {
        var counters = listener.counters
        counters.add(clients.counters)
        counters.count("io_uring_enter", calls.enters)
        return counters
    }

    /// Hands over what is to be done, waits until something is done, and sees to what is next.
    mutating func turn() throws(IOError) {
        try calls.wait(stop.patience)
        while let outcome = calls.take() {
            let (completion, descriptor) = (outcome.completion, outcome.descriptor)
            switch outcome.operation {
            case .stop: try lookForSignals()
            case .accept: try accepted(completion)
            case .receive: try clients.received(completion, from: descriptor, &calls)
            case .send: try clients.sent(completion, to: descriptor, &calls)
            case .end: break
            }
        }
    }

    private mutating func lookForSignals() throws(IOError) {
        try stop.look()
        if stop.isDraining { try calls.end(IOUringCalls.Operation.accept.tag(listener.raw)) }
    }

    /// Lets a client in; and when the kernel takes no more, says whether it should.
    private mutating func accepted(_ completion: IOUring.Completion) throws(IOError) {
        if let error = completion.error {
            if error != .cancelled { _ = try listener.mayGoOn(after: error) }
        } else {
            let client = RawDescriptor(completion.result)
            if listener.admits(client, beside: clients.count) {
                // An option that a connection will not take does not make it a worse connection.
                try? client.setOption(.noDelay, to: 1)
                try clients.add(client, &calls)
                listener.countIn(open: clients.count)
            }
        }
        if completion.hasMore { return }
        if stop.isDraining { listener.close() } else { try calls.acceptEach(listener.raw) }
    }

    /// Ends every request and awaits that, so that what they used may go.
    mutating func end() throws(IOError) {
        try calls.endAll()
        while calls.underWay > 0 {
            try calls.wait(nil)
            while let outcome = calls.take() {
                // A client that came in the last moment.
                if outcome.operation == .accept, outcome.completion.error == nil {
                    RawDescriptor(outcome.completion.result).close()
                }
            }
        }
    }
}
