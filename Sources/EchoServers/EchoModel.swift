import Syscalls

/// How an echo service is served.
package enum EchoModel: String, CaseIterable, Sendable {
    /// A task for each connection, on an event loop.
    case coroutine

    /// The service of this model, as the options ask for it.
    func makeService(_ options: EchoOptions) -> any EchoService {
        switch self {
        case .coroutine: CoroutineEcho(options: options)
        }
    }
}

/// One way to serve an echo; each has a file of its own.
///
/// The contract that all of them keep, and that `loadtest/Conformance` and `Tests/CommandTests`
/// hold them to: every byte comes back in order, a half-closed connection is answered in full and
/// then closed, a client that resets harms nobody else, one that never reads costs bounded memory,
/// and when the service returns, every descriptor, thread and process that it took is gone.
protocol EchoService {
    /// Serves until a signal says stop.
    ///
    /// - Parameters:
    ///   - signals: the signals that stop it, blocked already.
    ///   - onReady: called with the address when it listens.
    /// - Returns: what was counted.
    /// - Throws: `IOError` when it cannot listen or wait.
    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters
}
