import Syscalls

/// The identity of one end of a connection: an index into the kernel's table of ends.
///
/// The two ends of a connection are neighbours: the one that connects is even, the other is odd.
struct EndID: Hashable, Sendable {
    let index: Int

    /// The other end.
    var peer: EndID { EndID(index: index ^ 1) }
}

/// One end of a connection, as its host's kernel keeps it.
///
///     absent → connecting ─────→ established → closed → absent      the end that connects
///     absent → greeted ─ queued → established → closed → absent     the end that is accepted
///
/// It outlives the socket: what was written before `close` is still sent, and an end that nobody
/// has accepted yet has no descriptor. There is no TIME_WAIT: a port is free with its end.
struct ConnectionEnd {
    enum State: Sendable {
        /// The host knows of no such connection (any more).
        case absent
        /// It has asked, and no answer has come.
        case connecting
        /// It has answered, and has not heard that the answer arrived.
        case greeted
        case established
        /// The connection was reset or has failed, and the program has not closed the socket yet.
        case closed
    }

    /// The connection's number in the order in which they were begun, from 1; for the trace.
    let number: Int
    let host: HostID
    let local: Endpoint
    let remote: Endpoint
    var state = State.absent
    var options: SocketOptions
    /// The socket by which the program has it; nil while it waits to be accepted, and after close.
    var descriptor: RawDescriptor?
    /// The listener in whose queue it waits.
    var listener: RawDescriptor?
    /// Takes what its program writes to the other end.
    var stream = ByteStream()
    /// What the next call that may fail throws.
    var error: Errno?
    /// When it asked to connect, and what repeats that.
    var started = Instant(nanoseconds: 0)
    var timer: EventToken?

    /// Set by `shutdownWriting` and `close`: nothing more is written.
    var hasEndedWriting = false
    /// The end of the stream has been put on the wire, and has arrived.
    var hasSentEnd = false
    var hasDeliveredEnd = false
    /// The end of the other's stream has arrived.
    var hasReceivedEnd = false
    /// The program has closed the socket; what is left is to be sent.
    var isOrphan = false
    /// The host has crashed since: whatever comes is answered with a reset.
    var isForgotten = false
    /// It has told the other end that there is no connection (any more); once is enough.
    var hasReset = false
    /// Whether others who share ports may bind its own; nil while it stands in no port table.
    var sharesPort: Bool?

    /// Whether its host takes part in the connection, or in an attempt.
    var isAlive: Bool { state != .absent && state != .closed }

    /// Whether there is enough room for a program to be told of it: a third of the buffer, as in
    /// Linux, so that it is not woken for every byte.
    var hasRoomToTell: Bool { stream.unsent * 3 <= options.sendCapacity * 2 }
}
