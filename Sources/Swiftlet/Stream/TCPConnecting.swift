import Drivers
import Syscalls

// Connecting: open, start, park until the socket is writable, and ask how it went.
extension LoopExecutor {
    /// Opens a connection. The caller is on the loop's thread.
    func connect(
        to address: SocketAddress, timeout: Duration?, in call: Call
    ) async throws(IOError) -> TCPConnection {
        if state.isEnding { throw IOError(.connect, .loopEnded) }
        let socket = try openSocket(for: address, .connect)
        do throws(IOError) {
            try await socket.connect(
                to: address, until: socket.deadline(after: timeout), in: call)
        } catch {
            socket.close()
            throw error
        }
        return TCPConnection(socket: socket)
    }

    /// Opens a socket that belongs to this loop.
    func openSocket(
        for address: SocketAddress, _ operation: IOError.Operation
    ) throws(IOError) -> Socket {
        do throws(Errno) {
            return Socket(adopting: try sockets.open(for: address), peer: address, on: self)
        } catch {
            throw IOError(operation, .system(error))
        }
    }
}

extension Socket {
    /// Connects and waits for the outcome, which the kernel keeps as the socket's pending error.
    fileprivate nonisolated(nonsending)
        func connect(
            to address: SocketAddress, until deadline: Instant, in call: Call
        ) async throws(IOError)
    {
        let isUp = try attempt(.connect) { descriptor throws(Errno) in
            try loop.sockets.setOption(.noDelay, of: descriptor, to: 1)
            return try loop.sockets.connect(descriptor, to: address)
        }
        if isUp { return }
        loop.state.targets[descriptor] = address
        defer { loop.state.targets[descriptor] = nil }
        repeat {
            try await park(for: .write, .connect, until: deadline, in: call)
        } while try !isConnected()
    }

    /// Whether the attempt has succeeded; throws when it has failed.
    ///
    /// Readiness is a hint, and may have been meant for an earlier owner of the descriptor's
    /// number: only a connection that is up has a peer.
    private func isConnected() throws(IOError) -> Bool {
        try attempt(.connect) { descriptor throws(Errno) in
            if let error = try loop.sockets.takeError(descriptor) { throw error }
            do throws(Errno) {
                _ = try loop.sockets.remoteAddress(descriptor)
                return true
            } catch .notConnected {
                return false
            }
        }
    }
}
