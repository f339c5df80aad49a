import Glibc
import Swiftlet
import Syscalls

/// The echo service one client at a time: accept, serve to the end, accept the next.
///
/// The simplest of servers, and its lesson: the second client waits, connected by the kernel and
/// not answered, for as long as the first one stays. A thread beside it takes the signals, because
/// the one that serves is waiting in a call that nothing else would end.
enum IterativeEcho: EchoService {
    static let shape = EchoModel.Shape.oneAtATime
    static let ownCall = "recv"
    static let story =
        "Accepts one client, serves it to its end, and accepts the next. Nothing is cheaper "
        + "for one message of one client: two system calls that block, and no question of "
        + "which client is ready. The second client waits until the first has left, which is "
        + "why it is measured with one connection."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        var listener = try EchoListener(options)
        let stopper = try attempt(.wait) { () throws(Errno) in
            try listener.sockets[0].setBlocking()
            return try Stopper(listener.sockets[0], signals, drain: options.drain)
        }
        let thread = try attempt(.spawn) { () throws(Errno) in
            try RunningThread.start { stopper.run() }
        }
        defer {
            stopper.retire()
            thread.join()
        }
        var tally = EchoTally()
        onReady(listener.addresses[0])
        while !stopper.isStopping {
            guard let client = try accept(from: &listener, stopper) else { continue }
            listener.countServed(open: 1)
            stopper.begin(client)
            echoToTheEnd(client, upper: options.upper, counting: &tally)
            stopper.end(client)
        }
        if let failure = stopper.failure { throw IOError(.wait, .system(failure)) }
        var counters = listener.counters
        counters.add(tally.counters)
        return counters
    }

    /// Waits for a client; nil at the end of the service.
    private static func accept(
        from listener: inout EchoListener, _ stopper: Stopper
    ) throws(IOError) -> RawDescriptor? {
        do throws(IOError) {
            guard let client = try listener.accept(from: listener.sockets[0]) else { return nil }
            return listener.setBlocking(client) ? client : nil
        } catch {
            // The stopper has ended the listener.
            if stopper.isStopping { return nil }
            throw error
        }
    }
}

/// Takes the signals in a thread of its own, and ends what the main thread waits for: the listener
/// at the first one, the client at the second one or when `--drain` has passed.
private final class Stopper: Sendable {
    private struct State {
        /// Whether a signal has come: no connection is accepted any more.
        var isStopping = false
        /// Whether no client is served any more.
        var isOver = false
        /// The client that the main thread serves.
        var client: RawDescriptor?
        /// How many clients it has begun to serve.
        var accepted = 0
        /// Why the signals could not be waited for any more; then the service ends.
        var failure: Errno?
        /// Whether the service has ended, and its descriptors are not to be touched.
        var isRetired = false
    }

    private let state = Guarded(State())
    private let listener: RawDescriptor
    private let signals: Descriptor
    private let retired: WakeSignal
    private let drain: Duration

    init(_ listener: RawDescriptor, _ signals: SignalSet, drain: Duration) throws(Errno) {
        self.listener = listener
        self.signals = try signals.makeDescriptor()
        retired = try WakeSignal()
        self.drain = drain
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    var failure: Errno? { state.withLock { $0.failure } }

    /// Names the client that is to be cut off when the time has come, or has it cut off already.
    func begin(_ client: RawDescriptor) {
        state.withLock { state in
            state.client = client
            state.accepted += 1
            if state.isOver { client.shutdownBoth() }
        }
    }

    /// Closes the client; under the lock, so that no other file with its number is cut off.
    func end(_ client: RawDescriptor) {
        state.withLock { $0.client = nil }
        client.close()
    }

    /// Ends `run`, and makes it touch nothing more.
    func retire() {
        state.withLock { $0.isRetired = true }
        retired.raise()
    }

    /// What the thread does.
    func run() {
        waitForSignal(until: .never)
        state.withLock { state in
            state.isStopping = true
            if !state.isRetired { listener.shutdownBoth() }
        }
        waitForSignal(until: Instant.now.advanced(by: drain))
        state.withLock { state in
            state.isOver = true
            state.client?.shutdownBoth()
        }
    }

    private func waitForSignal(until deadline: Instant) {
        var patience = Patience()
        while !state.withLock({ $0.isRetired }) {
            let time = Instant.now.nanoseconds(to: deadline)
            if time <= 0 { return }
            do throws(Errno) {
                try waitUntilReadable([signals.raw, retired.raw], nanoseconds: time)
                patience.renew()
                guard let signal = try SignalSet.take(from: signals.raw) else { continue }
                if signal != SIGUSR1 { return }
                let (client, accepted) = state.withLock { ($0.client, $0.accepted) }
                sayConnections(open: client == nil ? 0 : 1, accepted: accepted)
            } catch {
                // What does not pass ends the service: without signals it could not be stopped.
                guard (try? patience.outlast(error)) == nil else { continue }
                return state.withLock { $0.failure = error }
            }
        }
    }
}
