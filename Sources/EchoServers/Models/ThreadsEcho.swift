import Swiftlet
import Syscalls

/// The echo service with a thread for each client: one accepts, the others wait in recv(2).
///
/// Each client's code is as simple as if there were no other. The price is a stack for each, and a
/// switch of threads for each message. The main thread starts threads, and joins them when they say
/// that they have ended.
enum ThreadsEcho: EchoService {
    static let shape = EchoModel.Shape.taskEach
    static let ownCall = "pthread_create"
    static let story =
        "A thread for each connection, in one address space. A switch costs less than between "
        + "processes, and memory is a stack and what the kernel keeps for a thread. When all "
        + "clients talk, nearly each message wakes another thread; silent connections cost "
        + "memory and no CPU."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        var stop = try EchoStop(signals, drain: options.drain)
        var listener = try EchoListener(options)
        let threads = try attempt(.wait) { () throws(Errno) in try ClientThreads() }
        defer { threads.end() }
        var (waits, patience) = (0, Patience())
        for address in listener.addresses { onReady(address) }
        while !stop.isOver(open: threads.count) {
            waits += 1
            do throws(Errno) {
                try waitUntilReadable(
                    listener.watched + [stop.raw, threads.ended.raw],
                    nanoseconds: stop.patience)
                patience.renew()
            } catch {
                try patience.outlastWait(error)
            }
            try stop.takeSignals { listener.report(open: threads.count) }
            if stop.isDraining { listener.close() }
            threads.joinEnded()
            for socket in listener.sockets {
                try startThreads(threads, for: &listener, at: socket, upper: options.upper)
            }
        }
        threads.end()
        var counters = listener.counters
        counters.add(threads.counters)
        return counters.counting("ppoll", waits)
    }

    private static func startThreads(
        _ threads: ClientThreads, for listener: inout EchoListener, at socket: RawDescriptor,
        upper: Bool
    ) throws(IOError) {
        while let client = try listener.accept(from: socket) {
            let others = threads.count
            guard listener.admit(client, beside: others) else { continue }
            guard listener.setBlocking(client) else { continue }
            do throws(Errno) {
                try threads.start(for: client, upper: upper)
                listener.countServed(open: others + 1)
            } catch {
                listener.refuse(client, because: "pthread_create: \(error); see 'ulimit -u'")
            }
        }
    }
}

/// The threads that serve, each with the client that it serves.
private final class ClientThreads: Sendable {
    /// Bytes of a stack. Serving takes a few hundred; with the usual 8 MiB, 10,000 clients would
    /// take 80 GB of addresses.
    private static let stackSize = 65_536

    private struct State {
        /// Every thread that was not joined, by its number.
        var threads: [Int: RunningThread] = [:]
        /// The clients that they serve; a thread without one has ended or is about to.
        var clients: [Int: RawDescriptor] = [:]
        var ended: [Int] = []
        var starts = 0
        var tally = EchoTally()
    }

    private let state = Guarded(State())
    /// Readable when a thread has ended, until `joinEnded`.
    let ended: WakeSignal

    init() throws(Errno) { ended = try WakeSignal() }

    /// How many clients are being served.
    var count: Int { state.withLock { $0.clients.count } }

    /// Starts a thread that serves a client and closes it; throws when there can be no more
    /// threads.
    func start(for client: RawDescriptor, upper: Bool) throws(Errno) {
        let number = state.withLock { state in
            state.starts += 1
            state.clients[state.starts] = client
            return state.starts
        }
        do throws(Errno) {
            let thread = try RunningThread.start(stackSize: ClientThreads.stackSize) {
                var tally = EchoTally()
                echoToTheEnd(client, upper: upper, counting: &tally)
                self.end(number, client, tally)
            }
            state.withLock { $0.threads[number] = thread }
        } catch {
            state.withLock { $0.clients[number] = nil }
            throw error
        }
    }

    private func end(_ number: Int, _ client: RawDescriptor, _ tally: EchoTally) {
        state.withLock { state in
            state.clients[number] = nil
            state.ended.append(number)
            state.tally.add(tally)
            // Under the lock, so that `end` cuts off no other file with its number.
            client.close()
        }
        ended.raise()
    }

    /// Waits for the threads that are about to end.
    func joinEnded() {
        ended.clear()
        let threads = state.withLock { state in
            defer { state.ended = [] }
            return state.ended.compactMap { state.threads.removeValue(forKey: $0) }
        }
        for thread in threads { thread.join() }
    }

    /// Cuts off the clients that are left, and waits for all threads.
    func end() {
        let threads = state.withLock { state in
            for client in state.clients.values { client.shutdownBoth() }
            defer { state.threads = [:] }
            return Array(state.threads.values)
        }
        for thread in threads { thread.join() }
    }

    var counters: EchoCounters {
        state.withLock { $0.tally.counters.counting("pthread_create", $0.starts) }
    }
}
