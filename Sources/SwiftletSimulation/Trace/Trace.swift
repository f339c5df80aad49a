import Drivers
import Swiftlet
import Syscalls

/// What happened in a simulation, in order: who ran, parked and was unparked, which bytes went
/// where, and when.
///
/// The same seed gives the same trace, byte for byte. Only the last events are kept, as values that
/// become text when somebody asks; all of them go into `digest`, by which two runs are compared.
///
///     kept     [ event | event | … ]     a ring; the next one goes to `count % limit`
///     tasks    process's number → 1, 2, 3 … in the order of their first step
struct Trace {
    /// One thing that happened.
    struct Line {
        let time: Instant
        let host: HostID
        let event: Event
    }

    enum Event {
        /// What the loop of the host did.
        case loop(LoopStep)
        case network(NetworkStep)
        case fault(FaultStep)
        case host(HostStep)
    }

    /// How many events there were.
    private(set) var count = 0
    private(set) var digest = TraceDigest()
    private(set) var tasks = TaskNumbers()
    /// Events that are kept; all of them when it is `Int.max`.
    private let limit: Int
    private var ring: [Line] = []

    init(keeping limit: Int = 64) { self.limit = limit }

    mutating func add(_ event: Event, on host: HostID, at time: Instant) {
        mix(event, host, time)
        let line = Line(time: time, host: host, event: event)
        if ring.count < limit { ring.append(line) } else if limit > 0 { ring[count % limit] = line }
        count += 1
    }

    /// Adds bytes that a program sent to the fingerprint; the events tell only how many.
    mutating func mix(_ bytes: UnsafeRawBufferPointer) { digest.add(bytes) }

    /// The events that are kept, the eldest first.
    var lines: [Line] {
        guard count > limit, limit > 0 else { return ring }
        let start = count % limit
        return Array(ring[start...] + ring[..<start])
    }

    private mutating func mix(_ event: Event, _ host: HostID, _ time: Instant) {
        digest.add(time.nanoseconds)
        digest.add(host.index)
        switch event {
        case .loop(let step): step.mix(into: &digest, numbering: &tasks)
        case .network(let step):
            digest.add(10)
            step.mix(into: &digest)
        case .fault(let step):
            digest.add(11)
            step.mix(into: &digest)
        case .host(let step):
            digest.add(12)
            step.mix(into: &digest)
        }
    }
}
