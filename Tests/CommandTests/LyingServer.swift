import Foundation
import Synchronization
import Syscalls

/// An echo service in the test's own process that is honest until it is not; one thread serves it
/// all.
final class LyingServer: Sendable {
    enum Behaviour: Sendable {
        case honest
        /// Sends one bit wrong in every answer.
        case garbage
        /// Sends one byte more than it got.
        case surplus
        /// Closes as soon as something was sent.
        case closing
        /// Resets as soon as something was sent.
        case resetting
        /// Reads and never answers.
        case silent
        /// Sends half of what it got.
        case half
        /// Echoes so many pieces, and then resets everything and listens no more.
        case dying(after: Int)
    }

    private let address: SocketAddress
    private let listener: RawDescriptor
    private let behaviour: Behaviour
    private let count = Atomic(0)

    /// What `loadtest` is to be called with.
    var target: String { "\(address)" }
    /// How many pieces were answered.
    var answered: Int { count.load(ordering: .relaxed) }

    init(_ behaviour: Behaviour) throws {
        self.behaviour = behaviour
        let address = try SocketAddress("127.0.0.1:0")
        listener = try RawDescriptor.streamSocket(family: address.family)
        try listener.bind(to: address)
        try listener.listen(backlog: 1024)
        self.address = try listener.localAddress()
        Thread.detachNewThread { self.serve() }
    }

    // Not earlier: a number that is closed may at once be another test's socket.
    deinit { listener.close() }

    /// Ends the service: nobody listens any more, and the thread resets every connection.
    func stop() { shutdown(listener.number, Int32(SHUT_RDWR)) }

    private func serve() {
        var connections: [RawDescriptor] = []
        while true {
            var entries = ([listener] + connections).map {
                pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
            }
            poll(&entries, nfds_t(entries.count), -1)
            for entry in entries.dropFirst() where entry.revents != 0 {
                let connection = RawDescriptor(entry.fd)
                if goesOn(connection) { continue }
                connection.close()
                connections.removeAll { $0 == connection }
            }
            if entries[0].revents & Int16(POLLHUP) != 0 || isTimeToDie { break }
            while let (connection, _) = try? listener.accept() { connections.append(connection) }
        }
        stop()
        for connection in connections {
            try? connection.resetOnClose()
            connection.close()
        }
    }

    private var isTimeToDie: Bool {
        if case .dying(let limit) = behaviour { answered >= limit } else { false }
    }

    /// Answers what has come; returns whether the connection stays open.
    private func goesOn(_ connection: RawDescriptor) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let received = recv(connection.number, &bytes, bytes.count, 0)
        guard received > 0 else { return false }
        bytes.removeLast(bytes.count - received)
        switch behaviour {
        case .honest, .dying: break
        case .garbage: bytes[received / 2] ^= 1
        case .surplus: bytes.append(0x2A)
        case .closing: return false
        case .resetting:
            try? connection.resetOnClose()
            return false
        case .silent: return true
        case .half: bytes.removeLast(received / 2)
        }
        send(connection.number, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        count.add(1, ordering: .relaxed)
        return true
    }
}
