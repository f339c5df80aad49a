import Swiftlet
import Synchronization

/// What both sides of the echo service write down, so that one can be held against the other.
final class Ledger: Sendable {
    private struct State {
        var coverage = Coverage()
        /// Addresses of clients that were given a handler, and those whose handler failed.
        var begun: Set<SocketAddress> = []
        var failed: Set<SocketAddress> = []
        var server: StreamServer?
        var violation: Violation?
    }

    private let state = Mutex(State())

    func count(_ event: Coverage.Event, _ times: Int = 1) {
        state.withLock { $0.coverage.count(event, times) }
    }

    var coverage: Coverage { state.withLock { $0.coverage } }

    /// Whether a machine may crash: its code goes on until it ends, without its descriptors.
    var mayCrash: Bool { coverage[.crash] > 0 }

    // MARK: The server

    /// The server that serves now.
    var server: StreamServer? { state.withLock { $0.server } }

    /// Notes that a server begins, in the place of one that has ended.
    func begin(_ server: StreamServer) { state.withLock { $0.server = server } }

    /// Notes that a server has ended, or went down with its host.
    func end(_ server: StreamServer) {
        let statistics = server.statistics
        state.withLock { state in
            state.coverage.count(.acceptPutOff, statistics.acceptErrors)
            state.coverage.count(.turnedAway, statistics.refused)
        }
    }

    /// Notes that a handler was given a connection.
    func beginServing(_ client: SocketAddress) {
        state.withLock { _ = $0.begun.insert(client) }
    }

    /// Notes that a handler has failed.
    func failServing(_ client: SocketAddress) {
        state.withLock { _ = $0.failed.insert(client) }
    }

    /// Whether the server may end a stream of which so many bytes were echoed, although the client
    /// waits for more: it has failed there, or has turned the client away.
    func mayEndEarly(_ client: SocketAddress, received: Int) -> Bool {
        state.withLock { state in
            state.failed.contains(client) || received == 0 && !state.begun.contains(client)
        }
    }

    // MARK: Violations

    /// Keeps a violation, because the task that it is thrown to may have failed for another reason.
    @discardableResult func noted(_ violation: Violation) -> Violation {
        state.withLock { $0.violation = $0.violation ?? violation }
        return violation
    }

    /// Throws what was reported.
    func check() throws(Violation) {
        if let violation = state.withLock({ $0.violation }) { throw violation }
    }

    /// Throws when the calling task cannot have got this error by right; counts it otherwise.
    nonisolated(nonsending) func judge(_ error: IOError) async throws(Violation) {
        switch error.reason {
        case .cancelled:
            if !Task.isCancelled { throw noted(.cancelledForNoReason(error.operation)) }
        case .timedOut: count(.timedOut)
        case .system(.connectionRefused): count(.refused)
        case .system(.connectionReset): count(.reset)
        case .system(.brokenPipe): count(.brokenPipe)
        case .system(.timedOut): count(.givenUp)
        case .system(.tooManyOpenFiles): count(.noDescriptor)
        // What is broken already cannot be half-closed.
        case .system(.notConnected) where error.operation == .closeWrite: break
        case .loopEnded: break
        case .system(.badDescriptor) where mayCrash: break
        default: throw noted(.inexplicable(error))
        }
    }
}
