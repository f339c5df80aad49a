import Foundation
import Synchronization
import Syscalls

/// An echo service in the test's own process that is honest until it is not.
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

    private struct State {
        var connections: [RawDescriptor] = []
        var answered = 0
        var isDead = false
    }

    private let address: SocketAddress
    private let listener: RawDescriptor
    private let behaviour: Behaviour
    private let state = Mutex(State())

    /// What `loadtest` is to be called with.
    var target: String { "\(address)" }
    /// How many pieces were answered.
    var answered: Int { state.withLock { $0.answered } }

    init(_ behaviour: Behaviour) throws {
        self.behaviour = behaviour
        let address = try SocketAddress("127.0.0.1:0")
        listener = try RawDescriptor.streamSocket(family: address.family)
        try listener.bind(to: address)
        try listener.listen(backlog: 1024)
        try listener.setBlocking()
        self.address = try listener.localAddress()
        Thread.detachNewThread { self.accept() }
    }

    /// Ends the service: nobody listens any more, and every connection is reset.
    func stop() { state.withLock { die(&$0) } }

    private func accept() {
        while let (connection, _) = try? listener.accept() {
            let isDead = state.withLock { state in
                if !state.isDead { state.connections.append(connection) }
                return state.isDead
            }
            if isDead {
                connection.close()
            } else {
                Thread.detachNewThread { self.serve(connection) }
            }
        }
        listener.close()
    }

    private func serve(_ connection: RawDescriptor) {
        try? connection.setBlocking()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection.number, &buffer, buffer.count, 0)
            guard count > 0, answer(Array(buffer[..<count]), on: connection) else { break }
        }
        state.withLock { state in
            state.connections.removeAll { $0 == connection }
            connection.close()
        }
    }

    /// Returns whether the connection goes on.
    private func answer(_ bytes: [UInt8], on connection: RawDescriptor) -> Bool {
        var answer = bytes
        switch behaviour {
        case .honest: break
        case .garbage: answer[answer.count / 2] ^= 1
        case .surplus: answer.append(0x2A)
        case .closing: return false
        case .resetting:
            try? connection.resetOnClose()
            return false
        case .silent: return true
        case .half: answer.removeLast(answer.count / 2)
        case .dying(let limit):
            let isTime = state.withLock { state in
                if state.answered >= limit { die(&state) }
                return state.isDead
            }
            if isTime { return false }
        }
        send(connection.number, answer, answer.count, Int32(MSG_NOSIGNAL))
        state.withLock { $0.answered += 1 }
        return true
    }

    private func die(_ state: inout State) {
        if state.isDead { return }
        state.isDead = true
        // Wakes the thread that accepts, which closes the socket.
        shutdown(listener.number, Int32(SHUT_RDWR))
        for connection in state.connections {
            try? connection.resetOnClose()
            shutdown(connection.number, Int32(SHUT_RDWR))
        }
    }
}
