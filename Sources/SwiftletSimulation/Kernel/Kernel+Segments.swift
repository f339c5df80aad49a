import Syscalls

// The wire between two ends: what is sent arrives in order, later, and perhaps much later.
//
//     send → [ wire: first | … ] → arrives, at the first instant that the faults allow
//                                → is held, by a partition or because the other machine is down
//
// Within one host there is no wire: what can arrive now has arrived when `send` returns.
extension Kernel {
    /// How long a machine repeats what nobody confirms (tcp(7), tcp_retries2: 15 times).
    static let repeatsBytes = Duration.milliseconds(924_600)
    /// How long it repeats its answer to who wants to connect (tcp(7), tcp_synack_retries: 5).
    static let repeatsAnswer = Duration.seconds(63)

    /// One end of a connection; changed in place.
    subscript(end: EndID) -> ConnectionEnd {
        get { ends[end.index] }
        _modify { yield &ends[end.index] }
    }

    /// Sends a segment from one end of a connection to the other.
    mutating func send(_ segment: Segment, from end: EndID) {
        let arrival = askArrival(of: segment, from: end)
        note(arrival == nil ? .held : .sent, segment, with: end.peer, on: self[end].host)
        self[end].stream.wire.append(Sent(segment: segment, arrival: arrival))
        moveOn(end)
    }

    private mutating func askArrival(of segment: Segment, from end: EndID) -> Instant? {
        faults.arrival(
            of: segment.count, from: ends[end.index].host, to: ends[end.peer.index].host, at: now,
            using: &random)
    }

    /// Sees to what is first on an end's wire: it arrives, will arrive, or is held.
    private mutating func moveOn(_ end: EndID) {
        while self[end].stream.arrival == nil, !self[end].stream.wire.isEmpty {
            guard let arrival = self[end].stream.wire[0].arrival else { return hold(end) }
            if arrival > now || self[end].host != self[end.peer].host {
                let event = events.insert(.arrival(from: end), at: max(arrival, now))
                self[end].stream.arrival = event
                return
            }
            deliverFirst(from: end)
        }
    }

    /// The first segment that an end has under way arrives.
    mutating func arrive(from end: EndID) {
        self[end].stream.arrival = nil
        deliverFirst(from: end)
        moveOn(end)
    }

    private mutating func deliverFirst(from end: EndID) {
        let segment = self[end].stream.wire[0].segment
        let receiver = self[end.peer].host
        if hosts[receiver.index].isDown, segment.isRepeated {
            self[end].stream.wire[0].arrival = nil
            return note(.held, segment, with: end.peer, on: self[end].host)
        }
        _ = self[end].stream.wire.popFirst()
        cancel(self[end].stream.givingUp.take())
        if hosts[receiver.index].isDown {
            return note(.lost, segment, with: end, on: receiver)
        }
        note(.arrived, segment, with: end, on: receiver)
        take(segment, at: end.peer)
    }

    /// Leaves a wire as it is until a rule or a machine changes, or the sender has had enough.
    private mutating func hold(_ end: EndID) {
        guard self[end].stream.givingUp == nil, self[end].stream.repeatsSomething else { return }
        let patience =
            self[end].state == .greeted ? Kernel.repeatsAnswer : Kernel.repeatsBytes
        let event = events.insert(.givingUp(end), at: now.advanced(by: patience))
        self[end].stream.givingUp = event
    }

    /// Ends a connection whose other end has not been heard of for too long.
    mutating func giveUp(_ end: EndID) {
        self[end].stream.givingUp = nil
        fail(end, with: .timedOut)
        transmit(from: end.peer)
    }

    /// Asks again for the segments that are held on the wire of an end.
    mutating func resend(from end: EndID) {
        guard self[end].stream.arrival == nil, !self[end].stream.wire.isEmpty else { return }
        for place in 0..<self[end].stream.wire.count
        where self[end].stream.wire[place].arrival == nil {
            let arrival = askArrival(of: self[end].stream.wire[place].segment, from: end)
            self[end].stream.wire[place].arrival = arrival
        }
        moveOn(end)
    }

    /// Takes everything off the wire of an end, and all that was not sent yet.
    mutating func silence(_ end: EndID) {
        cancel(self[end].stream.arrival.take())
        cancel(self[end].stream.givingUp.take())
        self[end].stream.silence()
    }

    /// Takes an event back that has not happened, if there is one.
    mutating func cancel(_ event: EventToken?) {
        if let event { _ = events.remove(event) }
    }

    /// Puts into the trace of a host what became of a segment between it and another's end.
    private mutating func note(
        _ fate: NetworkStep.Fate, _ segment: Segment, with other: EndID, on host: HostID
    ) {
        let step = NetworkStep(
            fate: fate, segment: segment, connection: self[other].number, other: self[other].host)
        trace.add(.network(step), on: host, at: now)
    }
}
