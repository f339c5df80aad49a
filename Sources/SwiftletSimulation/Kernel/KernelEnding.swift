import Syscalls

// How the ends of connections go: by a failure, by `close`, or with their machine.
extension Kernel {
    /// Ends the connection at one end: its program finds the error, if it has the socket still.
    mutating func fail(_ end: EndID, with error: Errno) {
        if self[end].state == .absent { return }
        silence(end)
        if self[end].isOrphan || self[end].state == .greeted { return vanish(end) }
        cancel(self[end].timer.take())
        self[end].state = .closed
        self[end].error = error
        givePortBack(of: end)
        touch(end)
    }

    /// Makes the host of an end know nothing of it. What it has sent is still under way.
    mutating func vanish(_ end: EndID) {
        if self[end].state == .absent { return }
        if self[end].state == .greeted { leaveQueue(end) }
        cancel(self[end].timer.take())
        givePortBack(of: end)
        self[end].state = .absent
        self[end].descriptor = nil
        self[end].stream.dropUnsent()
        if self[end.peer].state == .absent { forgetPair(of: end) }
    }

    /// Resets the connection from an end, whose own host forgets it at once.
    mutating func abort(_ end: EndID) {
        self[end].stream.dropUnsent()
        self[end].hasReset = true
        send(.reset, from: end)
        vanish(end)
    }

    /// Ends the connection of a socket that is closed.
    mutating func close(_ end: EndID) {
        self[end].descriptor = nil
        guard self[end].state == .established else { return vanish(end) }
        let hasUnread = self[end.peer].stream.arrived > 0
        if self[end].options.resetsOnClose || hasUnread { return abort(end) }
        self[end].isOrphan = true
        self[end].hasEndedWriting = true
        if self[end].hasDeliveredEnd { return vanish(end) }
        transmit(from: end)
    }

    /// Ends every connection that waits to be accepted by a listener which is closed.
    mutating func close(_ listener: Listener) {
        for end in listener.greeted { abort(end) }
        for place in 0..<listener.queue.count where self[listener.queue[place]].state != .absent {
            abort(listener.queue[place])
        }
    }

    private mutating func leaveQueue(_ end: EndID) {
        let host = self[end].host
        guard let listener = self[end].listener,
            hosts[host.index].descriptors.isOpen(listener)
        else { return }
        self[listener, host].listener?.greeted.removeAll { $0 == end }
    }

    /// Nobody knows the connection any more: its place in the table is free.
    private mutating func forgetPair(of end: EndID) {
        silence(end)
        silence(end.peer)
        freePairs.append(EndID(index: end.index & ~1))
    }

    /// Takes an end's port, so that nobody else binds it.
    mutating func takePort(of end: EndID) {
        let tuple = PortTable.Tuple(local: self[end].local, remote: self[end].remote)
        let sharing = self[end].options.sharesPort
        let isNew = hosts[self[end].host.index].ports.connect(tuple, sharing: sharing)
        self[end].sharesPort = isNew ? sharing : nil
    }

    private mutating func givePortBack(of end: EndID) {
        guard let sharing = self[end].sharesPort.take() else { return }
        let tuple = PortTable.Tuple(local: self[end].local, remote: self[end].remote)
        hosts[self[end].host.index].ports.disconnect(tuple, sharing: sharing)
    }
}
