import Syscalls

// The sockets of all hosts as text, for the report of a failure.
extension Kernel {
    /// Every socket of every host, a line each, and then the ends that have none (any more).
    var socketTable: [String] {
        hosts.indices.flatMap { index in
            let host = HostID(index: index)
            let open = hosts[index].descriptors.open.map { line(for: $0, on: host) }
            let others = ends.indices.filter {
                ends[$0].host == host && ends[$0].descriptor == nil && ends[$0].state != .absent
            }
            return open + others.map { "\(hosts[index].name)  -  \(text(of: EndID(index: $0)))" }
        }
    }

    /// How many sockets a host has open.
    func openCount(on host: HostID) -> Int { hosts[host.index].descriptors.count }

    private func line(for socket: RawDescriptor, on host: HostID) -> String {
        let open = self[socket, host]
        let head = "\(hosts[host.index].name)  \(socket)  "
        if let end = open.end { return head + text(of: end) }
        let local = open.local.map { " \($0)" } ?? ""
        guard let listener = open.listener else { return head + "fresh" + local }
        return head
            + "listening\(local), \(listener.queue.count) to accept, "
            + "\(listener.greeted.count) half open, backlog \(listener.backlog)"
    }

    private func text(of id: EndID) -> String {
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
