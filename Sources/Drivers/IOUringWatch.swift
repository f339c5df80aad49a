import CLinux
import Glibc

/// What an io_uring driver knows of one descriptor: what is wanted, and the poll request in flight.
///
///     asked ──► needs a request ──► armed once ────► completed: in doubt ──► asked again
///                     ▲                                        │ used up
///                     │                                        ▼
///                  in doubt ◄── completed ── armed lasting ◄── no doubt
///
/// A poll *once* asks what is ready now, or else waits for it, and ends. A *lasting* one completes
/// at each arrival. What completed is in doubt, because nothing will tell of it again: unless it is
/// used up, the next wait asks once more. A lasting request whose readiness is always used up is
/// never submitted anew.
///
/// A pure value: it makes no system call.
struct IOUringWatch {
    /// What its user asks for.
    private(set) var wanted = Interest.none
    /// What the request in flight watches; none when there is no request.
    private(set) var armed = Interest.none
    /// The directions in which something may be ready that no completion will tell of.
    private var doubt = Interest.none
    /// Whether the end of the stream has come, which a short read does not see.
    private var hasEnded = false
    /// Whether an urgent mark of tcp(7) may have come, at which a receive stops although more is
    /// behind it. The kernel says `POLLPRI` with every arrival, so this is a suspicion, and the
    /// driver looks again when nothing has come for a while.
    private(set) var mayHaveMark = false
    /// Whether something came since the driver last looked over those with a mark.
    private var isBusy = false
    /// Whether it is in the list of those that the next wait must look over.
    var isListed = false
    /// Which of its requests the last one is: completions of the others come late.
    private var generation: UInt32 = 0
    /// Where its last report stands in the array that the wait fills.
    var position: Int32 = 0

    /// Replaces what is wanted. A direction that is new may be ready already.
    mutating func ask(for interest: Interest) {
        doubt.insert(interest.subtracting(wanted))
        wanted = interest
        if interest.isEmpty { (doubt, hasEnded) = (.none, false) }
    }

    /// Takes it that whatever completed in these directions has been used.
    ///
    /// Reading is different at the end: what emptied the socket may have been a short read. That
    /// has not seen the end, whose news came with that of the bytes.
    mutating func useUp(_ directions: Interest) {
        doubt.remove(hasEnded ? directions.subtracting(.readable) : directions)
    }

    /// Asks once more what is ready, if nothing came since the last call; says whether it did.
    mutating func askAgainIfQuiet() -> Bool {
        if isBusy {
            isBusy = false
            return false
        }
        mayHaveMark = false
        doubt.insert(wanted.intersection(.readable))
        return true
    }

    /// Whether the request in flight, if any, is not what it should be.
    var needsRequest: Bool { !wanted.isEmpty && (armed != wanted || !doubt.isEmpty) }

    /// Notes that a request is made, and says what it polls for and whether it lasts.
    mutating func arm() -> (events: UInt32, isLasting: Bool) {
        let isLasting = doubt.isEmpty
        generation &+= 1
        armed = wanted
        // The request asks what is ready now.
        doubt = .none
        return (wanted.pollEvents, isLasting)
    }

    /// The tag of the last request, for a descriptor with this number.
    func tag(_ index: Int) -> UInt64 { UInt64(generation) << 32 | UInt64(index) }

    /// Whether a completion with this tag is that of the request in flight.
    func isAwaiting(_ tag: UInt64) -> Bool { !armed.isEmpty && UInt32(tag >> 32) == generation }

    /// Notes that the request in flight is ended.
    mutating func disarm() { armed = .none }

    /// Notes what the request in flight has found, and says in which directions there is something
    /// to report.
    mutating func complete(_ result: CInt, hasMore: Bool) -> Interest {
        if !hasMore { armed = .none }
        var found = Interest.none
        // The kernel cannot watch it, or it is broken: the next call says which.
        if result < 0 || result & CInt(POLLERR | POLLHUP | POLLNVAL) != 0 {
            found = .both
            // An error alone is over when the next call has told it, as that of a datagram.
            if result < 0 || result & CInt(POLLHUP | POLLNVAL) != 0 { hasEnded = true }
        } else {
            // With the mark alone there is nothing to read, but to try takes it away.
            if result & CInt(POLLIN | POLLPRI) != 0 { found.insert(.readable) }
            if result & CInt(POLLOUT) != 0 { found.insert(.writable) }
            if result & CInt(POLLPRI) != 0 { (mayHaveMark, isBusy) = (true, true) }
            // The kernel tells of the end of the stream unasked: to a writer, that is nothing.
            if result & CInt(CLINUX_POLLRDHUP) != 0 { hasEnded = true }
        }
        doubt.insert(found)
        return found
    }
}

extension Interest {
    fileprivate var pollEvents: UInt32 {
        var events: CInt = 0
        if contains(.readable) { events |= CInt(POLLIN | POLLPRI) | CInt(CLINUX_POLLRDHUP) }
        if contains(.writable) { events |= CInt(POLLOUT) }
        return UInt32(events)
    }
}
