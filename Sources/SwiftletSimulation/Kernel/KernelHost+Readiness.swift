import Drivers
import Syscalls

// Which descriptors are ready, kept as epoll(7) does: interest stands with the socket, and what may
// be ready is in a list of the host, so that a wait looks at nothing else.
extension KernelHost {
    /// Replaces the interest in a descriptor.
    mutating func setInterest(
        _ interest: Interest, in socket: RawDescriptor, _ connections: Connections
    ) throws(Errno) {
        guard descriptors.isOpen(socket) else {
            if interest.isEmpty, socket.number >= 0 { return }
            throw .badDescriptor
        }
        descriptors[socket].interest = interest
        touch(socket, connections)
    }

    /// Puts a socket into the list if it is ready for what is asked.
    mutating func touch(_ socket: RawDescriptor, _ connections: Connections) {
        guard !self[socket].isListed, !report(of: socket, connections).isEmpty else { return }
        descriptors[socket].isListed = true
        descriptors.listed.append(socket)
    }

    /// What a driver says of a socket: nothing without interest, and both directions of one that is
    /// broken.
    private func report(of socket: RawDescriptor, _ connections: Connections) -> Interest {
        let interest = self[socket].interest
        if interest.isEmpty { return .none }
        if let listener = self[socket].listener {
            return listener.queue.isEmpty ? .none : interest.intersection(.readable)
        }
        // One that is neither listening nor connected has hung up, says Linux.
        guard let end = self[socket].end else { return .both }
        switch connections[end].state {
        case .connecting: return .none
        case .absent, .greeted, .closed: return .both
        case .established: return interest.intersection(connections.readiness(of: end))
        }
    }

    /// Looks whether a wait of the host's driver would report something.
    mutating func findReadiness(_ connections: Connections) -> Bool {
        while let last = descriptors.listed.last {
            if !report(of: last, connections).isEmpty { return true }
            descriptors[last].isListed = false
            descriptors.listed.removeLast()
        }
        return false
    }

    /// Appends what is ready, in an order that the seed chooses.
    mutating func look(
        _ connections: Connections, using random: inout SeededRandom,
        into ready: inout [Readiness]
    ) {
        let first = ready.count
        let listed = descriptors.listed
        descriptors.listed.removeAll(keepingCapacity: true)
        for socket in listed {
            let report = report(of: socket, connections)
            descriptors[socket].isListed = !report.isEmpty
            if report.isEmpty { continue }
            descriptors.listed.append(socket)
            ready.append(Readiness(socket, report))
        }
        for last in stride(from: ready.count - 1, to: first, by: -1) {
            ready.swapAt(last, first + random.number(below: last - first + 1))
        }
    }

    /// Appends a socket that is watched although nothing is there; `first` is where the
    /// true ones begin.
    func lookForNothing(
        using random: inout SeededRandom, into ready: inout [Readiness], from first: Int
    ) {
        let reported = ready[first...].map(\.descriptor)
        let waiting = openSockets.filter {
            !self[$0].interest.isEmpty && !reported.contains($0)
        }
        guard !waiting.isEmpty else { return }
        let chosen = waiting[random.number(below: waiting.count)]
        ready.append(Readiness(chosen, self[chosen].interest))
    }
}
