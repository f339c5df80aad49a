import Syscalls

/// A fault with the scope in which it applies.
struct FaultRule: Sendable {
    /// The identity of a rule, in the order in which rules were made, from 1.
    struct ID: Hashable, Sendable {
        let number: Int
    }

    /// One direction between two hosts.
    struct Way: Hashable, Sendable {
        let sender: HostID
        let receiver: HostID
    }

    let id: ID
    let fault: Fault
    let scope: FaultScope
    /// Until when each direction is busy with what was sent before; of a bandwidth only.
    private var busy: [Way: Instant] = [:]

    init(id: ID, fault: Fault, scope: FaultScope) {
        self.id = id
        self.fault = fault
        self.scope = scope
    }

    /// The instant at which the last byte of a segment leaves, behind all that was sent before on
    /// the same way; what takes a fraction of a nanosecond takes a whole one.
    mutating func departure(of count: Int, at rate: Int, on way: Way, now: Instant) -> Instant {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1_000_000_000)
        let time = overflow ? Int.max : product / rate + (product % rate > 0 ? 1 : 0)
        let departure = max(now, busy[way] ?? now).advanced(byNanoseconds: Int64(time))
        busy[way] = departure
        return departure
    }
}
