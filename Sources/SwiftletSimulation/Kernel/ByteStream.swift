import Syscalls

/// One direction of a connection: everything between the sender's call and the reader's.
///
///     bytes   [ arrived | under way | unsent ]      one queue; only the marks between move
///     wire    [ bytes 1448 | bytes 900 | finish ]   segments in order; only the first has an event
///
/// A byte is copied in once and copied out once. What was sent and of which the sender does not
/// know that it was read is the window that it has used up.
struct ByteStream {
    var bytes = ByteQueue()
    /// Bytes that the reader may take.
    var arrived = 0
    /// Bytes in segments that are under way.
    var underWay = 0
    /// Bytes sent of which the sender does not know that they were read.
    var unconfirmed = 0
    /// Bytes that were read and of which the reader has not told the sender.
    var unacknowledged = 0

    /// What is under way, in order.
    var wire = FIFO<Sent>()
    /// The event at which the first segment arrives; nil when there is none or it is held.
    var arrival: EventToken?
    /// The event at which the sender gives up, while something that it repeats is held.
    var givingUp: EventToken?

    /// Bytes that the sender's host has not sent yet.
    var unsent: Int { bytes.count - arrived - underWay }

    /// Whether something is under way that the sender sends again until it arrives.
    var repeatsSomething: Bool {
        (0..<wire.count).contains { wire[$0].segment.isRepeated }
    }

    /// Gives up what is under way or not sent yet.
    mutating func silence() {
        wire.removeAll()
        underWay = 0
        bytes.truncate(to: arrived)
    }

    /// Gives up what nobody will send again: what is held, and all behind it.
    mutating func dropHeld() {
        guard let first = (0..<wire.count).first(where: { wire[$0].arrival == nil }) else { return }
        while wire.count > first, let sent = wire.popLast() { underWay -= sent.segment.count }
    }

    /// Gives up what was not sent yet.
    mutating func dropUnsent() { bytes.truncate(to: arrived + underWay) }
}
