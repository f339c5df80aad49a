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
    private let threads = Guarded<[RunningThread]>([])
    private let peers = Guarded<[Peer]>([])
    private let answers = Atomic(0)
    private let isStopped = Guarded(false)

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
        peers.withLock { $0.append(peer) }
        let thread = try? RunningThread.start {
            behaviour(peer)
            peer.close()
        }
        if let thread { threads.withLock { $0.append(thread) } }
    }

    func countAnswer() { answers.add(1, ordering: .relaxed) }

    /// Takes no further connection, and resets those that there are.
    package func die() {
        stopAccepting()
        for peer in peers.withLock({ $0 }) {
            peer.reset()
            peer.hangUp()
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
        while peers.withLock({ $0.count }) < count { sched_yield() }
        let serving = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in serving { thread.join() }
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
        for peer in peers.withLock({ $0 }) { peer.hangUp() }
        for thread in threads.withLock({ $0 }) { thread.join() }
        listener.close()
    }
}
