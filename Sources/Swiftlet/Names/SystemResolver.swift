import Syscalls

/// Finds hosts as every program of the machine does: getaddrinfo(3), which reads /etc/hosts and
/// asks name servers.
///
/// That call waits, so it is made on threads of a pool of the resolver's own, off the loop. A task
/// that is cancelled leaves at once, and the thread goes on to the end of its call. What was found
/// is kept for a short time, and so is that there was nothing: the system library does not say how
/// long an answer holds.
public final class SystemResolver: Resolver {
    /// How much a resolver does at a time, and for how long it remembers.
    public struct Limits: Sendable {
        /// Lookups under way at a time, each in a thread, at least 1; more wait for these.
        public var threads = 4
        /// Names that are looked up or wait for it; one more fails with `.tooMany`.
        public var lookups = 1_000
        /// Names that are remembered.
        public var names = 1_000
        /// How long the addresses of a name are used again.
        public var lifetime = Duration.seconds(10)
        /// How long it is remembered that there is no host of a name.
        public var negativeLifetime = Duration.seconds(1)

        /// 4 threads, 1,000 lookups and names, 10 s and 1 s.
        public init() {}
    }

    /// The resolver of all tasks that `withResolver` gives no other one.
    public static let shared = SystemResolver()

    typealias Answer = Result<[SocketAddress], NameFailure>
    /// Is told the answer, or nil when it was cancelled.
    private typealias Waiter = CheckedContinuation<Answer?, Never>

    private let table: Guarded<LookupTable<Waiter>>
    private let pool: ThreadPool
    private let lookUp: @Sendable (String) throws(NameFailure) -> [SocketAddress]

    /// A resolver with threads and a memory of its own.
    public convenience init(limits: Limits = Limits()) {
        self.init(limits: limits) { host throws(NameFailure) in try SocketAddress.lookUp(host) }
    }

    /// A resolver that calls something else on its threads.
    init(
        limits: Limits,
        lookUp: @escaping @Sendable (String) throws(NameFailure) -> [SocketAddress]
    ) {
        table = Guarded(LookupTable(limits: limits))
        var poolLimits = ThreadPool.Limits()
        // The table refuses what is too much.
        (poolLimits.threads, poolLimits.queue) = (limits.threads, .max)
        pool = ThreadPool(name: "names", limits: poolLimits)
        self.lookUp = lookUp
    }

    /// The addresses of a host, by the system library or from memory.
    ///
    /// - Throws: `IOError` of `resolve`, with `.name` or `.cancelled`.
    public nonisolated(nonsending) func addresses(
        of host: String
    ) async throws(IOError) -> [SocketAddress] {
        let ticket = Ticket()
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { ask(host, $0, ticket) }
        } onCancel: {
            cancel(host, ticket)
        }
        switch answer {
        case .success(let addresses): return addresses
        case .failure(let failure): throw IOError(.resolve, .name(failure), name: host)
        case nil: throw IOError(.resolve, .cancelled, name: host)
        }
    }

    /// The number of a waiter, for its cancellation, which may come before it has one.
    private final class Ticket: Sendable {
        let state = Guarded((number: UInt64(0), isCancelled: false))
    }

    private func ask(_ host: String, _ waiter: Waiter, _ ticket: Ticket) {
        let step = table.withLock { table in
            let step = table.ask(host, at: .now, waiter)
            if case .answer = step { return step }
            ticket.state.withLock { $0.number = table.lastWaiter }
            guard case .begin = step else { return step }
            do throws(IOError) {
                table.begin(host, try pool.submit { self.answer(host) })
                return .wait
            } catch {
                table.drop(host)
                return .answer(.failure(.exhausted))
            }
        }
        if case .answer(let answer) = step { return waiter.resume(returning: answer) }
        if ticket.state.withLock({ $0.isCancelled }) { cancel(host, ticket) }
    }

    private func cancel(_ host: String, _ ticket: Ticket) {
        let number = ticket.state.withLock { state in
            state.isCancelled = true
            return state.number
        }
        let waiter = table.withLock { table in
            let waiter = table.leave(host, number)
            // Nothing is looked up for nobody, but for what a thread has begun.
            if let lookup = table.unwanted(host), pool.withdraw(lookup) { table.drop(host) }
            return waiter
        }
        waiter?.resume(returning: nil)
    }

    /// Looks a name up, on a thread, and answers those that wait for it.
    private func answer(_ host: String) {
        let answer = Answer { () throws(NameFailure) in try lookUp(host) }
        let waiters = table.withLock { $0.finish(host, answer, at: .now) }
        for waiter in waiters { waiter.resume(returning: answer) }
    }
}
