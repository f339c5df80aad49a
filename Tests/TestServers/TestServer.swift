import Glibc
import Synchronization
import Syscalls

/// A server for one test: it accepts, and does with each connection what the test says.
///
/// It stands on blocking calls and on nothing that is tested here. `stop` ends every thread.
package final class TestServer: Sendable {
    package let address: SocketAddress
    private let listener: RawDescriptor
    private let accepting = Guarded<RunningThread?>(nil)
    private let servings = Guarded<[Serving]>([])
    private let arrived = Atomic(0)
    private let answers = Atomic(0)
    private let isStopped = Guarded(false)

    private struct Serving {
        let peer: Peer
        let thread: RunningThread
    }

    /// What a command is to be called with.
    package var target: String { "\(address)" }
    /// How many pieces were answered, on all connections.
    package var answered: Int { answers.load(ordering: .relaxed) }

    package init(_ behaviour: @escaping @Sendable (Peer) -> Void) throws {
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        try listener.listen(backlog: 1024)
        try listener.setBlocking()
        self.listener = listener
        address = try listener.localAddress()
        let thread = try RunningThread.start { [self] in
            var number = 0
            while let (socket, _) = try? listener.accept() {
                serve(Peer(socket: socket, number: number, server: self), behaviour)
                number += 1
            }
        }
        accepting.withLock { $0 = thread }
    }

    private func serve(_ peer: Peer, _ behaviour: @escaping @Sendable (Peer) -> Void) {
        try? peer.socket.setBlocking()
        try? peer.socket.setOption(.noDelay, to: 1)
        let thread = try? RunningThread.start {
            behaviour(peer)
            peer.close()
            peer.isServed.store(true, ordering: .releasing)
        }
        if let thread { servings.withLock { $0.append(Serving(peer: peer, thread: thread)) } }
        // A thread keeps its stack until it is joined, and there may be thousands of connections.
        if peer.number % 100 == 99 { joinEnded() }
        arrived.add(1, ordering: .releasing)
    }

    private func joinEnded() {
        servings.withLock { servings in
            servings.removeAll { serving in
                guard serving.peer.isServed.load(ordering: .acquiring) else { return false }
                serving.thread.join()
                return true
            }
        }
    }

    func countAnswer() { answers.add(1, ordering: .relaxed) }

    /// Takes no further connection, and resets those that there are.
    package func die() {
        stopAccepting()
        for serving in servings.withLock({ $0 }) {
            serving.peer.reset()
            serving.peer.hangUp()
        }
    }

    /// Takes no further connection.
    package func stopAccepting() {
        shutdown(listener.number, CInt(SHUT_RDWR))
        accepting.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// Waits until so many connections have come, and every one of them has ended by itself.
    package func waitForPeers(_ count: Int = 0) {
        while arrived.load(ordering: .acquiring) < count { sched_yield() }
        let ending = servings.withLock { servings in
            defer { servings = [] }
            return servings
        }
        for serving in ending { serving.thread.join() }
    }

    /// Ends everything; call it at the end of the test.
    ///
    /// A second call does nothing: the listener's number may be another test's by then.
    package func stop() {
        let wasStopped = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return isStopped
        }
        if wasStopped { return }
        stopAccepting()
        for serving in servings.withLock({ $0 }) { serving.peer.hangUp() }
        for serving in servings.withLock({ $0 }) { serving.thread.join() }
        listener.close()
    }
}
