import Synchronization
import Syscalls

/// Accepts connections and runs a handler for each, as a task of its own.
///
/// ```swift
/// try await TCPServer.serve(on: "127.0.0.1:7788") { connection in
///     while let bytes = try await connection.read() {
///         try await connection.write(bytes)
///     }
/// }
/// ```
///
/// A connection closes when its handler ends, however it ends. A handler that throws harms nobody
/// else.
public final class TCPServer: Sendable {
    /// What a handler is: it owns the connection until it returns.
    public typealias ConnectionHandler = @Sendable (TCPConnection) async throws -> Void

    /// How a server treats its clients.
    public struct Options: Sendable {
        /// Connections that the kernel queues until they are accepted.
        public var backlog = 1024
        /// Connections served together; one more is accepted and closed at once. Nil for no limit.
        public var maxConnections: Int?
        /// Time without a byte in either direction after which a connection's reads and writes fail
        /// with `.timedOut`; nil for never.
        public var idleTimeout: Duration?
        /// Called with what a handler throws, other than its cancellation; nil counts it and says
        /// nothing.
        public var onError: (@Sendable (any Error, TCPConnection) -> Void)?

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
        /// Handlers that threw.
        public var handlerErrors = 0
    }

    private struct State {
        var statistics = Statistics()
        /// Set by `stop`: how long handlers may go on.
        var grace: Duration?
        /// The wait for better times, or after `stop` for the last handler.
        var rest: Task<Wakeup, Never>?
    }

    private let listener: TCPListener
    private let options: Options
    private let state = Guarded(State())

    /// Makes a server of a listener; it closes the listener when it ends.
    public init(listener: TCPListener, options: Options = Options()) {
        self.listener = listener
        self.options = options
    }

    /// Listens on `address` and serves until the calling task is cancelled.
    ///
    /// - Throws: `SocketAddress.ParseError` for a text that is no address, `IOError` when it cannot
    ///   listen, and `IOError` with `.cancelled`.
    public static func serve(
        on address: String, options: Options = Options(), handler: @escaping ConnectionHandler
    ) async throws {
        try await serve(on: SocketAddress(address), options: options, handler: handler)
    }

    /// Listens on `address` and serves until the calling task is cancelled.
    ///
    /// - Throws: `IOError` when it cannot listen, and with `.cancelled`.
    public static func serve(
        on address: SocketAddress, options: Options = Options(),
        handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        let listener = try await TCPListener.bind(to: address, backlog: options.backlog)
        try await TCPServer(listener: listener, options: options).serve(handler: handler)
    }

    /// Where the server listens.
    public var address: SocketAddress { listener.address }

    /// What the server has done until now.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Serves until `stop` is called, which lets it return, or the calling task is cancelled.
    ///
    /// - Throws: `IOError` with `.cancelled`, or what made accepting impossible. Running out of
    ///   descriptors or memory does not: the server waits, 10 ms at first and up to 1 s, and tries
    ///   again.
    public func serve(handler: @escaping ConnectionHandler) async throws(IOError) {
        let loop = listener.socket.loop
        let failure: IOError? = await withTaskExecutorPreference(loop) {
            await withTaskCancellationHandler {
                await acceptAndServe(handler)
            } onCancel: {
                cancelHandlers()
            }
        }
        if let failure { throw failure }
    }

    /// Stops accepting, lets the handlers finish for at most `grace`, and then cancels them.
    ///
    /// Returns at once; `serve` returns when all of it is done. May be called from anywhere, also
    /// before `serve`, and again with a shorter grace.
    public func stop(grace: Duration = .zero) {
        let rest = state.withLock { state in
            let isShorter = state.grace.map { grace < $0 } ?? true
            if isShorter { state.grace = grace }
            return isShorter ? state.rest : nil
        }
        rest?.cancel()
        listener.close()
    }

    private func acceptAndServe(_ handler: @escaping ConnectionHandler) async -> IOError? {
        await withDiscardingTaskGroup { group in
            let failure = await acceptAll { connection in
                group.addTask(executorPreference: listener.socket.loop) {
                    await self.serve(connection, with: handler)
                }
            }
            listener.close()
            if failure == nil { await drain() }
            group.cancelAll()
            cancelHandlers()
            return failure
        }
    }

    /// Passes the cancellation of the group on to the tasks that are parked on their own
    /// connection.
    private func cancelHandlers() { listener.socket.loop.post(.cancelHandlers(listener.socket.id)) }

    // MARK: Accepting

    /// Accepts until it must end: nil after `stop`, otherwise the reason.
    private func acceptAll(_ start: (TCPConnection) -> Void) async -> IOError? {
        var pause = Duration.milliseconds(10)
        while true {
            do throws(IOError) {
                let connection = try await listener.accept(idleTimeout: options.idleTimeout)
                pause = .milliseconds(10)
                if admit() { start(connection) } else { connection.close() }
            } catch {
                if state.withLock({ $0.grace != nil }) { return nil }
                guard case .system(let errno) = error.reason, errno.meansExhaustion else {
                    return error
                }
                state.withLock { $0.statistics.acceptErrors += 1 }
                // Level-triggered readiness would report the waiting client for ever: wait for
                // better times.
                let reason = await rest { $0.grace == nil ? pause : nil }
                if let reason, reason != .cancelled || Task.isCancelled {
                    return IOError(.accept, reason)
                }
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    /// Counts a connection in; false when there are too many.
    private func admit() -> Bool {
        state.withLock { state in
            if let limit = options.maxConnections, state.statistics.open >= limit {
                state.statistics.refused += 1
                return false
            }
            state.statistics.accepted += 1
            state.statistics.open += 1
            state.statistics.openMax = max(state.statistics.openMax, state.statistics.open)
            return true
        }
    }

    // MARK: Serving

    // Every idle connection is parked in here, so little is kept across the await: a task whose
    // frames fit its first slab, about a kilobyte, needs no second one.

    private func serve(_ connection: TCPConnection, with handler: ConnectionHandler) async {
        do {
            connection.socket.beginOwning(for: listener.socket.id)
            try await handler(connection)
            finish(connection, nil)
        } catch {
            finish(connection, error)
        }
    }

    private func finish(_ connection: TCPConnection, _ failure: (any Error)?) {
        connection.close()
        let isCancelled =
            (failure as? IOError)?.reason == .cancelled || failure is CancellationError
        let rest = state.withLock { state in
            state.statistics.open -= 1
            if failure != nil, !isCancelled { state.statistics.handlerErrors += 1 }
            return state.grace != nil && state.statistics.open == 0 ? state.rest : nil
        }
        rest?.cancel()
        if let failure, !isCancelled { options.onError?(failure, connection) }
    }

    // MARK: Waiting

    /// Waits until the last handler has ended, or the grace is over, or the calling task is
    /// cancelled.
    private func drain() async {
        func grace(_ state: State) -> Duration? { state.statistics.open > 0 ? state.grace : nil }
        // A second `stop` with a shorter grace ends the wait, and it begins anew.
        while await rest(grace) == .cancelled, !Task.isCancelled {}
    }

    /// Sleeps for as long as `duration` says, or not at all when it says nil.
    ///
    /// `stop`, after it the end of the last handler, and the cancellation of the calling task cut
    /// it short; the reason is `.cancelled` then, and nil when the time has passed.
    private func rest(_ duration: (State) -> Duration?) async -> IOError.Reason? {
        let loop = listener.socket.loop
        let rest: Task<Wakeup, Never>? = state.withLock { state in
            guard let duration = duration(state), duration > .zero else { return nil }
            let task = Task<Wakeup, Never>(executorPreference: loop) {
                await loop.sleep(until: loop.now.advanced(by: duration))
            }
            state.rest = task
            return task
        }
        guard let rest else { return nil }
        let wakeup = await withTaskCancellationHandler {
            await rest.value
        } onCancel: {
            rest.cancel()
        }
        state.withLock { $0.rest = nil }
        if case .timedOut = wakeup { return nil }
        return wakeup.reason
    }
}
