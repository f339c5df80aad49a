import Drivers
import Syscalls

// Which descriptors are ready, kept as epoll(7) does: interest stands with the socket, and what may
// be ready is in a list of its host, so that a wait looks at nothing else.
extension Kernel {
    /// Replaces the interest in a descriptor of a host.
    mutating func setInterest(
        _ interest: Interest, in socket: RawDescriptor, on host: HostID
    ) throws(Errno) {
        guard hosts[host.index].descriptors.isOpen(socket) else {
            if interest.isEmpty, socket.number >= 0 { return }
            throw .badDescriptor
        }
        self[socket, host].interest = interest
        touch(socket, on: host)
    }

    /// Puts a socket into the list of its host if it is ready for what is asked.
    mutating func touch(_ socket: RawDescriptor, on host: HostID) {
        guard !self[socket, host].isListed, !report(of: socket, on: host).isEmpty else { return }
        self[socket, host].isListed = true
        hosts[host.index].descriptors.listed.append(socket)
    }

    /// As above, for the socket of an end, if it has one.
    mutating func touch(_ end: EndID) {
        if let descriptor = self[end].descriptor { touch(descriptor, on: self[end].host) }
    }

    /// What a driver says of a socket: nothing without interest, and both directions of one that is
    /// broken.
    private func report(of socket: RawDescriptor, on host: HostID) -> Interest {
        let interest = self[socket, host].interest
        if interest.isEmpty { return .none }
        if let listener = self[socket, host].listener {
            return listener.queue.isEmpty ? .none : interest.intersection(.readable)
        }
        // One that is neither listening nor connected has hung up, says Linux.
        guard let end = self[socket, host].end else { return .both }
        switch self[end].state {
        case .connecting: return .none
        case .absent, .greeted, .closed: return .both
        case .established: return interest.intersection(readiness(of: end))
        }
    }

    private func readiness(of end: EndID) -> Interest {
        var ready = Interest.none
        if ends[end.peer.index].stream.arrived > 0 || ends[end.index].hasReceivedEnd {
            ready.insert(.readable)
        }
        if ends[end.index].hasEndedWriting || ends[end.index].hasRoomToTell {
            ready.insert(.writable)
        }
        return ready
    }

    /// Whether a wait of the host's driver would report something.
    mutating func hasReadiness(on host: HostID) -> Bool {
        while let last = hosts[host.index].descriptors.listed.last {
            if !report(of: last, on: host).isEmpty { return true }
            self[last, host].isListed = false
            hosts[host.index].descriptors.listed.removeLast()
        }
        return false
    }

    /// Appends what is ready on a host, in an order that the seed chooses.
    mutating func look(on host: HostID, into ready: inout [Readiness]) {
        let first = ready.count
        let listed = hosts[host.index].descriptors.listed
        hosts[host.index].descriptors.listed.removeAll(keepingCapacity: true)
        for socket in listed {
            let report = report(of: socket, on: host)
            self[socket, host].isListed = !report.isEmpty
            if report.isEmpty { continue }
            hosts[host.index].descriptors.listed.append(socket)
            ready.append(Readiness(socket, report))
        }
        for last in stride(from: ready.count - 1, to: first, by: -1) {
            ready.swapAt(last, first + random.number(below: last - first + 1))
        }
        if faults.wakesForNothing(on: host, using: &random) {
            reportForNothing(on: host, into: &ready, from: first)
        }
    }

    /// Reports a socket that somebody waits for although nothing is there.
    private mutating func reportForNothing(
        on host: HostID, into ready: inout [Readiness], from first: Int
    ) {
        let reported = ready[first...].map(\.descriptor)
        let waiting = hosts[host.index].descriptors.open.filter {
            !self[$0, host].interest.isEmpty && !reported.contains($0)
        }
        guard !waiting.isEmpty else { return }
        let chosen = waiting[random.number(below: waiting.count)]
        ready.append(Readiness(chosen, self[chosen, host].interest))
    }
}
