import Syscalls

// What is sent, what arrives, and how the ends of connections go.
extension Kernel {
    /// How long a machine repeats what is not confirmed (tcp(7), tcp_retries2: 15 times).
    private static let repeatsBytes = Duration.milliseconds(924_600)
    /// How long it repeats its answer to a SYN (tcp(7), tcp_synack_retries: 5).
    private static let repeatsAnswer = Duration.seconds(63)
    /// After which a SYN is sent again, and after which its sender gives up (tcp(7),
    /// tcp_syn_retries: 6 times).
    private static let requests: [Duration] =
        [1, 3, 7, 15, 31, 63, 127].map { .seconds($0) }

    // MARK: Sending

    /// Sends a segment from one end of a connection to the other.
    mutating func send(_ segment: Segment, from end: EndID) {
        let arrival = askArrival(of: segment, from: end)
        note(arrival == nil ? .held : .sent, segment, with: end.peer, on: connections[end].host)
        wires.append(segment, from: end, arrival: arrival)
        moveOn(end)
    }

    private mutating func askArrival(of segment: Segment, from end: EndID) -> Instant? {
        faults.arrival(
            of: segment.count, from: connections[end].host, to: connections[end.peer].host,
            at: now, using: &random)
    }

    /// Sees to what is first on an end's wire: it arrives, will arrive, or is held.
    private mutating func moveOn(_ end: EndID) {
        let isLocal = connections[end].host == connections[end.peer].host
        while true {
            switch wires.advance(end, at: now, isLocal: isLocal) {
            case .nothing: return
            case .arrives: deliverFirst(from: end)
            case .held:
                // Until a rule or a machine changes, or the sender has had enough.
                return wires.setPatience(of: end, until: now.advanced(by: Kernel.repeatsBytes))
            }
        }
    }

    /// Sends what the window allows, in segments, and the end of the stream behind the last.
    mutating func transmit(from end: EndID) {
        let count = connections.sendable(from: end)
        if count > 0 {
            let sizes = faults.segments(
                of: count, from: connections[end].host, to: connections[end.peer].host,
                using: &random)
            for size in sizes {
                guard connections.send(size, from: end) else { return }
                send(.bytes(size), from: end)
            }
        }
        guard connections[end].state == .established else { return }
        if connections[end].stream.unsent > 0 { return probe(from: end) }
        if let finish = connections.takeFinish(of: end) { send(finish, from: end) }
    }

    /// Asks for room, with no bytes, where no reader is left to tell of it (RFC 9293, 3.8.6.1).
    ///
    /// A real machine asks all the time; only this question has an answer that changes anything.
    private mutating func probe(from end: EndID) {
        if connections[end.peer].isAlive || wires.repeatsSomething(end) { return }
        send(.bytes(0), from: end)
    }

    /// Tells the sender of what was read, of which it has not heard, so that it may send more.
    mutating func acknowledge(from end: EndID) {
        if let word = connections.takeAcknowledgement(of: end) { send(word, from: end) }
    }

    /// Tells the other end that here is no such connection.
    private mutating func refuse(from end: EndID) {
        if let reset = connections.refusal(from: end) { send(reset, from: end) }
    }

    // MARK: Arriving

    /// The first segment that an end has under way arrives, and what is behind it comes next.
    mutating func deliver(from end: EndID) {
        deliverFirst(from: end)
        moveOn(end)
    }

    private mutating func deliverFirst(from end: EndID) {
        let segment = wires.first(of: end)
        let receiver = connections[end.peer].host
        if hosts[receiver].isDown, segment.isRepeated {
            wires.holdFirst(of: end)
            return note(.held, segment, with: end.peer, on: connections[end].host)
        }
        wires.removeFirst(of: end)
        if hosts[receiver].isDown { return note(.lost, segment, with: end, on: receiver) }
        note(.arrived, segment, with: end, on: receiver)
        take(segment, at: end.peer)
    }

    /// Takes a segment that has arrived at an end, and does what it leads to.
    private mutating func take(_ segment: Segment, at end: EndID) {
        if segment == .synchronize { return takeRequest(at: end) }
        let reaction = connections.take(segment, at: end)
        if segment == .accept { wires.setRequest(of: end, at: nil) }
        if reaction.hasComeUp { queue(end) }
        if let error = reaction.failure { fail(end, with: error) }
        if let reply = reaction.reply { send(reply, from: end) }
        if reaction.sendsMore { transmit(from: end) }
        if reaction.isNews { touch(end) }
        if let end = reaction.vanishes { vanish(end) }
    }

    /// A SYN has arrived: a listener with room answers it; with none it is as if it were lost.
    private mutating func takeRequest(at end: EndID) {
        guard connections.isNewRequest(at: end) else { return }
        let host = connections[end].host
        switch faults.welcome(from: connections[end.peer].host, to: host) {
        case .usual: break
        case .refused: return refuse(from: end)
        case .ignored: return
        }
        let target = connections[end].local
        guard let listener = hosts[host].listener(at: target, using: &random) else {
            return refuse(from: end)
        }
        guard hosts[host][listener].listener?.isFull == false else { return }
        let options = hosts[host][listener].options
        connections.greet(end, at: listener, options: options)
        if hosts[host].takePort(connections[end].tuple, sharing: options.sharesPort) {
            connections.notePort(of: end, sharing: options.sharesPort)
        }
        hosts[host].addGreeted(end, to: listener)
        wires.setRequest(of: end, at: now.advanced(by: Kernel.repeatsAnswer))
        send(.accept, from: end)
    }

    /// The other end has heard the answer: the connection waits to be accepted.
    private mutating func queue(_ end: EndID) {
        guard let listener = connections[end].listener else { return }
        let host = connections[end].host
        wires.setRequest(of: end, at: nil)
        hosts[host].addToQueue(end, of: listener)
        hosts[host].touch(listener, connections)
    }

    /// Tells the driver of the socket of an end, if it has one.
    mutating func touch(_ end: EndID) {
        guard let socket = connections[end].descriptor else { return }
        hosts[connections[end].host].touch(socket, connections)
    }

    // MARK: Waiting for what does not arrive

    /// Asks again for the segments that are held, because a rule or a machine has changed.
    mutating func resendHeld() {
        for end in connections.all {
            let held = wires.held(by: end)
            if held.isEmpty { continue }
            wires.resend(from: end, arrivals: held.map { askArrival(of: $0, from: end) })
            moveOn(end)
        }
    }

    /// Lets an end that connects ask again later.
    mutating func awaitAnswer(_ end: EndID) {
        wires.setRequest(of: end, at: nextRequest(of: end))
    }

    private func nextRequest(of end: EndID) -> Instant? {
        Kernel.requests.lazy.map(connections[end].started.advanced).first { $0 > now }
    }

    /// Sends the SYN again that had no answer, or gives up; an end whose own answer was not heard
    /// is forgotten, and makes room for the next one.
    mutating func askAgain(_ end: EndID) {
        if connections[end].state == .greeted {
            connections.forget(end, losing: 0)
            return giveUp(end)
        }
        guard let next = nextRequest(of: end) else { return fail(end, with: .timedOut) }
        wires.setRequest(of: end, at: next)
        let isLost = wires.isEmpty(end) && connections[end.peer].state == .absent
        if isLost, !connections[end.peer].hasReset { send(.synchronize, from: end) }
    }

    /// Ends a connection on which nothing was heard of the other end for too long.
    mutating func giveUp(_ end: EndID) {
        fail(end, with: .timedOut)
        transmit(from: end.peer)
    }

    // MARK: Ending

    /// Ends the connection at one end: its program finds the error, if it has the socket still.
    private mutating func fail(_ end: EndID, with error: Errno) {
        if connections[end].state == .absent { return }
        wires.clear(end)
        guard connections.fail(end, with: error) else { return vanish(end) }
        wires.setRequest(of: end, at: nil)
        givePortBack(of: end)
        touch(end)
    }

    /// Makes the host of an end know nothing of it. What it has sent is still under way.
    mutating func vanish(_ end: EndID) {
        if connections[end].state == .absent { return }
        dropFiles(to: end)
        if connections[end].state == .greeted, let listener = connections[end].listener {
            hosts[connections[end].host].removeGreeted(end, from: listener)
        }
        wires.setRequest(of: end, at: nil)
        givePortBack(of: end)
        if connections.vanish(end) {
            wires.clear(end)
            wires.clear(end.peer)
        }
    }

    private mutating func givePortBack(of end: EndID) {
        guard let sharing = connections.takePort(of: end) else { return }
        hosts[connections[end].host].givePortBack(connections[end].tuple, sharing: sharing)
    }

    /// Resets the connection from an end, which its own host forgets at once.
    mutating func abort(_ end: EndID) {
        connections.abort(end)
        send(.reset, from: end)
        vanish(end)
    }

    /// Ends the connection of a socket that is closed.
    mutating func close(_ end: EndID) {
        dropFiles(to: end)
        switch connections.close(end) {
        case .vanishes: vanish(end)
        case .aborts: abort(end)
        case .sends: transmit(from: end)
        }
    }

    /// Resets every connection between two hosts, at both ends and at once; says how many.
    ///
    /// They may be the same one. An attempt to connect is refused.
    mutating func resetConnections(between one: HostID, and other: HostID) -> Int {
        var count = 0
        for end in connections.all where end.index.isMultiple(of: 2) {
            let pair = (connections[end].host, connections[end.peer].host)
            guard pair == (one, other) || pair == (other, one),
                connections[end].isAlive || connections[end.peer].isAlive
            else { continue }
            count += 1
            take(.reset, at: end)
            take(.reset, at: end.peer)
        }
        return count
    }

    /// Puts into the trace of a host what became of a segment between it and another's end.
    private mutating func note(
        _ fate: NetworkStep.Fate, _ segment: Segment, with other: EndID, on host: HostID
    ) {
        let step = NetworkStep(
            fate: fate, segment: segment, connection: connections[other].number,
            other: connections[other].host)
        trace.add(.network(step), on: host, at: now)
        segmentCount += 1
    }
}
