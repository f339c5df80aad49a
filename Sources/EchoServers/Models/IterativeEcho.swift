import Swiftlet
import Syscalls

/// The echo service one client at a time: accept, serve to the end, accept the next.
///
/// The simplest of servers, and its lesson: whoever comes second waits, connected by the kernel and
/// answered by nobody, for as long as the first one stays. A thread beside it takes the signals,
/// because the one that serves is waiting in a call that nothing else would end.
struct IterativeEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var listener = try EchoListener(options)
        let doorman = try attempt(.wait) { () throws(Errno) in
            try listener.raw.setBlocking()
            return try Doorman(listener.raw, signals, drain: options.drain)
        }
        let thread = try attempt(.spawn) { () throws(Errno) in
            try RunningThread.start { doorman.watch() }
        }
        defer {
            doorman.goHome()
            thread.join()
        }
        var tally = EchoTally()
        onReady(listener.address)
        while !doorman.isClosing {
            guard let client = try accept(from: &listener, doorman) else { continue }
            listener.countIn(open: 1)
            doorman.letIn(client)
            echoToTheEnd(client, upper: options.upper, counting: &tally)
            doorman.letOut(client)
        }
        var counters = listener.counters
        counters.add(tally.counters)
        return counters
    }

    /// Waits for a client; nil at the end of the service.
    private func accept(
        from listener: inout EchoListener, _ doorman: Doorman
    ) throws(IOError) -> RawDescriptor? {
        do throws(IOError) {
            guard let client = try listener.accept() else { return nil }
            try attempt(.option) { () throws(Errno) in try client.setBlocking() }
            return client
        } catch {
            // The error that the doorman wanted.
            if doorman.isClosing { return nil }
            throw error
        }
    }
}

/// Takes the signals while the main thread waits, and ends what it waits for: the listener at the
/// first one, the client at the second one or when `--drain` has passed.
private final class Doorman: Sendable {
    private struct State {
        var isClosing = false
        /// Whether nobody is served any more.
        var isClosed = false
        /// Whom the main thread serves.
        var client: RawDescriptor?
        /// Whether the main thread needs nobody any more.
        var isHome = false
    }

    private let state = Guarded(State())
    private let listener: RawDescriptor
    private let signals: Descriptor
    private let home: WakeSignal
    private let drain: Duration

    init(_ listener: RawDescriptor, _ signals: SignalSet, drain: Duration) throws(Errno) {
        self.listener = listener
        self.signals = try signals.makeDescriptor()
        home = try WakeSignal()
        self.drain = drain
    }

    var isClosing: Bool { state.withLock { $0.isClosing } }

    /// Names the client that is to be cut off when the time has come, or has it cut off already.
    func letIn(_ client: RawDescriptor) {
        state.withLock { state in
            state.client = client
            if state.isClosed { client.shutdownBoth() }
        }
    }

    /// Closes the client; under the lock, so that no other file with its number is cut off.
    func letOut(_ client: RawDescriptor) {
        state.withLock { $0.client = nil }
        client.close()
    }

    /// Ends `watch`, and makes it touch nothing more.
    func goHome() {
        state.withLock { $0.isHome = true }
        home.raise()
    }

    /// What the thread does.
    func watch() {
        waitForSignal(until: .never)
        state.withLock { state in
            state.isClosing = true
            if !state.isHome { listener.shutdownBoth() }
        }
        waitForSignal(until: Instant.now.advanced(by: drain))
        state.withLock { state in
            state.isClosed = true
            state.client?.shutdownBoth()
        }
    }

    private func waitForSignal(until deadline: Instant) {
        while !state.withLock({ $0.isHome }) {
            let patience = Instant.now.nanoseconds(to: deadline)
            if patience <= 0 { return }
            do throws(Errno) {
                try waitUntilReadable(signals.raw, home.raw, nanoseconds: patience)
                if try SignalSet.take(from: signals.raw) != nil { return }
            } catch {
                // Without signals nobody could stop the server: better now than never.
                return
            }
        }
    }
}
