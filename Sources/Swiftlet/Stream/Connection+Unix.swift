import Drivers
import Syscalls

// What only Unix sockets have: pairs, credentials, and a way to connect that no driver tells of.
extension Connection {
    /// Two connections of the calling loop, each the other's peer, without an address
    /// (socketpair(2)).
    ///
    /// - Returns: both; each closes when its last copy goes.
    /// - Throws: `IOError` of `open`, such as "open: Too many open files".
    public static func pair(
        as type: ConnectionType = .stream
    ) async throws(IOError) -> (Connection, Connection) {
        let loop = try EventLoop.require(.open).executor
        return try await loop.perform { () async throws(IOError) in
            if loop.state.isEnding {
                throw IOError(.open, await loop.refuse(in: Call(#fileID, #line)))
            }
            do throws(Errno) {
                let (one, other) = try loop.sockets.openPair(as: type)
                let nowhere = SocketAddress(unixName: [])
                return (
                    Connection(socket: Socket(adopting: one, peer: nowhere, on: loop)),
                    Connection(socket: Socket(adopting: other, peer: nowhere, on: loop))
                )
            } catch {
                throw IOError(.open, .system(error))
            }
        }
    }

    /// The process at the other end of a Unix socket, as it was when it connected, or when it
    /// listened (`SO_PEERCRED`, unix(7)).
    ///
    /// - Throws: `IOError` with `.closed`, or what the kernel says: "Transport endpoint is not
    ///   connected" for a connection of another kind.
    public var peerCredentials: PeerCredentials {
        get async throws(IOError) {
            try await socket.perform(.option) { sockets, descriptor throws(Errno) in
                try sockets.peerCredentials(of: descriptor)
            }
        }
    }
}

extension Socket {
    /// Connects to the name of a Unix socket. The caller is on the loop's thread.
    ///
    /// The kernel answers at once. While the backlog of the listener is full it says "would block",
    /// and tells nobody when that is over (connect(2)): so this asks again, 1 ms later at first and
    /// every 50 ms at last.
    func connectToName(
        _ name: SocketAddress, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        var pause = Pause()
        while true {
            do throws(IOError) {
                let isUp = try attempt(.connect) { descriptor throws(Errno) in
                    try loop.sockets.connect(descriptor, to: name)
                }
                // A signal may cut it short, where the path is on a file system that waits.
                if isUp { return }
            } catch {
                guard error.reason == .system(.wouldBlock) else { throw error }
            }
            try await rest(for: &pause, .connect, until: deadline, in: call)
        }
    }
}
