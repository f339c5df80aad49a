import Drivers
import Syscalls

/// A connection that was accepted and that no loop has taken in yet.
///
/// Nobody is parked on it and no driver knows of it, so it may go to any loop.
struct Arrival: Sendable {
    let descriptor: RawDescriptor
    let peer: SocketAddress

    /// Makes it a connection of `loop`. The caller is on that loop's thread.
    func adopt(on loop: LoopExecutor, idleTimeout: Duration?) -> TCPConnection {
        let socket = Socket(adopting: descriptor, peer: peer, on: loop, idleTimeout: idleTimeout)
        // An option that a connection will not take does not make it a worse connection.
        try? loop.sockets.setOption(.noDelay, of: descriptor, to: 1)
        return TCPConnection(socket: socket)
    }
}

extension Socket {
    /// Waits for a connection. The caller is on the loop's thread.
    nonisolated(nonsending)
        func accept(in call: Call) async throws(IOError) -> Arrival
    {
        try beginReading(.accept)
        defer { endReading() }
        while true {
            if !loop.spend() { try await yield(.accept) }
            if let arrival = try tryAccepting() { return arrival }
            try await park(for: .read, .accept, until: .never, in: call)
        }
    }

    /// Asks the kernel until it has a good connection or none; nil when it would block.
    private func tryAccepting() throws(IOError) -> Arrival? {
        while true {
            do throws(Errno) {
                let (descriptor, peer) = try loop.sockets.accept(descriptor)
                if let peer { return Arrival(descriptor: descriptor, peer: peer) }
                loop.sockets.close(descriptor)
            } catch .wouldBlock {
                loop.state.statistics.wouldBlocks += 1
                return nil
            } catch {
                // Linux hands over what happened to the connection while it waited in the queue
                // (accept(2)).
                if !error.concernsOneConnection { throw IOError(.accept, .system(error)) }
            }
        }
    }
}
