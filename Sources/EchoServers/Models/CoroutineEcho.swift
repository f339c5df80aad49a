import Drivers
import Glibc
import Swiftlet
import Syscalls

/// The echo service as tasks on event loops: one for each connection, and one, on the first loop,
/// that waits for signals.
enum CoroutineEcho: EchoService {
    static let servesDatagrams = true
    /// That of the usual driver; `DriverKind.waitCall` has the others.
    static let ownCall = DriverKind.poll.waitCall
    static let story =
        "One thread, and a handler for each connection that reads as if it blocked. Where a "
        + "loop written by hand calls the code for a ready descriptor, this one resumes a "
        + "parked task: that is the whole difference, and what it costs is the line about "
        + "looking blocking."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        // Opened before anything else: without it a server that has no descriptor left could not
        // be stopped.
        let signalQueue = try signals.makeDescriptor()
        let pending = signalQueue.raw
        return try EventLoop.run(driver: options.driver, loops: options.loops) {
            let servers = try await makeServers(options)
            let sockets = try await makeSockets(options)
            let failure = Guarded<(any Error)?>(nil)
            try spawn(name: "signals") {
                do {
                    try await stop(servers, sockets, drain: options.drain, on: pending)
                } catch {
                    // Without signals the server could not be stopped: better now than never.
                    failure.withLock { $0 = error }
                    for server in servers { server.stop(grace: .zero) }
                    for socket in sockets.joined() { socket.close() }
                }
            }
            if let address = options.inspection {
                try await EventLoop.serveInspection(on: address)
            }
            for server in servers { onReady(ServiceAddress(.stream, server.address)) }
            for group in sockets { onReady(ServiceAddress(.datagram, group[0].localAddress)) }
            let unsent = try await serve(servers, sockets, options)
            if let failure = failure.withLock({ $0 }) { throw failure }
            var loops: [LoopStatistics] = []
            for loop in EventLoop.all { loops.append(await loop.statistics) }
            var counters = EchoCounters(servers.map(\.statistics), loops, options.driver)
            counters.handlerErrors += unsent
            return counters
        }
    }

    /// Serves until all of them have stopped, or one fails and takes the others with it. Returns
    /// how many datagrams could not be sent back.
    private static func serve(
        _ servers: [StreamServer], _ sockets: [[DatagramSocket]], _ options: EchoOptions
    ) async throws -> Int {
        let (upper, batch) = (options.upper, options.batch)
        let handler: StreamServer.ConnectionHandler = upper ? echoInCapitals : echo
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for server in servers {
                group.addTask {
                    try await server.serve(handler: handler)
                    return 0
                }
            }
            // One of several has a loop of its own; alone it has the first.
            for (loop, socket) in sockets.flatMap({ zip(EventLoop.all, $0) }) {
                let echo = try loop.spawn(name: "datagrams") {
                    batch > 1
                        ? try await echoBatches(socket, of: batch, upper: upper)
                        : try await echoDatagrams(socket, upper: upper)
                }
                group.addTask { try await echo.value }
            }
            var unsent = 0
            for try await count in group { unsent += count }
            return unsent
        }
    }
}

extension DriverKind {
    /// What a coroutine pays for with this driver, as a paragraph for readers of a comparison.
    package var story: String {
        switch self {
        case .epoll:
            "Readiness comes from epoll, so silent connections cost nothing; a steady echo is one "
                + "recv and one send, and the wait is shared by all that is ready."
        case .poll:
            "Readiness comes from poll, which is handed every descriptor at each wait. When all "
                + "clients talk, many are ready and share that price; when few do, each message "
                + "pays for all the silent ones."
        case .select:
            "Readiness comes from select, which goes through a bit for every descriptor number "
                + "up to the highest. The price is that of poll: shared when all talk, and "
                + "paid for the silent ones when few do."
        case .ioUring:
            "Readiness comes from io_uring as completions of poll requests, submitted together "
                + "with the wait. It saves system calls for asking; the bytes still go through "
                + "recv and send."
        }
    }
}

/// A server for each address.
private func makeServers(_ options: EchoOptions) async throws -> [StreamServer] {
    var servers: [StreamServer] = []
    for service in options.services where service.kind == .stream {
        servers.append(try await makeServer(options, on: service.address))
    }
    return servers
}

/// A server on all loops: with one listener that hands connections over, or with one for each.
private func makeServer(
    _ options: EchoOptions, on address: SocketAddress
) async throws -> StreamServer {
    var serverOptions = StreamServer.Options()
    serverOptions.maxConnections = options.connectionsMax
    serverOptions.idleTimeout = options.idleTimeout
    // A client that breaks off is counted, and no news.
    serverOptions.onError = { _, _ in }
    let backlog = options.backlog
    guard options.reusesPort else {
        let listener = try await Listener.bind(to: address, backlog: backlog)
        return StreamServer(listener: listener, options: serverOptions)
    }
    if isShared(address) {
        StandardError.say(
            "another server has \(address) already: connections are divided among both")
    }
    let listeners = try await Listener.bindOnEachLoop(to: address, backlog: backlog)
    return try StreamServer(listeners: listeners, options: serverOptions)
}

/// The sockets for datagrams of each address: one, or with `--reuse-port` one for each loop.
private func makeSockets(_ options: EchoOptions) async throws -> [[DatagramSocket]] {
    var sockets: [[DatagramSocket]] = []
    let room = [SocketOption.receiveBuffer: datagramRoom]
    for service in options.services where service.kind == .datagram {
        sockets.append(
            options.reusesPort
                ? try await DatagramSocket.bindOnEachLoop(to: service.address, options: room)
                : [try await DatagramSocket.bind(to: service.address, options: room)])
    }
    return sockets
}

/// Whether a socket has the address already, as far as that can be seen: one that may not share it
/// cannot have it then.
private func isShared(_ address: SocketAddress) -> Bool {
    do throws(Errno) {
        let socket = Descriptor(adopting: try .streamSocket(family: address.family))
        try socket.raw.setOption(.reuseAddress, to: 1)
        try socket.raw.bind(to: address)
        return false
    } catch {
        return error == .addressInUse
    }
}

private func echo(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        try await connection.write(bytes)
    }
}

private func echoInCapitals(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        var message = Array(bytes)
        message.withUnsafeMutableBytes { $0.makeUpperCase() }
        try await connection.write(message)
    }
}

/// Sends each datagram back to its sender, until the socket is closed; returns how many it could
/// not.
private func echoDatagrams(_ socket: DatagramSocket, upper: Bool) async throws -> Int {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var unsent = 0
    while true {
        do throws(IOError) {
            let received = try await receive(from: socket, into: &buffer)
            if upper {
                buffer.withUnsafeMutableBytes {
                    UnsafeMutableRawBufferPointer(rebasing: $0[..<received.count]).makeUpperCase()
                }
            }
            let answer = buffer.span.bytes.extracting(first: received.count)
            try await socket.send(answer, to: received.sender)
        } catch {
            if error.reason == .closed { return unsent }
            // An answer that cannot be sent is about one client; the others are served.
            guard error.operation == .send else { throw error }
            unsent += 1
        }
    }
}

/// The same by as many datagrams at once as are there.
private func echoBatches(
    _ socket: DatagramSocket, of capacity: Int, upper: Bool
) async throws -> Int {
    var batch = DatagramBatch(capacity: capacity, bytesEach: 65_536)
    var unsent = 0
    while true {
        do throws(IOError) {
            try await socket.receive(into: &batch)
            if upper {
                for index in 0..<batch.count {
                    batch.withUnsafeMutableBytes(at: index) { $0.makeUpperCase() }
                }
            }
            try await socket.send(batch)
        } catch {
            if error.reason == .closed { return unsent }
            // The first that could not be sent; the others were.
            guard error.operation == .send else { throw error }
            unsent += 1
        }
    }
}

private nonisolated(nonsending) func receive(
    from socket: DatagramSocket, into buffer: inout [UInt8]
) async throws(IOError) -> ReceivedDatagram {
    var span = buffer.mutableSpan
    var memory = span.mutableBytes
    return try await socket.receive(into: &memory)
}

/// Stops the servers at the first signal; the second one ends the wait for open connections.
/// SIGUSR1 asks what the tasks wait for.
private func stop(
    _ servers: [StreamServer], _ sockets: [[DatagramSocket]], drain: Duration,
    on signals: RawDescriptor
) async throws {
    var grace = drain
    while true {
        try await EventLoop.current?.park(on: signals, for: .read)
        guard let signal = try SignalSet.take(from: signals) else { continue }
        if signal == SIGUSR1 {
            // Beside: a loop that hangs would not answer, and signals must go on being taken.
            try spawn {
                let counted = servers.map(\.statistics)
                sayConnections(
                    open: counted.sum(\.open), accepted: counted.sum(\.accepted))
                await sayWhatTasksAwait()
            }
            continue
        }
        for server in servers { server.stop(grace: grace, endingIdle: false) }
        for socket in sockets.joined() { socket.close() }
        grace = .zero
    }
}

/// Writes what the tasks of each loop wait for, a line each.
private func sayWhatTasksAwait() async {
    for (number, loop) in EventLoop.all.enumerated() {
        for report in await loop.parkReports { StandardError.say("loop \(number): \(report)") }
    }
}

extension [StreamServer.Statistics] {
    fileprivate func sum(_ counter: KeyPath<Element, Int>) -> Int {
        reduce(0) { $0 + $1[keyPath: counter] }
    }
}

extension EchoCounters {
    fileprivate init(
        _ servers: [StreamServer.Statistics], _ loops: [LoopStatistics], _ driver: DriverKind
    ) {
        self.init()
        accepted = servers.sum(\.accepted)
        // Of several addresses the most that there can have been.
        openMax = servers.sum(\.openMax)
        refused = servers.sum(\.refused)
        acceptErrors = servers.sum(\.acceptErrors)
        handlerErrors = servers.sum(\.handlerErrors)
        count("accept4", accepted + refused + acceptErrors)
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
