import Drivers
import Syscalls

/// The identity of one end of a connection: an index into the table of ends.
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
/// It outlives the socket: what was written before `close` is still sent, and an end that is
/// not accepted yet has no descriptor. There is no TIME_WAIT: a port is free with its end.
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
    /// When the connection was begun.
    let started: Instant
    fileprivate(set) var state = State.absent
    fileprivate(set) var options: SocketOptions
    /// The socket by which the program has it; nil while it waits to be accepted, and after close.
    fileprivate(set) var descriptor: RawDescriptor?
    /// The listener in whose queue it waits.
    fileprivate(set) var listener: RawDescriptor?
    /// Takes what its program writes to the other end.
    fileprivate(set) var stream = ByteStream()
    /// What the next call that may fail throws.
    fileprivate(set) var error: Errno?

    /// Set by `endWriting` and `close`: nothing more is written.
    fileprivate(set) var hasEndedWriting = false
    /// The end of the stream has been put on the wire, and has arrived.
    fileprivate var hasSentEnd = false
    fileprivate var hasDeliveredEnd = false
    /// The end of the other's stream has arrived.
    fileprivate(set) var hasReceivedEnd = false
    /// The program has closed the socket; what is left is to be sent.
    fileprivate(set) var isOrphan = false
    /// The host has crashed since: whatever comes is answered with a reset.
    fileprivate var isForgotten = false
    /// It has told the other end that there is no connection (any more); once is enough.
    fileprivate(set) var hasReset = false
    /// Whether sockets that share ports may bind to its own; nil while it stands in no port table.
    fileprivate var sharesPort: Bool?

    /// Whether what is written to it are messages (`SOCK_SEQPACKET`).
    fileprivate(set) var hasMessages = false

    /// Whether its host takes part in the connection, or in an attempt.
    var isAlive: Bool { state != .absent && state != .closed }

    /// Whether it is an end of a Unix stream, whose other end is in the same kernel.
    var isUnix: Bool { local.name != nil }

    /// Whether getpeername(2) tells the other end: that of a Unix socket is known to the last.
    var hasPeer: Bool { state == .established || isUnix && state == .closed }

    /// Where it stands in the port table of its host.
    var tuple: PortTable.Tuple { PortTable.Tuple(local: local, remote: remote) }
}

/// The connections of a world: both ends of each, and the bytes between them.
///
/// What a segment or a call changes is changed here; what is to be done about it, to wires, ports,
/// listeners and drivers, is the answer. Names in capitals are those of RFC 9293.
struct Connections {
    /// The ends of all connections, two and two, and the pairs that are free.
    private var ends: [ConnectionEnd] = []
    private var freePairs: [EndID] = []
    /// Connections that were ever begun.
    private var count = 0

    subscript(end: EndID) -> ConnectionEnd { _read { yield ends[end.index] } }

    /// Every end, also those of connections that are over.
    var all: some Sequence<EndID> { ends.indices.lazy.map(EndID.init(index:)) }

    /// How many connections have a place in the table.
    var pairCount: Int { ends.count / 2 - freePairs.count }

    // MARK: The beginning

    /// Enters a connection that a socket of one host begins to another host; the answer is the end
    /// that asks.
    mutating func begin(
        from host: HostID, _ local: Endpoint, to target: HostID, _ remote: Endpoint,
        by socket: RawDescriptor, options: SocketOptions, at now: Instant
    ) -> EndID {
        count += 1
        var asking = ConnectionEnd(
            number: count, host: host, local: local, remote: remote, started: now,
            options: options)
        asking.state = .connecting
        asking.descriptor = socket
        let asked = ConnectionEnd(
            number: count, host: target, local: remote, remote: local, started: now,
            options: SocketOptions())
        let end = freePairs.popLast() ?? EndID(index: ends.count)
        if end.index == ends.count { ends += [asking, asked] }
        ends[end.index] = asking
        ends[end.peer.index] = asked
        return end
    }

    /// Makes a connection that was begun one that is up: two Unix sockets need no word to each
    /// other. The other end waits at a listener, or has its socket.
    mutating func join(
        _ end: EndID, at listener: RawDescriptor?, as other: RawDescriptor?, type: ConnectionType
    ) {
        for end in [end, end.peer] { ends[end.index].hasMessages = type == .sequencedPackets }
        ends[end.index].state = .established
        ends[end.peer.index].state = .established
        ends[end.peer.index].listener = listener
        ends[end.peer.index].descriptor = other
    }

    /// Whether a SYN that arrives at an end is one to answer: nothing is known of it here, and the
    /// other end still asks.
    func isNewRequest(at end: EndID) -> Bool {
        self[end].state == .absent && self[end.peer].state == .connecting
    }

    /// Answers a SYN for a listener, whose options the connection has.
    mutating func greet(_ end: EndID, at listener: RawDescriptor, options: SocketOptions) {
        ends[end.index].options = options
        ends[end.index].listener = listener
        ends[end.index].isForgotten = false
        ends[end.index].state = .greeted
    }

    /// Gives an end, which was in the queue of a listener, to a program.
    mutating func accept(_ end: EndID, as socket: RawDescriptor) {
        ends[end.index].descriptor = socket
        ends[end.index].listener = nil
    }

    /// Notes that an end stands in the port table of its host, sharing its port or not.
    mutating func notePort(of end: EndID, sharing: Bool) { ends[end.index].sharesPort = sharing }

    /// Takes the word of whether an end shares its port, to take it from the table; nil when it
    /// stands in none.
    mutating func takePort(of end: EndID) -> Bool? { ends[end.index].sharesPort.take() }

    // MARK: Segments

    /// What a segment leads to, in this order.
    struct Reaction {
        /// The end is up now, and waits to be accepted.
        var hasComeUp = false
        var failure: Errno?
        var reply: Segment?
        /// The window may have opened.
        var sendsMore = false
        /// The program can do something now.
        var isNews = false
        /// An end of which its host has nothing more to know.
        var vanishes: EndID?
    }

    /// Takes a segment that has arrived at an end; not a SYN, which needs a listener.
    mutating func take(_ segment: Segment, at end: EndID) -> Reaction {
        var reaction = Reaction()
        switch segment {
        case .synchronize: break
        case .reset: reaction.failure = failure(at: end)
        case .accept:
            // The connection is up here, and soon at the other end.
            if self[end].state == .connecting {
                ends[end.index].state = .established
                reaction.reply = .acknowledge(0)
                reaction.isNews = true
            } else {
                reaction.reply = refusal(from: end)
            }
        case .bytes(let count):
            ends[end.peer.index].stream.arrive(count)
            guard admit(segment, at: end, &reaction) else { break }
            // A program that has closed its socket cannot read them.
            reaction.isNews = !self[end].isOrphan
            if self[end].isOrphan {
                reaction.reply = refusal(from: end)
                reaction.vanishes = end
            }
        case .acknowledge(let count):
            guard admit(segment, at: end, &reaction) else { break }
            ends[end.index].stream.confirm(count)
            reaction.sendsMore = true
            reaction.isNews = true
        case .finish:
            ends[end.peer.index].hasDeliveredEnd = true
            if admit(segment, at: end, &reaction) {
                ends[end.index].hasReceivedEnd = true
                reaction.isNews = true
            }
            if self[end.peer].isOrphan { reaction.vanishes = end.peer }
        }
        return reaction
    }

    /// Says whether an end takes a segment of an established connection. One that was only greeted
    /// has come up by it; one that is gone answers with a reset.
    private mutating func admit(
        _ segment: Segment, at end: EndID, _ reaction: inout Reaction
    ) -> Bool {
        if self[end].state == .greeted {
            ends[end.index].state = .established
            reaction.hasComeUp = true
        }
        if self[end].state == .established { return true }
        // One that ended in order is known for a while, and only bytes come too late for it.
        let isLate = self[end].state == .absent && !self[end].isForgotten && segment.count == 0
        if !isLate { reaction.reply = refusal(from: end) }
        return false
    }

    /// What tells the other end that here is no such connection; nil when it was told before.
    mutating func refusal(from end: EndID) -> Segment? {
        if self[end].hasReset { return nil }
        ends[end.index].hasReset = true
        return .reset
    }

    /// What a RST means to an end; nil where it means nothing.
    private func failure(at end: EndID) -> Errno? {
        switch self[end].state {
        case .absent, .closed: nil
        case .connecting: .connectionRefused
        case .greeted: .connectionReset
        case .established: self[end].hasReceivedEnd ? .brokenPipe : .connectionReset
        }
    }

    // MARK: Bytes

    /// How many bytes can be read; 0 is an empty message, or the end of the stream.
    ///
    /// What has arrived before the end or a reset is read first.
    mutating func readable(at end: EndID) throws(Errno) -> Int {
        if self[end].state == .connecting { throw .wouldBlock }
        if let readable = readableNow(at: end) { return readable }
        if self[end].hasReceivedEnd { return 0 }
        if let error = takeError(at: end) { throw error }
        if self[end].state == .closed { return 0 }
        throw .wouldBlock
    }

    private func readableNow(at end: EndID) -> Int? {
        self[end.peer].stream.readable(inMessages: self[end].hasMessages)
    }

    /// Gives bytes to the program, and the files that come with them; says whether the sender
    /// should be told of it.
    ///
    /// Once half of the buffer was read is soon enough: the sender has as much again to send.
    mutating func read(
        at end: EndID, into buffer: UnsafeMutableRawBufferPointer
    ) -> (files: [RawDescriptor], isToBeTold: Bool) {
        let files = ends[end.peer.index].stream.read(
            into: buffer, inMessages: self[end].hasMessages)
        let unacknowledged = self[end.peer].stream.unacknowledged
        return (files, unacknowledged * 2 >= self[end].options.receiveCapacity)
    }

    /// The files that are under way to an end.
    func files(to end: EndID) -> [RawDescriptor] { self[end.peer].stream.files }

    /// Takes the files that are under way to an end, whose program will not receive them.
    mutating func takeFiles(to end: EndID) -> [RawDescriptor] {
        ends[end.peer.index].stream.takeFiles()
    }

    /// The word for the sender of what was read, of which it has not heard; nil when there is none.
    mutating func takeAcknowledgement(of end: EndID) -> Segment? {
        guard self[end.peer].stream.unacknowledged > 0, self[end].state == .established else {
            return nil
        }
        return .acknowledge(ends[end.peer.index].stream.takeUnacknowledged())
    }

    /// How many bytes can be written; at most 0 when there is no room.
    mutating func room(at end: EndID) throws(Errno) -> Int {
        if self[end].state == .connecting { throw .wouldBlock }
        let isHeard = !self[end].isUnix || self[end.peer].isAlive && !self[end.peer].isOrphan
        // The error of a Unix socket is for the next read.
        if isHeard, let error = takeError(at: end) { throw error }
        guard self[end].state == .established, !self[end].hasEndedWriting, isHeard else {
            throw .brokenPipe
        }
        return self[end].options.sendCapacity - waiting(at: end)
    }

    /// The bytes that use up the room: of messages all that were not read, since no window holds
    /// them back.
    private func waiting(at end: EndID) -> Int {
        self[end].hasMessages ? self[end].stream.waiting : self[end].stream.unsent
    }

    mutating func write(
        _ bytes: UnsafeRawBufferPointer, at end: EndID, passing files: [RawDescriptor]
    ) {
        ends[end.index].stream.write(
            bytes, passing: files, asMessage: self[end].hasMessages)
    }

    /// How many bytes the window allows to send now.
    func sendable(from end: EndID) -> Int {
        if self[end].hasMessages { return self[end].stream.unsent }
        let capacity = self[end.peer].options.receiveCapacity
        return min(self[end].stream.unsent, capacity - self[end].stream.unconfirmed)
    }

    /// Puts bytes under way, if the connection is still up; says whether it is.
    mutating func send(_ count: Int, from end: EndID) -> Bool {
        guard self[end].state == .established else { return false }
        ends[end.index].stream.send(count)
        return true
    }

    /// Takes the end of the stream, if all before it has been sent, to be sent itself.
    mutating func takeFinish(of end: EndID) -> Segment? {
        guard self[end].hasEndedWriting, !self[end].hasSentEnd else { return nil }
        ends[end.index].hasSentEnd = true
        return .finish
    }

    mutating func endWriting(at end: EndID) { ends[end.index].hasEndedWriting = true }

    mutating func takeError(at end: EndID) -> Errno? { ends[end.index].error.take() }

    mutating func setOptions(_ options: SocketOptions, of end: EndID) {
        ends[end.index].options = options
    }

    // MARK: Readiness

    /// What can be done at an end that is established.
    func readiness(of end: EndID) -> Interest {
        // A program is told of room once a third of the buffer is free, as in Linux, so that it is
        // not woken for every byte.
        let hasRoom = waiting(at: end) * 3 <= self[end].options.sendCapacity * 2
        var ready = Interest.none
        if readableNow(at: end) != nil || self[end].hasReceivedEnd { ready.insert(.readable) }
        if self[end].hasEndedWriting || hasRoom { ready.insert(.writable) }
        return ready
    }

    // MARK: The end

    /// What becomes of an end whose program closes the socket.
    enum Closing {
        /// Its host has nothing more to do.
        case vanishes
        /// Unread bytes, or an option, make it a reset.
        case aborts
        /// What was written is still sent.
        case sends
    }

    mutating func close(_ end: EndID) -> Closing {
        ends[end.index].descriptor = nil
        guard self[end].state == .established else { return .vanishes }
        let hasUnread = self[end.peer].stream.arrived > 0
        let resets = self[end].options.resetsOnClose && !self[end].isUnix
        if resets || hasUnread { return .aborts }
        ends[end.index].isOrphan = true
        ends[end.index].hasEndedWriting = true
        return self[end].hasDeliveredEnd ? .vanishes : .sends
    }

    /// Makes a reset the last that an end sends.
    mutating func abort(_ end: EndID) {
        ends[end.index].stream.lose(underWay: 0)
        ends[end.index].hasReset = true
    }

    /// Ends the connection at one end with an error, which its program finds, if there is one that
    /// has the socket still; says whether.
    mutating func fail(_ end: EndID, with error: Errno) -> Bool {
        lose(end)
        if self[end].isOrphan || self[end].state == .greeted { return false }
        ends[end.index].state = .closed
        ends[end.index].error = error
        return true
    }

    /// Makes the host of an end know nothing of it; says whether the other one does not either, and
    /// the place is free.
    mutating func vanish(_ end: EndID) -> Bool {
        ends[end.index].state = .absent
        ends[end.index].descriptor = nil
        ends[end.index].stream.lose(underWay: 0)
        guard self[end.peer].state == .absent else { return false }
        lose(end)
        lose(end.peer)
        freePairs.append(EndID(index: end.index & ~1))
        return true
    }

    /// Makes a host that has crashed lose what it would have sent again, and what it had not sent.
    mutating func forget(_ end: EndID, losing count: Int) {
        ends[end.index].isForgotten = true
        ends[end.index].stream.lose(underWay: count)
    }

    /// Gives up all that has not arrived.
    private mutating func lose(_ end: EndID) {
        ends[end.index].stream.lose(underWay: self[end].stream.underWay)
    }

    // MARK: The report

    func text(of id: EndID) -> String {
        let end = self[id]
        var state = "\(end.state)"
        if end.isOrphan { state = "closed by its program, \(state)" }
        if end.hasEndedWriting, !end.isOrphan { state += ", writes no more" }
        if end.hasReceivedEnd { state += ", peer writes no more" }
        if let error = end.error { state += ", \(error.name) pending" }
        let received = self[id.peer].stream.arrived
        return "\(state) \(end.local) -> \(end.remote), \(received) bytes to read, "
            + "\(end.stream.unsent) to send, \(end.stream.underWay) under way"
    }
}
