import Syscalls

// What a segment does to the end at which it arrives. Names in capitals are those of RFC 9293.
extension Kernel {
    /// Takes a segment that has arrived at an end.
    mutating func take(_ segment: Segment, at end: EndID) {
        switch segment {
        case .reset: takeReset(at: end)
        case .synchronize: takeRequest(at: end)
        case .accept: takeAnswer(at: end)
        case .bytes(let count):
            self[end.peer].stream.underWay -= count
            self[end.peer].stream.arrived += count
            if isOpen(end, to: segment) { takeBytes(at: end) }
        case .acknowledge(let count):
            guard isOpen(end, to: segment) else { return }
            self[end].stream.unconfirmed -= count
            transmit(from: end)
            touch(end)
        case .finish:
            self[end.peer].hasDeliveredEnd = true
            if isOpen(end, to: segment) {
                self[end].hasReceivedEnd = true
                touch(end)
            }
            if self[end.peer].isOrphan { vanish(end.peer) }
        }
    }

    /// Whether an end takes segments of an established connection; if not, it says so itself.
    private mutating func isOpen(_ end: EndID, to segment: Segment) -> Bool {
        if self[end].state == .greeted { comeUp(end) }
        if self[end].state == .established { return true }
        // One that ended in order is known for a while, and only bytes come too late for it.
        let isLate = self[end].state == .absent && !self[end].isForgotten && segment.count == 0
        if !isLate { refuse(from: end) }
        return false
    }

    /// Tells the other end that here is no such connection.
    private mutating func refuse(from end: EndID) {
        guard !self[end].hasReset else { return }
        self[end].hasReset = true
        send(.reset, from: end)
    }

    /// Bytes have arrived; a program that has closed its socket cannot read them.
    private mutating func takeBytes(at end: EndID) {
        guard self[end].isOrphan else { return touch(end) }
        refuse(from: end)
        vanish(end)
    }

    /// A SYN-ACK has arrived: the connection is up here, and soon at the other end.
    private mutating func takeAnswer(at end: EndID) {
        guard self[end].state == .connecting else { return refuse(from: end) }
        cancel(self[end].timer.take())
        self[end].state = .established
        send(.acknowledge(0), from: end)
        touch(end)
    }

    /// A RST has arrived: what has come before can still be read, and nothing can be sent.
    private mutating func takeReset(at end: EndID) {
        switch self[end].state {
        case .absent, .closed: return
        case .connecting: fail(end, with: .connectionRefused)
        case .greeted: fail(end, with: .connectionReset)
        case .established:
            fail(end, with: self[end].hasReceivedEnd ? .brokenPipe : .connectionReset)
        }
    }

    /// A SYN has arrived: a listener with room answers it; with none it is as if it were lost.
    private mutating func takeRequest(at end: EndID) {
        guard self[end].state == .absent, self[end.peer].state == .connecting else { return }
        let host = self[end].host
        switch faults.welcome(from: self[end.peer].host, to: host) {
        case .usual: break
        case .refused: return refuse(from: end)
        case .ignored: return
        }
        guard let listener = listener(on: host, at: self[end].local) else {
            return refuse(from: end)
        }
        guard self[listener, host].listener?.isFull == false else { return }
        self[end].options = self[listener, host].options
        self[end].listener = listener
        self[end].isForgotten = false
        self[end].state = .greeted
        takePort(of: end)
        self[listener, host].listener?.greeted.append(end)
        send(.accept, from: end)
    }

    /// The other end has heard the answer: the connection waits to be accepted.
    private mutating func comeUp(_ end: EndID) {
        self[end].state = .established
        guard let listener = self[end].listener else { return }
        let host = self[end].host
        self[listener, host].listener?.greeted.removeAll { $0 == end }
        self[listener, host].listener?.queue.append(end)
        touch(listener, on: host)
    }

    /// Sends what the window allows, in segments, and the end of the stream behind the last.
    mutating func transmit(from end: EndID) {
        let window = self[end.peer].options.receiveCapacity - self[end].stream.unconfirmed
        let count = min(self[end].stream.unsent, window)
        if count > 0 {
            let sizes = faults.segments(
                of: count, from: self[end].host, to: self[end.peer].host, using: &random)
            for size in sizes {
                guard self[end].state == .established else { return }
                self[end].stream.underWay += size
                self[end].stream.unconfirmed += size
                send(.bytes(size), from: end)
            }
        }
        guard self[end].state == .established else { return }
        if self[end].stream.unsent > 0 { return probe(from: end) }
        if self[end].hasEndedWriting, !self[end].hasSentEnd {
            self[end].hasSentEnd = true
            send(.finish, from: end)
        }
    }

    /// Asks for room, with no bytes, where nobody is left who could tell of it (RFC 9293, 3.8.6.1).
    ///
    /// A real machine asks all the time; only this question has an answer that changes anything.
    private mutating func probe(from end: EndID) {
        if self[end.peer].isAlive || self[end].stream.repeatsSomething { return }
        send(.bytes(0), from: end)
    }
}
