import Drivers
import Syscalls

/// How an echo service is served. What is known of each model stands in the file of its service.
package enum EchoModel: String, CaseIterable, Sendable {
    /// A task for each connection, on an event loop.
    case coroutine
    /// One client after the other.
    case iterative
    /// A process for each connection.
    case fork
    /// A thread for each connection.
    case threads
    /// Non-blocking sockets, tried one after the other without asking which is ready.
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

    /// How a model deals with many clients.
    package enum Shape: Sendable {
        /// All of them in one thread, or in one for each event loop.
        case together
        /// One to its end, and then the next.
        case oneAtATime
        /// A process or a thread for each.
        case taskEach
    }

    /// The service of this model.
    var service: any EchoService.Type {
        switch self {
        case .coroutine: CoroutineEcho.self
        case .iterative: IterativeEcho.self
        case .fork: ForkEcho.self
        case .threads: ThreadsEcho.self
        case .sweep: SweepEcho.self
        case .select: SelectEcho.self
        case .poll: PollEcho.self
        case .epoll: EpollEcho.self
        case .epollEdge: EdgeEpollEcho.self
        case .ioUring: IOUringEcho.self
        }
    }

    /// How it deals with many clients.
    package var shape: Shape { service.shape }

    /// Whether it serves datagrams, too.
    package var servesDatagrams: Bool { service.servesDatagrams }

    /// The system call that this model stands for, which its counters must show.
    package func ownCall(over driver: DriverKind) -> String {
        self == .coroutine ? driver.waitCall : service.ownCall
    }

    /// The calls that tell the models apart: all of them receive, and only some make one of these.
    package static let tellingCalls = Set(
        allCases.map { $0.ownCall(over: .poll) } + DriverKind.allCases.map(\.waitCall)
    ).subtracting(["recv"])

    /// Why it costs what it costs: when all clients talk, and when hardly any does.
    package var story: String { service.story }

    /// Options that mean nothing to this model: to give one is an error.
    var foreignOptions: [String] {
        let ofEventLoops = [
            "driver", "loops", "reuse-port", "idle-timeout", "inspect", "batch",
        ]
        return switch self {
        case .coroutine: []
        case .iterative: ofEventLoops + ["max-connections"]
        default: ofEventLoops
        }
    }
}

/// One way to serve an echo; each has a file of its own.
///
/// The contract, which `loadtest/Conformance` and `Tests/CommandTests` hold every model to: each
/// byte comes back in order, a half-closed connection is answered in full and then closed, a client
/// that resets harms no other, one that never reads costs bounded memory, and when the service
/// returns, every descriptor, thread and process that it took is gone.
protocol EchoService {
    /// How it deals with many clients.
    static var shape: EchoModel.Shape { get }
    /// Whether it serves datagrams, too.
    static var servesDatagrams: Bool { get }
    /// The system call that it stands for, by its name in the counters: the wait of its loop, or
    /// what stands in its place.
    static var ownCall: String { get }
    /// Why it costs what it costs, as a paragraph for readers of a comparison.
    static var story: String { get }

    /// Serves until a signal says stop.
    ///
    /// - Parameters:
    ///   - options: where and how it serves.
    ///   - signals: the signals that stop it, blocked already.
    ///   - onReady: called with the address when it listens.
    /// - Returns: what was counted.
    /// - Throws: `IOError` when it cannot listen or wait.
    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters
}

extension EchoService {
    static var shape: EchoModel.Shape { .together }
    static var servesDatagrams: Bool { false }
}
