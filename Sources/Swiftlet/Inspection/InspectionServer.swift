import Drivers
import Glibc
import Syscalls

/// A place where other programs ask what this one does: `nc`, `curl`, Prometheus.
///
/// It has a loop and a thread of its own, so that it answers while the others are stuck. It ends
/// with the run that started it, or by `stop`.
public final class InspectionServer: Sendable {
    /// Whom it tells, and of what.
    public struct Options: Sendable {
        /// The loops that it tells of; nil is all that run in the process.
        public var loops: [EventLoop]?
        /// How long a loop has to answer; one that takes longer is told as one that does not.
        public var patience = Duration.seconds(1)
        /// How long to wait for a request; a client that says nothing gets text then.
        public var silence = Duration.seconds(1)
        /// Mode and owner of the file at a Unix path: only its owner may ask.
        public var access = SocketFileAccess(mode: 0o600)
        /// Whether the address may be one that other machines can reach. Whoever reaches it may
        /// ask: there is no password, and no encryption.
        public var allowsOtherMachines = false

        // What one client can take up.
        var connectionsMax = 64
        var headBytesMax = 8_192
        var headPatience = Duration.seconds(5)
        var connectionPatience = Duration.seconds(30)

        /// All loops, a second for each, and the owner of the process alone at a Unix path.
        public init() {}
    }

    /// Where it listens, with the port that the kernel chose when 0 was asked for.
    public let address: SocketAddress
    private let task: Task<Void, any Error>

    fileprivate init(on address: SocketAddress, _ task: Task<Void, any Error>) {
        self.address = address
        self.task = task
    }

    /// Ends it, and removes its file; returns at once.
    public func stop() { task.cancel() }
}

extension EventLoop {
    /// Lets other programs ask what the loops of this process do, until the run ends that the
    /// calling task belongs to; returns when it listens.
    ///
    ///     try await EventLoop.serveInspection(on: "unix:/run/app.inspect")
    ///
    ///     $ nc -U /run/app.inspect
    ///     $ curl --unix-socket /run/app.inspect http://app/json
    ///
    /// It tells which task waits where, since when and for what, of sockets, servers, pools, of
    /// what has a name or is waited at, and counters: as text, at `/json` as JSON
    /// (docs/inspection.schema.json), and at `/metrics` for Prometheus.
    ///
    /// - Parameters:
    ///   - address: "unix:/run/app.inspect", or a port of this machine, "127.0.0.1:9000", at which
    ///     every user of the machine may ask.
    ///   - options: whom it tells, and of what.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the server, which goes on when the value is dropped.
    /// - Throws: `SocketAddress.ParseError`, and `IOError`: with `.notOfThisMachine`, `.noLoop`
    ///   outside `EventLoop.run`, `EOPNOTSUPP` in a simulation or a recording, or what the kernel
    ///   says when it cannot listen.
    @discardableResult
    public static func serveInspection(
        on address: String, options: InspectionServer.Options = .init(),
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> InspectionServer {
        try await serveInspection(
            on: SocketAddress(address), options: options, file: file, line: line)
    }

    /// As above, on an address that is a value.
    @discardableResult
    public static func serveInspection(
        on address: SocketAddress, options: InspectionServer.Options = .init(),
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> InspectionServer {
        let loop = try require(.listen)
        guard loop.executor.isOnKernel else {
            throw IOError(.listen, .system(Errno(rawValue: EOPNOTSUPP)), at: address)
        }
        guard options.allowsOtherMachines || address.isLoopback else {
            throw IOError(.listen, .notOfThisMachine, at: address)
        }
        let inspector = Inspector(on: address, options)
        let name = "inspection on \(address)"
        let task = try loop.spawn(name: name, file: file, line: line) {
            try await inspector.run()
        }
        do {
            let address = try await inspector.isListening.value(file: file, line: line)
            return InspectionServer(on: address, task)
        } catch {
            task.cancel()
            throw error
        }
    }
}

/// The thread of an inspection, and what it does there.
private final class Inspector: Sendable {
    /// Where it listens, when it does; or why it does not.
    let isListening = Promise<SocketAddress>(name: "the inspection")
    private let address: SocketAddress
    private let options: InspectionServer.Options
    private let state = Guarded(State())

    private struct State {
        var thread: RunningThread?
        var server: StreamServer?
        var isStopped = false
        /// The inspection that is being made, of each kind: all who ask meanwhile get that one.
        var underWay: [Detail: Promise<Inspection>] = [:]
    }

    init(on address: SocketAddress, _ options: InspectionServer.Options) {
        self.address = address
        self.options = options
    }

    // MARK: On the loop of the caller

    /// Runs the thread until the calling task is cancelled, and waits for its end.
    ///
    /// Throws what ended it later than its beginning, which `isListening` tells of.
    func run() async throws(IOError) {
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { (task: CheckedContinuation<IOError?, Never>) in
                do throws(Errno) {
                    let thread = try RunningThread.start { task.resume(returning: self.drive()) }
                    state.withLock { $0.thread = thread }
                } catch {
                    task.resume(returning: IOError(.spawn, .system(error)))
                }
            }
        } onCancel: {
            stop()
        }
        state.withLock { $0.thread }?.join()
        let isToldAlready = isListening.fail(failure ?? IOError(.listen, .cancelled))
        if let failure, !isToldAlready { throw failure }
    }

    private func stop() {
        let server = state.withLock { state in
            state.isStopped = true
            return state.server
        }
        server?.stop()
    }

    // MARK: On its own thread

    /// Runs the loop of the inspection to its end; why it failed, if it did.
    private func drive() -> IOError? {
        RunningThread.nameCurrent("inspection")
        let driver: any Driver
        do throws(Errno) {
            driver = try DriverKind.poll.makeDriver()
        } catch {
            return IOError(.wait, .system(error))
        }
        do {
            try EventLoop.run(
                on: [driver], sockets: SystemSockets(), isListed: false, log: { _ in }
            ) { try await self.serve() }
            return nil
        } catch {
            // Nothing that it does throws any other error.
            return error as? IOError ?? IOError(.listen, .closed)
        }
    }

    private func serve() async throws {
        let listener = try await Listener.bind(
            to: address, access: address.unixPath == nil ? nil : options.access)
        var limits = StreamServer.Options()
        limits.maxConnections = options.connectionsMax
        // A client that breaks off is no news.
        limits.onError = { _, _ in }
        let server = StreamServer(listener: listener, options: limits)
        let isStopped = state.withLock { state in
            state.server = server
            return state.isStopped
        }
        if isStopped { return server.stop() }
        isListening.fulfill(listener.address)
        try await server.serve { connection in
            try await withTimeout(self.options.connectionPatience) {
                try await self.serve(connection)
            }
        }
    }

    private nonisolated(nonsending) func serve(_ connection: Connection) async throws {
        let request = try await request(on: connection)
        let body = request.status == .ok ? try await body(in: request.form) : ""
        try await connection.write(request.answer(body))
        try await connection.closeWrite()
        // What came and was not read would make the end a reset, which may overtake the answer.
        var left = 1 << 20
        let patience = request.isHTTP ? Duration.seconds(1) : .zero
        while left > 0, let bytes = try await connection.read(timeout: patience) {
            left -= bytes.count
        }
    }

    /// Reads what a client asks for; of HTTP the whole head.
    private nonisolated(nonsending) func request(
        on connection: Connection
    ) async throws(IOError) -> InspectionRequest {
        do throws(IOError) {
            if try await connection.peek(timeout: options.silence) == nil { return .silent }
        } catch {
            if error.reason == .timedOut { return .silent }
            throw error
        }
        var left = options.headBytesMax
        let deadline = Instant.now.advanced(by: options.headPatience)
        do throws(IOError) {
            var request: InspectionRequest?
            while let line = try await connection.readLine(
                limit: max(1, left), timeout: Instant.now.duration(to: deadline))
            {
                left -= line.utf8.count + 1
                if let request, line.isEmpty { return request }
                request = request ?? InspectionRequest(line)
                if let request, !request.isHTTP || request.status == .versionNotSupported {
                    return request
                }
            }
            throw IOError(.read, .endOfStream)
        } catch {
            if error.reason == .tooLong { return .tooLong }
            throw error
        }
    }

    private nonisolated(nonsending) func body(
        in form: InspectionRequest.Form
    ) async throws -> String {
        switch form {
        case .text: try await inspection(.everything).text
        case .json: try await inspection(.everything).json.text + "\n"
        case .metrics: try await inspection(.figures).metrics.prometheusText
        }
    }

    /// Asks the loops, once for all who ask at the same time.
    private nonisolated(nonsending) func inspection(
        _ detail: Detail
    ) async throws -> Inspection {
        let (promise, isFirst) = state.withLock { state in
            let promise = state.underWay[detail] ?? Promise<Inspection>(name: "an inspection")
            defer { state.underWay[detail] = promise }
            return (promise, state.underWay[detail] == nil)
        }
        if isFirst {
            // Not by the client's own task, which may be cancelled.
            try spawn(name: "inspection") {
                let inspection = await Inspection.make(
                    detail, of: self.options.loops, within: self.options.patience)
                self.state.withLock { $0.underWay[detail] = nil }
                promise.fulfill(inspection)
            }
        }
        return try await promise.value()
    }
}
