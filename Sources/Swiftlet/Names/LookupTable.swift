import Syscalls

/// Which names are being looked up and which were, and what is to be done about the next one.
///
///     known     example.org → addresses, until 12:00:10        what was found, or that it was not
///     lookups   a → { 1, 5 }   example.net → { 7 }             who asks once asks for all
///
/// A plain value: its owner guards it, has threads look up and resumes the waiters.
struct LookupTable<Waiter> {
    typealias Answer = SystemResolver.Answer

    private struct Known {
        let answer: Answer
        let end: Instant
    }

    private struct Lookup {
        var waiters: [UInt64: Waiter] = [:]
        /// What the pool knows it by.
        var ticket: ThreadPool.Ticket?
    }

    private let limits: SystemResolver.Limits
    private var known: [String: Known] = [:]
    private var lookups: [String: Lookup] = [:]
    /// The number of the waiter that was entered last.
    private(set) var lastWaiter: UInt64 = 0

    init(limits: SystemResolver.Limits) { self.limits = limits }

    /// What is to be done about a name.
    enum Step {
        /// It is known already.
        case answer(Answer)
        /// The waiter is entered, and the name is being looked up.
        case wait
        /// The waiter is entered, and the lookup is to begin.
        case begin
    }

    /// Asks for a name.
    mutating func ask(_ host: String, at now: Instant, _ waiter: Waiter) -> Step {
        if let known = known[host], known.end > now { return .answer(known.answer) }
        known[host] = nil
        let isNew = lookups[host] == nil
        if isNew, lookups.count >= limits.lookups { return .answer(.failure(.tooMany)) }
        lastWaiter += 1
        lookups[host, default: Lookup()].waiters[lastWaiter] = waiter
        return isNew ? .begin : .wait
    }

    /// Notes what a lookup is known by that was asked for.
    mutating func begin(_ host: String, _ ticket: ThreadPool.Ticket) {
        lookups[host]?.ticket = ticket
    }

    /// Takes a waiter out that has had enough; nil when it was answered before.
    mutating func leave(_ host: String, _ number: UInt64) -> Waiter? {
        lookups[host]?.waiters.removeValue(forKey: number)
    }

    /// What a lookup is known by for which nobody waits; nil for any other.
    func unwanted(_ host: String) -> ThreadPool.Ticket? {
        lookups[host]?.waiters.isEmpty == true ? lookups[host]?.ticket : nil
    }

    /// Forgets a lookup that will not be made, and those that wait for it.
    mutating func drop(_ host: String) { lookups[host] = nil }

    /// Keeps the answer of a lookup, and gives those that wait for it.
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
        return lookups.removeValue(forKey: host).map { Array($0.waiters.values) } ?? []
    }

    /// Sees to it that one more name can be kept.
    private mutating func makeRoom(at now: Instant) {
        if known.count < limits.names { return }
        known = known.filter { $0.value.end > now }
        if known.count >= limits.names { known = [:] }
    }
}
