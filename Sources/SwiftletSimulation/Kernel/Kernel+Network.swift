import Syscalls

// What the rules of the network do to the connections that exist.
extension Kernel {
    /// Resets every connection between two hosts, at both ends and at once; says how many.
    ///
    /// They may be the same one. An attempt to connect is refused.
    mutating func resetConnections(between one: HostID, and other: HostID) -> Int {
        var count = 0
        for index in stride(from: 0, to: ends.count, by: 2) {
            let end = EndID(index: index)
            let pair = (self[end].host, self[end.peer].host)
            guard pair == (one, other) || pair == (other, one),
                self[end].isAlive || self[end.peer].isAlive
            else { continue }
            count += 1
            take(.reset, at: end)
            take(.reset, at: end.peer)
        }
        return count
    }

    /// Asks `faults.arrival` again for every segment that is held, because a rule has changed.
    mutating func resendHeld() {
        for index in ends.indices { resend(from: EndID(index: index)) }
    }

    /// Plans a fault for an instant; one that has passed is now.
    mutating func schedule(_ fault: PlannedFault, at instant: Instant) {
        _ = events.insert(.fault(fault), at: instant)
    }
}
