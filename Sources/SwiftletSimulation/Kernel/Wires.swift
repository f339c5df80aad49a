import Swiftlet
import Syscalls

/// Something that one end of a connection sends to the other.
enum Segment: Sendable, Equatable {
    /// The wish to connect.
    case synchronize
    /// The answer to it.
    case accept
    /// So many bytes of the stream.
    case bytes(Int)
    /// The word that so many bytes were read, and that the connection is known to be up.
    case acknowledge(Int)
    /// The end of the stream.
    case finish
    /// The end of the connection, at once.
    case reset

    /// The bytes that it carries.
    var count: Int { if case .bytes(let count) = self { count } else { 0 } }

    /// Whether the sender sends it again until it is known to have arrived, and gives up at last.
    var isRepeated: Bool {
        switch self {
        case .accept, .bytes, .finish: true
        case .synchronize, .acknowledge, .reset: false
        }
    }
}

/// What is under way between the ends of connections, and the instants of all that will happen.
///
///     send → [ first | … ] → arrives, at the first instant that the faults allow
///                          → is held, by a partition or because the other machine is down
///
/// What one end sends arrives in order, so only the first segment of a wire has an event. Within
/// one host there is no wire: what can arrive now has arrived when it was sent.
struct Wires {
    /// A segment that is under way.
    private struct Sent {
        let segment: Segment
        /// When it arrives at the earliest; nil while it is held.
        var arrival: Instant?
    }

    private typealias Token = DeadlineQueue<KernelEvent>.Token

    /// What one end has under way, and what it waits for.
    private struct Wire {
        var segments = FIFO<Sent>()
        /// The event at which the first segment arrives; nil when there is none or it is held.
        var arrival: Token?
        /// The event at which the sender gives up, while something that it repeats is held.
        var givingUp: Token?
        /// The event at which it asks again to connect, or no longer waits for the word that its
        /// answer to such a wish was heard.
        var request: Token?
    }

    private var events = DeadlineQueue<KernelEvent>()
    /// By the indices of ends.
    private var wires: [Wire] = []

    // MARK: Events

    /// When the next event is due; `.never` when there is none.
    var nextEvent: Instant { events.next }

    /// Takes out the event that is due first.
    mutating func popDue(at now: Instant) -> KernelEvent? {
        let event = events.popDue(at: now)
        switch event {
        case .arrival(let end): wires[end.index].arrival = nil
        case .repeatedRequest(let end): wires[end.index].request = nil
        case .givingUp(let end): wires[end.index].givingUp = nil
        case .faultBegins, .faultEnds, .datagram, .refusal, nil: break
        }
        return event
    }

    /// Plans what happens to the rules, and datagrams.
    mutating func schedule(_ event: KernelEvent, at instant: Instant) {
        _ = events.insert(event, at: instant)
    }

    /// Lets an end ask again to connect, or wait for the word that it was heard, at an instant and
    /// not before; nil is never.
    mutating func setRequest(of end: EndID, at instant: Instant?) {
        cancel(wires[end.index].request.take())
        guard let instant else { return }
        wires[end.index].request = events.insert(.repeatedRequest(end), at: instant)
    }

    private mutating func cancel(_ event: Token?) {
        if let event { _ = events.remove(event) }
    }

    // MARK: Segments

    /// Makes room for the wires of two ends.
    mutating func add(_ end: EndID) {
        while wires.count <= max(end.index, end.peer.index) { wires.append(Wire()) }
    }

    /// Puts a segment behind all that an end has under way; it is held when it has no arrival.
    mutating func append(_ segment: Segment, from end: EndID, arrival: Instant?) {
        wires[end.index].segments.append(Sent(segment: segment, arrival: arrival))
    }

    /// What is to be done about a wire.
    enum Next {
        /// Nothing is under way, or there is an event for it.
        case nothing
        /// The first segment is held.
        case held
        /// The first segment arrives now.
        case arrives
    }

    /// Sees to the first segment of an end, which goes to its own host or to another one.
    mutating func advance(_ end: EndID, at now: Instant, isLocal: Bool) -> Next {
        guard wires[end.index].arrival == nil, !isEmpty(end) else { return .nothing }
        guard let arrival = wires[end.index].segments[0].arrival else { return .held }
        if isLocal, arrival <= now { return .arrives }
        wires[end.index].arrival = events.insert(.arrival(from: end), at: max(arrival, now))
        return .nothing
    }

    /// The segment that comes first on the wire of an end, which has one.
    func first(of end: EndID) -> Segment { wires[end.index].segments[0].segment }

    /// Takes the first segment off: it has arrived, so the sender is patient again.
    mutating func removeFirst(of end: EndID) {
        _ = wires[end.index].segments.popFirst()
        cancel(wires[end.index].givingUp.take())
    }

    /// Leaves the first segment where it is, to be sent again.
    mutating func holdFirst(of end: EndID) { wires[end.index].segments[0].arrival = nil }

    /// Lets the sender give up at an instant, if it repeats something and does not know one yet.
    mutating func setPatience(of end: EndID, until instant: Instant) {
        guard wires[end.index].givingUp == nil, repeatsSomething(end) else { return }
        wires[end.index].givingUp = events.insert(.givingUp(end), at: instant)
    }

    /// The segments of an end that are held, also behind one that is under way.
    func held(by end: EndID) -> [Segment] {
        heldPlaces(of: end).map { wires[end.index].segments[$0].segment }
    }

    /// Gives the segments that are held their arrivals, in order; some are held again.
    mutating func resend(from end: EndID, arrivals: [Instant?]) {
        for (place, arrival) in zip(heldPlaces(of: end), arrivals) {
            wires[end.index].segments[place].arrival = arrival
        }
    }

    private func heldPlaces(of end: EndID) -> [Int] {
        (0..<wires[end.index].segments.count).filter {
            wires[end.index].segments[$0].arrival == nil
        }
    }

    /// Whether nothing of an end is under way.
    func isEmpty(_ end: EndID) -> Bool { wires[end.index].segments.isEmpty }

    /// Whether something is under way that the sender sends again until it arrives.
    func repeatsSomething(_ end: EndID) -> Bool {
        (0..<wires[end.index].segments.count).contains {
            wires[end.index].segments[$0].segment.isRepeated
        }
    }

    /// Takes everything off the wire of an end.
    mutating func clear(_ end: EndID) {
        cancel(wires[end.index].arrival.take())
        cancel(wires[end.index].givingUp.take())
        wires[end.index].segments.removeAll()
    }

    /// Takes off what will not be sent again: what is held, and all behind it; says how many bytes
    /// these were.
    mutating func dropHeld(on end: EndID) -> Int {
        guard let held = heldPlaces(of: end).first else { return 0 }
        var count = 0
        while wires[end.index].segments.count > held,
            let sent = wires[end.index].segments.popLast()
        {
            count += sent.segment.count
        }
        return count
    }
}
