import Syscalls

/// The threads that serve, each with the client that it serves.
final class ClientThreads: Sendable {
    /// Bytes of a stack. Serving takes a few hundred; with the usual 8 MiB, 10,000 clients would
    /// take 80 GB of addresses.
    private static let stackSize = 65_536

    private struct State {
        /// Every thread that was not joined, by its number.
        var threads: [Int: RunningThread] = [:]
        /// Whom they serve; a thread without a client has ended or is about to.
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
        state.withLock { state in
            var counters = state.tally.counters
            counters.count("pthread_create", state.starts)
            return counters
        }
    }
}
