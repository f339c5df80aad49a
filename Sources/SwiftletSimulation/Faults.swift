import Syscalls

/// What goes wrong, as rules that the kernel asks at each point where something can.
///
/// | the kernel is about to                | asks                   |
/// |---------------------------------------|------------------------|
/// | answer a call of a host's program     | `error(of:on:to:using:)` |
/// | move bytes between program and socket | `part(of:by:on:using:)`  |
/// | cut bytes into segments               | `segments(of:from:to:using:)` |
/// | put something on the wire             | `arrival(of:from:to:at:using:)` |
/// | answer a wait                         | `wakesForNothing(on:using:)` |
///
/// With no rule nothing goes wrong, and everything takes the network's usual latency.
struct Faults {
    /// The calls that can be made to fail.
    enum Call: Sendable {
        case open, bind, listen, accept, connect, receive, send
    }

    /// The error that a call must fail with; nil lets it go on.
    mutating func error(
        of call: Call, on host: HostID, to peer: HostID?, using random: inout SeededRandom
    ) -> Errno? { nil }

    /// How many of `count` bytes, at least 1, a call moves.
    mutating func part(
        of count: Int, by call: Call, on host: HostID, using random: inout SeededRandom
    ) -> Int { count }

    /// The sizes of the segments, each at least 1, in which `count` bytes travel.
    mutating func segments(
        of count: Int, from sender: HostID, to receiver: HostID, using random: inout SeededRandom
    ) -> [Int] { [count] }

    /// When a segment of so many bytes (0 for a mere signal) that is sent now arrives; nil while a
    /// partition keeps it, until `heal` sends it again.
    mutating func arrival(
        of count: Int, from sender: HostID, to receiver: HostID, at now: Instant,
        using random: inout SeededRandom
    ) -> Instant? { now }

    /// Whether a wait reports a descriptor with interest although nothing is there.
    mutating func wakesForNothing(
        on host: HostID, using random: inout SeededRandom
    ) -> Bool { false }
}

/// A fault that strikes at an instant that is known before.
enum PlannedFault {
    /// Every connection between two hosts is reset.
    case reset(HostID, HostID)
}

extension Kernel {
    /// Makes a planned fault happen.
    mutating func strike(_ fault: PlannedFault) {}
}
