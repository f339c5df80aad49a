import Syscalls

// Many datagrams of one size, which the kernel cuts (`UDP_SEGMENT`, udp(7)).
extension DatagramSocket {
    /// Segments that the kernel cuts in one call at most, on any that can.
    private static let segmentsMax = 64
    /// Bytes of one call: those of the longest datagram.
    private static let bytesMax = 65_507

    /// Sends bytes as datagrams of one size, of which the last one may be shorter; in few system
    /// calls where the kernel cuts them, and otherwise in one for each.
    ///
    /// - Parameters:
    ///   - bytes: what to send; none sends nothing.
    ///   - size: bytes of each datagram, 1 to 65,507; of more than a packet can hold each is
    ///     sent in a call of its own, and in fragments.
    ///   - target: the receiver; nil is the peer of a connected socket.
    ///   - source: the address of this machine to send from, as for `send`.
    ///   - timeout: how long it may wait for room, all in all for each call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Throws: as `send`, and `.outOfRange` for a size that no datagram has. What was sent by
    ///   then is not known.
    public func sendSegments(
        _ bytes: [UInt8], of size: Int, to target: SocketAddress? = nil,
        from source: SocketAddress? = nil, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        guard (1...DatagramSocket.bytesMax).contains(size) else {
            throw IOError(.send, .outOfRange(size))
        }
        let count = min(DatagramSocket.segmentsMax, DatagramSocket.bytesMax / size)
        var route = DatagramRoute(to: target, from: source)
        var (rest, most) = (bytes[...], count * size)
        while !rest.isEmpty {
            let piece = rest.prefix(most)
            route.segmentSize = piece.count > size ? size : 0
            do throws(IOError) {
                try await send(piece, route, timeout, Call(file, line))
            } catch {
                // A kernel, a socket or an interface that does not cut.
                guard most > size, error.reason.meansNoSegments else { throw error }
                most = size
                continue
            }
            rest = rest.dropFirst(most)
        }
    }

    private func send(
        _ piece: ArraySlice<UInt8>, _ route: DatagramRoute, _ timeout: Duration?, _ call: Call
    ) async throws(IOError) {
        // The slice is here until all is sent, and so is its memory.
        defer { extendLifetime(piece) }
        let memory = piece.span.bytes.withUnsafeBytes { Outgoing($0) }
        try await socket.sendDatagram(memory, route, timeout: timeout, in: call)
    }
}

extension IOError.Reason {
    /// Whether the kernel says that it does not cut what is sent (udp(7)).
    fileprivate var meansNoSegments: Bool {
        // Newer ones say that a segment is too long for a packet: alone it is sent in fragments.
        if case .datagramTooLong = self { return true }
        return self == .system(.invalidArgument) || self == .system(.inputOutput)
    }
}
