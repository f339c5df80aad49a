import Drivers
import Syscalls

// Ending a connection in its various ways, its addresses and its options.
extension TCPConnection {
    /// Ends the writing half: the peer reads the end of the stream, and may go on writing
    /// (shutdown(2), `SHUT_WR`).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func closeWrite() async throws(IOError) {
        let socket = socket
        try await socket.loop.perform { () async throws(IOError) in try socket.shutdownWriting() }
    }

    /// Closes the connection. Whoever is parked on it is resumed with a `closed` error; again does
    /// nothing.
    ///
    /// From another thread than the loop's it returns before the loop has done so.
    public func close() { socket.close() }

    /// Closes the connection with a reset: the peer's next call fails, and nothing lingers in the
    /// kernel (`SO_LINGER` of 0 seconds, socket(7)).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func reset() async throws(IOError) {
        let socket = socket
        try await socket.loop.perform { () async throws(IOError) in
            try socket.attempt(.option) { descriptor throws(Errno) in
                try socket.loop.sockets.resetOnClose(descriptor)
            }
            socket.close()
        }
    }

    /// The address of this end (getsockname(2)).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public var localAddress: SocketAddress {
        get async throws(IOError) { try await socket.localAddress() }
    }

    /// Reads a socket option (getsockopt(2)).
    ///
    /// - Returns: 0 or 1, bytes or seconds, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func option(_ option: SocketOption) async throws(IOError) -> Int {
        try await socket.option(option)
    }

    /// Sets a socket option (setsockopt(2)).
    ///
    /// - Parameters:
    ///   - option: which one.
    ///   - value: 0 or 1, bytes or seconds, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says: "Invalid argument" for a value
    ///   that the option does not take.
    public func setOption(_ option: SocketOption, to value: Int) async throws(IOError) {
        try await socket.setOption(option, to: value)
    }
}

// Calls that never wait and are too rare to deserve a short cut: always by way of the loop.
extension Socket {
    func localAddress() async throws(IOError) -> SocketAddress {
        try await loop.perform { () async throws(IOError) in
            try self.attempt(.address) { descriptor throws(Errno) in
                try self.loop.sockets.localAddress(descriptor)
            }
        }
    }

    func option(_ option: SocketOption) async throws(IOError) -> Int {
        try await loop.perform { () async throws(IOError) in
            try self.attempt(.option) { descriptor throws(Errno) in
                try self.loop.sockets.option(option, of: descriptor)
            }
        }
    }

    func setOption(_ option: SocketOption, to value: Int) async throws(IOError) {
        try await loop.perform { () async throws(IOError) in
            try self.attempt(.option) { descriptor throws(Errno) in
                try self.loop.sockets.setOption(option, of: descriptor, to: value)
            }
        }
    }
}
