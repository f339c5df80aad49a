import Syscalls

// What the rules of the network do to the connections that exist.
extension Kernel {
    /// Resets every connection between two hosts, at both ends and at once; says how many.
    mutating func resetConnections(between one: HostID, and other: HostID) -> Int { 0 }

    /// Asks `faults.arrival` again for every segment that is held, because a rule has changed.
    mutating func resendHeld() {}

    /// Plans a fault for an instant; one that has passed is now.
    mutating func schedule(_ fault: PlannedFault, at instant: Instant) {
        _ = events.insert(.fault(fault), at: instant)
    }
}
