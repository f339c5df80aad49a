import Syscalls

/// Which names are being looked up and which were, and what is to be done about the next one.
///
///     known     example.org → addresses, until 12:00:10        what was found, or that it was not
///     queue     [ a | b | … ]                                  asked, and no thread has it yet
///     waiters   a → { 1, 5 }   example.net → { 7 }             who asks once asks for all
///
/// A plain value: its owner guards it, makes threads and resumes the waiters.
struct LookupTable<Waiter> {
    typealias Answer = SystemResolver.Answer

    private struct Known {
        let answer: Answer
        let end: Instant
    }

    private let limits: SystemResolver.Limits
    private var known: [String: Known] = [:]
    private var queue: [String] = []
    private var waiters: [String: [UInt64: Waiter]] = [:]
    private var threads = 0
    private var nextWaiter: UInt64 = 0

    init(limits: SystemResolver.Limits) { self.limits = limits }

    /// What is to be done about a name.
    enum Step {
        /// It is known already.
        case answer(Answer)
        /// The waiter is entered under a number; a thread is to be started if it says so.
        case wait(UInt64, startsThread: Bool)
    }

    /// Asks for a name.
    mutating func ask(_ host: String, at now: Instant, _ waiter: Waiter) -> Step {
        if let known = known[host], known.end > now { return .answer(known.answer) }
        known[host] = nil
        let isNew = waiters[host] == nil
        if isNew, waiters.count >= limits.lookups { return .answer(.failure(.tooMany)) }
        nextWaiter += 1
        waiters[host, default: [:]][nextWaiter] = waiter
        if isNew { queue.append(host) }
        let startsThread = isNew && threads < max(1, limits.threads)
        if startsThread { threads += 1 }
        return .wait(nextWaiter, startsThread: startsThread)
    }

    /// Takes a waiter out that has had enough; nil when it was answered before. The lookup goes on
    /// if a thread has it.
    mutating func leave(_ host: String, _ number: UInt64) -> Waiter? {
        guard let waiter = waiters[host]?.removeValue(forKey: number) else { return nil }
        if waiters[host]?.isEmpty == true, queue.contains(host) {
            queue.removeAll { $0 == host }
            waiters[host] = nil
        }
        return waiter
    }

    /// The next name for a thread; nil when it has nothing more to do, and ends.
    mutating func takeNext() -> String? {
        if queue.isEmpty {
            threads -= 1
            return nil
        }
        return queue.removeFirst()
    }

    /// Keeps the answer of a thread, and gives those that wait for it.
    mutating func finish(_ host: String, _ answer: Answer, at now: Instant) -> [Waiter] {
        let lifetime =
            switch answer {
            case .success: limits.lifetime
            case .failure(.unknown): limits.negativeLifetime
            // It may be another one at once.
            case .failure: Duration.zero
            }
        if lifetime > .zero {
            makeRoom(at: now)
            known[host] = Known(answer: answer, end: now.advanced(by: lifetime))
        }
        return waiters.removeValue(forKey: host).map { Array($0.values) } ?? []
    }

    /// Notes that a thread could not be started; gives those that wait for what it would have done,
    /// if no other thread is there to do it.
    mutating func failThread() -> [Waiter] {
        threads -= 1
        if threads > 0 { return [] }
        defer { queue = [] }
        return queue.flatMap { waiters.removeValue(forKey: $0).map { Array($0.values) } ?? [] }
    }

    /// Sees to it that one more name can be kept.
    private mutating func makeRoom(at now: Instant) {
        if known.count < limits.names { return }
        known = known.filter { $0.value.end > now }
        if known.count >= limits.names { known = [:] }
    }
}
