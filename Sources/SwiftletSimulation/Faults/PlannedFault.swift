import Syscalls

/// Something about a fault that happens at an instant that is known before.
enum PlannedFault {
    /// A rule comes into force.
    case begins(FaultRule.ID)
    /// A rule is in force no longer.
    case ends(FaultRule.ID)
}

/// A machine that loses its power or gets it back, which ends its loop or starts another.
struct PowerChange: Sendable {
    let host: HostID
    let isOn: Bool
}
