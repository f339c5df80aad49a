import Syscalls

// Bytes between programs and their sockets (recv(2), send(2), shutdown(2)).
extension Kernel {
    /// Receives at most as many bytes as the buffer holds; 0 is the end of the stream.
    ///
    /// What has arrived before the end or a reset is read first.
    mutating func receive(
        _ socket: RawDescriptor, on host: HostID, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try check(socket, on: host)
        guard let end = self[socket, host].end else { throw .notConnected }
        try checkFaults(.receive, on: host)
        if self[end].state == .connecting { throw .wouldBlock }
        let arrived = self[end.peer].stream.arrived
        guard arrived > 0 else { return try receiveNothing(at: end) }
        if buffer.isEmpty { return 0 }
        let count = faults.part(
            of: min(arrived, buffer.count), by: .receive, on: host, using: &random)
        self[end.peer].stream.bytes.take(into: .init(rebasing: buffer[..<count]))
        self[end.peer].stream.arrived -= count
        self[end.peer].stream.unacknowledged += count
        let isMuch = self[end.peer].stream.unacknowledged * 2 >= self[end].options.receiveCapacity
        if isMuch { acknowledge(from: end) }
        return count
    }

    /// What a call says when there is nothing to read.
    private mutating func receiveNothing(at end: EndID) throws(Errno) -> Int {
        if self[end].hasReceivedEnd { return 0 }
        if let error = self[end].error.take() { throw error }
        if self[end].state == .closed { return 0 }
        throw .wouldBlock
    }

    /// Tells the sender of what was read, of which it has not heard, so that it may send more.
    ///
    /// Once half of the buffer was read is soon enough: the sender has as much again to send.
    mutating func acknowledge(from end: EndID) {
        let count = self[end.peer].stream.unacknowledged
        guard count > 0, self[end].state == .established else { return }
        self[end.peer].stream.unacknowledged = 0
        send(.acknowledge(count), from: end)
    }

    /// Takes as many bytes as there is room for, and sends what the window allows.
    mutating func send(
        _ socket: RawDescriptor, on host: HostID, _ buffer: UnsafeRawBufferPointer
    ) throws(Errno) -> Int {
        try check(socket, on: host)
        guard let end = self[socket, host].end else { throw .brokenPipe }
        try checkFaults(.send, on: host)
        if self[end].state == .connecting { throw .wouldBlock }
        if let error = self[end].error.take() { throw error }
        guard self[end].state == .established, !self[end].hasEndedWriting else {
            throw .brokenPipe
        }
        let room = self[end].options.sendCapacity - self[end].stream.unsent
        if buffer.isEmpty { return 0 }
        guard room > 0 else { throw .wouldBlock }
        let count = faults.part(of: min(room, buffer.count), by: .send, on: host, using: &random)
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        trace.mix(bytes)
        self[end].stream.bytes.append(bytes)
        transmit(from: end)
        return count
    }

    /// Ends the writing half (shutdown(2), `SHUT_WR`).
    mutating func shutdownWriting(_ socket: RawDescriptor, on host: HostID) throws(Errno) {
        try check(socket, on: host)
        if self[socket, host].listener != nil { return }
        guard let end = self[socket, host].end, self[end].state != .closed else {
            throw .notConnected
        }
        if self[end].state == .connecting { return detach(socket, on: host) }
        self[end].hasEndedWriting = true
        transmit(from: end)
        touch(end)
    }
}
