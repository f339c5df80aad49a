import Swiftlet

/// The echo service, as the program of a host: it serves, and begins again when it was stopped.
struct EchoService: Sendable {
    let plan: ServicePlan
    let address: SocketAddress
    let ledger: Ledger

    /// Serves for ever; throws when its host goes down.
    func run() async throws {
        while true {
            guard let listener = try await listen() else { continue }
            var options = StreamServer.Options()
            options.backlog = plan.backlog
            options.maxConnections = plan.connectionsMax
            options.idleTimeout = plan.idleTimeout
            let server = StreamServer(listener: listener, options: options)
            ledger.begin(server)
            ledger.count(.started)
            defer { ledger.end(server) }
            try await server.serve { connection in try await serve(connection) }
            ledger.count(.stopped)
        }
    }

    /// A listener; nil when it has to be tried again.
    private func listen() async throws -> Listener? {
        do throws(IOError) {
            return try await Listener.bind(to: address, backlog: plan.backlog)
        } catch {
            guard error.reason == .system(.tooManyOpenFiles) else { throw error }
            try await sleep(for: .milliseconds(50))
            return nil
        }
    }

    private func serve(_ connection: Connection) async throws {
        let client = connection.remoteAddress
        ledger.beginServing(client)
        do {
            if plan.hasSmallBuffers {
                try await connection.setOption(.receiveBuffer, to: 1000)
                try await connection.setOption(.sendBuffer, to: 2000)
            }
            switch plan.style {
            case .lent: try await echoWhatIsLent(connection)
            case .copied: try await echoCopies(connection)
            case .split: try await echoByTwo(connection)
            }
            ledger.count(.served)
        } catch {
            ledger.failServing(client)
            await explain(error)
            throw error
        }
    }

    // MARK: Ways to echo

    private func echoWhatIsLent(_ connection: Connection) async throws {
        while let bytes = try await connection.read() {
            try await think()
            try await connection.write(bytes)
        }
    }

    private func echoCopies(_ connection: Connection) async throws {
        while let bytes = try await copy(from: connection) {
            try await think()
            try await connection.write(bytes)
        }
    }

    private func echoByTwo(_ connection: Connection) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                while let bytes = try await copy(from: connection) { continuation.yield(bytes) }
            }
            group.addTask {
                for await bytes in stream {
                    try await think()
                    try await connection.write(bytes)
                }
            }
            try await group.waitForAll()
        }
    }

    /// What comes next, within the time that the plan gives; nil at the end.
    private func copy(from connection: Connection) async throws -> [UInt8]? {
        guard let scope = plan.scope else { return try await connection.readCopy(ofAtMost: 4096) }
        return try await withTimeout(scope) { try await connection.readCopy(ofAtMost: 4096) }
    }

    private func think() async throws {
        if plan.thought > .zero { try await sleep(for: plan.thought) }
    }

    // MARK: Failures

    /// Counts what a handler failed with, and reports what nothing explains.
    private func explain(_ error: any Error) async {
        guard let error = error as? IOError else { return ledger.count(.handlerFailed) }
        switch error.reason {
        case .cancelled:
            ledger.count(.handlerCancelled)
            if !Task.isCancelled { ledger.noted(.cancelledForNoReason(error.operation)) }
        case .timedOut:
            ledger.count(.idleTimeout)
            if plan.idleTimeout == nil { ledger.noted(.inexplicable(error)) }
        case .system(.timedOut): ledger.count(.givenUp)
        case .system(.connectionReset), .system(.brokenPipe), .loopEnded:
            ledger.count(.handlerFailed)
        case .system(.badDescriptor) where ledger.mayCrash: break
        default: ledger.noted(.inexplicable(error))
        }
    }
}

extension Connection {
    /// Reads by way of memory of the caller's; nil at the end of the stream.
    func readCopy(ofAtMost count: Int, timeout: Duration? = nil) async throws(IOError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var memory = span.mutableBytes
        let received = try await read(into: &memory, timeout: timeout)
        return received.map { Array(bytes[..<$0]) }
    }
}
