import Drivers
import Swiftlet
import Syscalls

/// Everything that a simulated world knows but no task does: the clock, the hosts, their sockets,
/// what is under way between them, the faults, and the trace.
///
///     hosts     [ host | host | … ]     descriptors, ports, clock, limit        (KernelHost)
///     ends      [ a ⇄ b | a ⇄ b | … ]   of connections, with what is under way  (ConnectionEnd)
///     events    in order of time: a segment arrives, a fault strikes            (KernelEvent)
///     faults    what the network does to what is sent, and hosts to their calls (Faults)
///
/// A pure value: it runs no task and reads no clock of the machine. Sockets and drivers of all
/// hosts share one behind a lock (`World`); everything happens on the simulation's one thread.
struct Kernel {
    /// The world's own time; each host's clock is derived from it.
    private(set) var now = Instant(nanoseconds: 0)
    var events = DeadlineQueue<KernelEvent>()
    var hosts: [KernelHost] = []
    /// The ends of all connections, two and two, and the pairs that are free.
    var ends: [ConnectionEnd] = []
    var freePairs: [EndID] = []
    /// Connections that were ever begun.
    var connectionCount = 0
    var faults = Faults()
    /// What happens in the network and to the calls.
    var random: SeededRandom
    var trace = Trace()

    init(random: SeededRandom) { self.random = random }

    // MARK: Time

    /// When the next thing happens by itself; `.never` when nothing is under way.
    var nextEvent: Instant { events.next }

    /// Moves the clock on to an instant that is not before now.
    mutating func move(to instant: Instant) { now = max(now, instant) }

    /// Makes happen what is due next; false when nothing is due now.
    mutating func happen() -> Bool {
        guard let event = events.popDue(at: now) else { return false }
        take(event)
        return true
    }
}
