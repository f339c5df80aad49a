import Drivers
import Glibc
import Swiftlet
import Syscalls

/// The echo service as tasks on event loops: one for each connection, and one, on the first loop,
/// that waits for signals.
struct CoroutineEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        let options = options
        // Opened before anything else: without it nobody could stop a server that has no descriptor
        // left.
        let signalQueue = try signals.makeDescriptor()
        let pending = signalQueue.raw
        return try EventLoop.run(driver: options.driver, loops: options.loops) {
            let server = try await makeServer()
            try spawn(name: "signals") {
                try await stop(server, drain: options.drain, on: pending)
            }
            onReady(server.address)
            try await server.serve(handler: options.upper ? echoInCapitals : echo)
            var loops: [LoopStatistics] = []
            for loop in EventLoop.all { loops.append(await loop.statistics) }
            return EchoCounters(server.statistics, loops, options.driver)
        }
    }

    /// A server on all loops: with one listener that hands connections over, or with one for each.
    private func makeServer() async throws -> TCPServer {
        var serverOptions = TCPServer.Options()
        serverOptions.maxConnections = options.connectionsMax
        serverOptions.idleTimeout = options.idleTimeout
        let (address, backlog) = (options.address, options.backlog)
        guard options.reusesPort else {
            let listener = try await TCPListener.bind(to: address, backlog: backlog)
            return TCPServer(listener: listener, options: serverOptions)
        }
        let listeners = try await TCPListener.bindOnEachLoop(to: address, backlog: backlog)
        return TCPServer(listeners: listeners, options: serverOptions)
    }
}

private func echo(_ connection: TCPConnection) async throws {
    while let bytes = try await connection.read() {
        try await connection.write(bytes)
    }
}

private func echoInCapitals(_ connection: TCPConnection) async throws {
    while let bytes = try await connection.read() {
        var message = Array(bytes)
        message.withUnsafeMutableBytes { $0.makeUpperCase() }
        try await connection.write(message)
    }
}

/// Stops the server at the first signal; the second one ends the wait for open connections.
/// SIGUSR1 asks what everybody waits for.
private func stop(
    _ server: TCPServer, drain: Duration, on signals: RawDescriptor
) async throws {
    var grace = drain
    while true {
        try await EventLoop.current?.park(on: signals, for: .read)
        guard let signal = try SignalSet.take(from: signals) else { continue }
        if signal == SIGUSR1 {
            // Beside: a loop that hangs would not answer, and signals must go on being taken.
            try spawn { await sayWhoWaits() }
            continue
        }
        server.stop(grace: grace)
        grace = .zero
    }
}

/// Writes what the tasks of each loop wait for, a line each.
private func sayWhoWaits() async {
    for (number, loop) in EventLoop.all.enumerated() {
        for report in await loop.parkReports { sayAside("loop \(number): \(report)") }
    }
}

extension EchoCounters {
    fileprivate init(
        _ server: TCPServer.Statistics, _ loops: [LoopStatistics], _ driver: DriverKind
    ) {
        self.init()
        accepted = server.accepted
        openMax = server.openMax
        refused = server.refused
        acceptErrors = server.acceptErrors
        handlerErrors = server.handlerErrors
        count("accept4", server.accepted + server.refused + server.acceptErrors)
        for loop in loops {
            bytesRead += loop.bytesRead
            bytesWritten += loop.bytesWritten
            count("recv", loop.receives)
            count("send", loop.sends)
            count(driver.waitCall, loop.waits)
            if driver == .epoll { count("epoll_ctl", loop.interestChanges) }
        }
        self.loops = loops
    }
}

extension DriverKind {
    /// The system call that a driver of this kind waits with.
    fileprivate var waitCall: String {
        switch self {
        case .poll: "poll"
        case .select: "select"
        case .epoll: "epoll_wait"
        case .ioUring: "io_uring_enter"
        }
    }
}
