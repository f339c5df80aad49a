import Drivers
import Swiftlet
import Syscalls

/// What happened in a simulation, in order: who ran, parked and was unparked, which bytes went
/// where, and when.
///
/// The same seed gives the same trace, byte for byte. Only the last lines are kept as they are;
/// all of them go into `digest`, by which two runs are compared.
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

    private(set) var count = 0

    mutating func add(_ event: Event, on host: HostID, at time: Instant) { count += 1 }
}
