import Syscalls

/// How an echo service is served.
package enum EchoModel: String, CaseIterable, Sendable {
    /// A task for each connection, on an event loop.
    case coroutine
    /// One client after the other.
    case iterative
    /// A process for each connection.
    case fork
    /// A thread for each connection.
    case threads
    /// Non-blocking sockets, tried one after the other without asking who is ready.
    case sweep
    /// A hand-written loop over select(2).
    case select
    /// A hand-written loop over poll(2).
    case poll
    /// A hand-written loop over epoll(7), level-triggered.
    case epoll
    /// A hand-written loop over epoll(7), edge-triggered.
    case epollEdge = "epoll-et"
    /// A hand-written loop over io_uring(7), by completions.
    case ioUring = "io_uring"

    /// Whether the second client waits until the first one has gone.
    package var servesOneAtATime: Bool { self == .iterative }

    /// Options of what only event loops with tasks have.
    private static let ofTheRuntime = ["driver", "loops", "reuse-port", "idle-timeout"]

    /// Options that mean nothing to this model. Who gives one is told.
    var foreignOptions: [String] {
        switch self {
        case .coroutine: []
        case .iterative: EchoModel.ofTheRuntime + ["max-connections"]
        default: EchoModel.ofTheRuntime
        }
    }

    /// The service of this model, as the options ask for it.
    func makeService(_ options: EchoOptions) -> any EchoService {
        switch self {
        case .coroutine: CoroutineEcho(options: options)
        case .iterative: IterativeEcho(options: options)
        case .fork: ForkEcho(options: options)
        case .threads: ThreadsEcho(options: options)
        case .sweep: SweepEcho(options: options)
        case .select: SelectEcho(options: options)
        case .poll: PollEcho(options: options)
        case .epoll: EpollEcho(options: options)
        case .epollEdge: EdgeEpollEcho(options: options)
        case .ioUring: IOUringEcho(options: options)
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
