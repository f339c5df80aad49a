import Syscalls

/// Receives datagrams and runs a handler for each of them, or for each peer, as a task of its own.
///
/// ```swift
/// try await DatagramServer.serve(on: "127.0.0.1:7788") { datagram in
///     try await datagram.reply(datagram.bytes)
/// }
/// ```
///
/// A datagram has at most 65,536 bytes here; the rest of a longer one of a Unix socket is gone,
/// which `received.isTruncated` tells.
///
/// Nothing is queued without bound: a datagram for which no handler may begin, or whose peer has
/// too many waiting, is dropped and counted. A handler that throws harms no other one. Handlers run
/// on the loop of the socket that received; for several loops see `DatagramSocket.bindOnEachLoop`.
public final class DatagramServer: Sendable {
    /// What handles one datagram.
    public typealias DatagramHandler = @concurrent @Sendable (Datagram) async throws -> Void
    /// What handles all datagrams of one peer.
    public typealias PeerHandler = @concurrent @Sendable (DatagramPeer) async throws -> Void

    /// How a server treats its clients.
    public struct Options: Sendable {
        /// Handlers that run together, on all sockets; what would need one more is dropped.
        public var maxHandlers = 1_024
        /// Datagrams that wait for the handler of their peer, at least 1; one more is dropped. Each
        /// can have 64 KiB: with what is usual, all together wait in 4 GiB at most.
        public var maxWaiting = 64
        /// Time without a datagram after which a peer's `receive` gives nil; nil for never.
        public var idleTimeout: Duration? = .seconds(60)
        /// Socket options that are set before a socket is bound.
        public var socketOptions: [SocketOption: Int] = [:]
        /// Called on the handler's loop with what a handler throws, and the address of its peer,
        /// but not with its cancellation or the end of its loop; nil says it on standard error,
        /// once a second at most.
        public var onError: (@Sendable (any Error, SocketAddress) -> Void)?

        /// 1,024 handlers, 64 datagrams that wait for each peer's, and a minute of silence.
        public init() {}
    }

    /// Plain counters of one server.
    public struct Statistics: Sendable, Equatable {
        /// Datagrams that were received, the dropped ones too.
        public var received = 0
        /// Datagrams that were dropped: no handler might begin, or too many waited for their
        /// peer's, or it ended before it had received them, or what sent them has no address.
        public var dropped = 0
        /// Handlers that run now.
        public var open = 0
        /// The largest number that ran together.
        public var openMax = 0
        /// Times that receiving failed: the server goes on.
        public var receiveErrors = 0
        /// Handlers that threw, but for those that were cancelled or whose loop ended.
        public var handlerErrors = 0
    }

    /// What all sockets of the server share.
    struct State {
        var statistics = Statistics()
        var isServing = false
        /// The call of `serve`.
        var call = Call("", 0)
        /// Set by `stop`: how long handlers may go on; the shortest of several.
        var grace: Duration?
        /// The waits of each socket: for better times, and after `stop` for the last handler.
        var rests: [Task<Wakeup, Never>?]
        /// The peers of each socket that have a handler.
        var peers: [[SocketAddress: DatagramPeer]]
    }

    let sockets: [DatagramSocket]
    let options: Options
    let state: Guarded<State>

    /// Makes a server of sockets, at least one, each of which serves on its own loop.
    ///
    /// It closes them when it ends.
    ///
    /// - Throws: `IOError` with `.outOfRange` when there is none.
    public init(sockets: [DatagramSocket], options: Options = Options()) throws(IOError) {
        if sockets.isEmpty { throw IOError(.receive, .outOfRange(0)) }
        self.sockets = sockets
        self.options = options
        state = Guarded(
            State(
                rests: Array(repeating: nil, count: sockets.count),
                peers: Array(repeating: [:], count: sockets.count)))
    }

    /// Receives on addresses or names, "127.0.0.1:7788", "localhost:7788" or "unix:/run/app.sock",
    /// and runs a handler for each datagram until the calling task is cancelled.
    ///
    /// - Throws: `SocketAddress.ParseError` for a text that is neither, `IOError` when it cannot
    ///   bind, and `IOError` with `.cancelled`.
    public static func serve(
        on addresses: String..., options: Options = Options(),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping DatagramHandler
    ) async throws {
        try await bind(to: addresses, options).serve(file: file, line: line, handler: handler)
    }

    /// Receives on addresses or names, and runs a handler for each peer until the calling task is
    /// cancelled. A peer is an address from which a datagram came; what a Unix socket without a
    /// name sends is dropped and counted.
    ///
    /// ```swift
    /// try await DatagramServer.servePeers(on: "127.0.0.1:7788") { peer in
    ///     while let datagram = try await peer.receive() { try await peer.send(datagram.bytes) }
    /// }
    /// ```
    ///
    /// - Throws: as `serve(on:)`.
    public static func servePeers(
        on addresses: String..., options: Options = Options(),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping PeerHandler
    ) async throws {
        try await bind(to: addresses, options).servePeers(file: file, line: line, handler: handler)
    }

    private static func bind(
        to addresses: [String], _ options: Options
    ) async throws -> DatagramServer {
        var sockets: [DatagramSocket] = []
        for address in addresses {
            sockets.append(
                try await DatagramSocket.bind(
                    to: address, options: options.socketOptions, tellsLocalAddress: true))
        }
        return try DatagramServer(sockets: sockets, options: options)
    }

    /// Where the server receives; with several sockets, where the first one does.
    public var address: SocketAddress { sockets[0].localAddress }

    /// What the server has done until now.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Whether `stop` was called.
    public var isStopping: Bool { state.withLock { $0.grace != nil } }

    /// Runs a handler for each datagram until `stop` is called, which lets it return, or the
    /// calling task is cancelled.
    ///
    /// - Throws: `IOError` with `.cancelled`, `.busy` when it serves already or another task
    ///   receives, or what made receiving impossible.
    public func serve(
        file: SourceFile = #fileID, line: UInt32 = #line, handler: @escaping DatagramHandler
    ) async throws(IOError) {
        try await serve(with: .eachDatagram(handler), in: Call(file, line))
    }

    /// Runs a handler for each peer until `stop` is called, which lets it return, or the calling
    /// task is cancelled.
    ///
    /// - Throws: as `serve`.
    public func servePeers(
        file: SourceFile = #fileID, line: UInt32 = #line, handler: @escaping PeerHandler
    ) async throws(IOError) {
        try await serve(with: .eachPeer(handler), in: Call(file, line))
    }

    /// Stops receiving, lets the handlers finish for at most `grace`, and then cancels them. A
    /// peer's `receive` gives nil from now on where it would wait.
    ///
    /// Returns at once; `serve` returns when all of it is done, and closes the sockets. May be
    /// called from anywhere, also before `serve`, and again: the earliest end of a grace counts.
    public func stop(grace: Duration = .zero) {
        let (rests, peers) = state.withLock { state in
            state.grace = min(state.grace ?? grace, grace)
            return (state.rests, state.peers.flatMap(\.values))
        }
        for socket in sockets { socket.socket.loop.post(.endIdleReads(ObjectIdentifier(self))) }
        for peer in peers { peer.inbox.close() }
        for rest in rests { rest?.cancel() }
    }
}

extension DatagramServer: Accountable {
    func account(_ names: TaskNames) -> Account {
        let (counted, peers) = state.withLock { ($0.statistics, $0.peers.map(\.count)) }
        let figures: [Figure] = [
            Figure("open_handlers", counted.open, "Handlers that run."),
            Figure("open_handlers_max", counted.openMax, "The most that ran together."),
            Figure("handlers_limit", options.maxHandlers, "Handlers that may run."),
            Figure("peers", peers.reduce(0, +), "Peers that have a handler."),
            .total("received", counted.received, "Datagrams that were received."),
            .total("dropped", counted.dropped, "Datagrams that were dropped."),
            .total("receive_errors", counted.receiveErrors, "Times that receiving failed."),
            .total("handler_errors", counted.handlerErrors, "Handlers that threw."),
        ]
        let label = Account.Label(key: "address", value: "\(address)")
        return Account(of: self, "datagram server", label, figures)
    }
}
