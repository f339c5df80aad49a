import Swiftlet
import Syscalls

/// The echo service as tasks on an event loop: one for each connection, and one that waits for
/// signals.
struct CoroutineEcho {
    let options: EchoOptions

    /// Serves until a signal says stop.
    ///
    /// - Parameters:
    ///   - signals: the signals that stop it, blocked already.
    ///   - onReady: called with the address when it listens.
    /// - Returns: what was counted.
    /// - Throws: `IOError` when it cannot listen or wait.
    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        let options = options
        // Opened before anything else: without it nobody could stop a server that has no descriptor
        // left.
        let signalQueue = try signals.makeDescriptor()
        let pending = signalQueue.raw
        return try EventLoop.run(driver: options.driver) {
            let listener = try await TCPListener.bind(
                to: options.address, backlog: options.backlog)
            var serverOptions = TCPServer.Options()
            serverOptions.maxConnections = options.connectionsMax
            serverOptions.idleTimeout = options.idleTimeout
            let server = TCPServer(listener: listener, options: serverOptions)
            try spawn(name: "signals") {
                try await stop(server, drain: options.drain, on: pending)
            }
            onReady(listener.address)
            try await server.serve { connection in
                while let bytes = try await connection.read() {
                    try await connection.write(bytes)
                }
            }
            let loop = await EventLoop.current?.statistics ?? LoopStatistics()
            return EchoCounters(server: server.statistics, loop: loop)
        }
    }
}

/// Stops the server at the first signal; the second one ends the wait for open connections.
private func stop(
    _ server: TCPServer, drain: Duration, on signals: RawDescriptor
) async throws {
    var grace = drain
    while true {
        try await EventLoop.current?.park(on: signals, for: .read)
        if try SignalSet.take(from: signals) == nil { continue }
        server.stop(grace: grace)
        grace = .zero
    }
}
