import Synchronization
import Syscalls

/// Accepts connections and runs a handler for each, as a task of its own.
///
/// ```swift
/// try await StreamServer.serve(on: "127.0.0.1:7788") { connection in
///     while let bytes = try await connection.read() {
///         try await connection.write(bytes)
///     }
/// }
/// ```
///
/// A connection closes when its handler ends, however it ends. A handler that throws harms no other
/// one.
///
/// Where several loops run together, a server of one listener serves on all of them: the listener's
/// loop accepts, and hands each connection over to the loop that serves the fewest for this server.
/// A server of several listeners serves each connection on the loop of the listener that took it. A
/// handler runs on one loop from its beginning to its end.
///
///      one listener                        a listener for each loop
///
///      loop 0   accept ──┬─► handlers      loop 0   accept ──► handlers
///      loop 1            ├─► handlers      loop 1   accept ──► handlers
///      loop 2            └─► handlers      loop 2   accept ──► handlers
public final class StreamServer: Sendable {
    /// What a handler is: it owns the connection until it returns.
    public typealias ConnectionHandler =
        @concurrent @Sendable (Connection) async throws -> Void

    /// How a server treats its clients.
    public struct Options: Sendable {
        /// Connections that the kernel queues until they are accepted.
        public var backlog = 1024
        /// Connections served together, on all loops; one more is accepted and closed at once. Nil
        /// for no limit.
        public var maxConnections: Int?
        /// Time without a byte in either direction after which a connection's reads and writes fail
        /// with `.timedOut`; nil for never.
        public var idleTimeout: Duration?
        /// `.sequencedPackets` keeps messages apart, over a Unix socket.
        public var type = ConnectionType.stream
        /// Mode and owner of the file of a server on a Unix path; nil leaves them to the umask.
        public var access: SocketFileAccess?
        /// Called on the handler's loop with what a handler throws, but not with its cancellation
        /// or the end of its loop; nil says it on standard error, once a second at most.
        public var onError: (@Sendable (any Error, Connection) -> Void)?

        /// A backlog of 1,024, and no limits.
        public init() {}
    }

    /// Plain counters of one server.
    public struct Statistics: Sendable, Equatable {
        /// Connections handed to a handler.
        public var accepted = 0
        /// Connections that are being served now.
        public var open = 0
        /// The largest number that were served together.
        public var openMax = 0
        /// Connections closed at once because of `maxConnections`.
        public var refused = 0
        /// Times that accepting failed and was put off.
        public var acceptErrors = 0
        /// Handlers that threw, but for those that were cancelled or whose loop ended.
        public var handlerErrors = 0
    }

    /// What all loops of the server share.
    struct State {
        var statistics = Statistics()
        var spread: Spread
        var isServing = false
        /// The call of `serve`.
        var call = Call("", 0)
        /// Set by `stop`: how long handlers may go on; the shortest of several.
        var grace: Duration?
        /// Set by `stop`: handlers read the end of the stream where they would wait.
        var endsIdleReads = false
        /// The waits for better times, one for each listener; after `stop` the first one is for the
        /// last handler.
        var rests: [Task<Wakeup, Never>?]
    }

    let listeners: [Listener]
    /// The loops that serve; with several listeners, the loop of each.
    let loops: [EventLoop]
    let options: Options
    let state: Guarded<State>

    /// Makes a server of a listener, on all loops that run together with the listener's.
    ///
    /// It closes the listener when it ends.
    public convenience init(listener: Listener, options: Options = Options()) {
        self.init([listener], on: listener.loop.loops, options)
    }

    /// Makes a server of several listeners, at least one, each of which serves on its own loop.
    ///
    /// It closes the listeners when it ends.
    ///
    /// - Throws: `IOError` with `.outOfRange` when there is none.
    public convenience init(
        listeners: [Listener], options: Options = Options()
    ) throws(IOError) {
        if listeners.isEmpty { throw IOError(.listen, .outOfRange(0)) }
        self.init(listeners, on: listeners.map(\.loop), options)
    }

    private init(_ listeners: [Listener], on loops: [EventLoop], _ options: Options) {
        self.listeners = listeners
        self.loops = loops
        self.options = options
        state = Guarded(
            State(
                spread: Spread(over: loops.count),
                rests: Array(repeating: nil, count: listeners.count)))
    }

    /// Listens on an address or a name, "127.0.0.1:7788", "localhost:7788" or "unix:/run/app.sock",
    /// and serves until the calling task is cancelled.
    ///
    /// - Throws: `SocketAddress.ParseError` for a text that is neither, `IOError` when it cannot
    ///   listen, and `IOError` with `.cancelled`.
    public static func serve(
        on address: String, options: Options = Options(),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping ConnectionHandler
    ) async throws {
        let listener = try await Listener.bind(
            to: address, as: options.type, backlog: options.backlog, access: options.access,
            file: file, line: line)
        try await serve(listener, options, file, line, handler)
    }

    /// Listens on `address` and serves until the calling task is cancelled.
    ///
    /// - Throws: `IOError` when it cannot listen, and with `.cancelled`.
    public static func serve(
        on address: SocketAddress, options: Options = Options(),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        let listener = try await Listener.bind(
            to: address, as: options.type, backlog: options.backlog, access: options.access)
        try await serve(listener, options, file, line, handler)
    }

    private static func serve(
        _ listener: Listener, _ options: Options, _ file: SourceFile, _ line: UInt32,
        _ handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        let server = StreamServer(listener: listener, options: options)
        try await server.serve(file: file, line: line, handler: handler)
    }

    /// Where the server listens; with several listeners, where the first one does.
    public var address: SocketAddress { listeners[0].address }

    /// What the server has done until now.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Serves until `stop` is called, which lets it return, or the calling task is cancelled.
    ///
    /// - Throws: `IOError` with `.cancelled`, `.busy` when it serves already, or what made
    ///   accepting impossible. Running out of descriptors or memory does not: the server waits,
    ///   10 ms at first and up to 1 s, and tries again.
    public func serve(
        file: SourceFile = #fileID, line: UInt32 = #line, handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        let call = Call(file, line)
        let isSecond = state.withLock { state in
            if state.isServing { return true }
            state.isServing = true
            state.call = call
            return false
        }
        if isSecond { throw IOError(.accept, .busy) }
        Roster.enter(self, on: listeners[0].socket.loop)
        defer {
            Roster.leave(self)
            state.withLock { $0.isServing = false }
        }
        let failure: IOError? = await listeners[0].socket.loop.perform {
            await withTaskCancellationHandler {
                await self.acceptAndServe(handler, in: call)
            } onCancel: {
                self.cancelHandlers()
            }
        }
        if let failure { throw failure }
    }

    /// Whether `stop` was called: a handler that asks can end after the answer that it writes.
    public var isStopping: Bool { state.withLock { $0.grace != nil } }

    /// Stops accepting, lets the handlers finish for at most `grace`, and then cancels them.
    ///
    /// A handler that waits for a client which may never ask again would use up the grace. So with
    /// `endingIdle`, from now on a read of a handler's own connection gives nil, as at the end of
    /// the stream, where it would wait and nothing of a line or a length has come. What is there
    /// already is read as ever.
    ///
    /// Returns at once; `serve` returns when all of it is done. May be called from anywhere, also
    /// before `serve`, and again: the earliest end of a grace counts.
    public func stop(grace: Duration = .zero, endingIdle: Bool = true) {
        // Without a grace they are cancelled, idle or not.
        let endsIdleReads = endingIdle && grace > .zero
        let rests = state.withLock { state in
            state.grace = min(state.grace ?? grace, grace)
            state.endsIdleReads = state.endsIdleReads || endsIdleReads
            return state.rests
        }
        if endsIdleReads {
            for loop in loops { loop.executor.post(.endIdleReads(ObjectIdentifier(self))) }
        }
        for rest in rests { rest?.cancel() }
        closeListeners()
    }

    func closeListeners() {
        for listener in listeners { listener.close() }
    }
}

extension StreamServer: Accountable {
    func account(_ names: TaskNames) -> Account {
        let (counted, isStopping) = state.withLock { ($0.statistics, $0.grace != nil) }
        var figures: [Figure] = [
            Figure("open_connections", counted.open, "Connections that are being served."),
            Figure("open_connections_max", counted.openMax, "The most that were served together."),
            .total("accepted", counted.accepted, "Connections handed to a handler."),
            .total("refused", counted.refused, "Connections closed because of the limit."),
            .total("accept_errors", counted.acceptErrors, "Times that accepting was put off."),
            .total("handler_errors", counted.handlerErrors, "Handlers that threw."),
            Figure("stopping", isStopping ? 1 : 0, "Whether it was told to stop, 1 or 0."),
        ]
        if let limit = options.maxConnections {
            figures.append(Figure("connections_limit", limit, "Connections served at most."))
        }
        if let limit = options.idleTimeout {
            figures.append(
                Figure("idle_timeout_seconds", limit, "Time without a byte that it allows."))
        }
        let label = Account.Label(key: "address", value: "\(address)")
        return Account(of: self, "server", label, figures)
    }
}
