import Glibc
import Syscalls

/// A signal by its usual name, or by its number (signal(7)).
public struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number: `SIGTERM` is 15.
    public let rawValue: CInt

    /// A signal by its number.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// `SIGHUP`: the terminal is gone; daemons read their configuration again.
    public static let hangup = Signal(rawValue: SIGHUP)
    /// `SIGINT`: Ctrl-C.
    public static let interrupt = Signal(rawValue: SIGINT)
    /// `SIGQUIT`: Ctrl-\.
    public static let quit = Signal(rawValue: SIGQUIT)
    /// `SIGKILL`: ends a process, which cannot prevent it.
    public static let kill = Signal(rawValue: SIGKILL)
    /// `SIGUSR1`: what the program says.
    public static let user1 = Signal(rawValue: SIGUSR1)
    /// `SIGUSR2`: what the program says.
    public static let user2 = Signal(rawValue: SIGUSR2)
    /// `SIGTERM`: asks a process to end.
    public static let terminate = Signal(rawValue: SIGTERM)
    /// `SIGCONT`: goes on after a stop.
    public static let goOn = Signal(rawValue: SIGCONT)
    /// `SIGWINCH`: the terminal's window has another size.
    public static let windowChange = Signal(rawValue: SIGWINCH)

    /// "SIGTERM"; "signal 40" for one without a name here.
    public var description: String { Signal.names[rawValue] ?? "signal \(rawValue)" }

    private static let names: [CInt: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL",
        SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE",
        SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1", SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2",
        SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGCHLD: "SIGCHLD",
        SIGCONT: "SIGCONT", SIGSTOP: "SIGSTOP", SIGTSTP: "SIGTSTP", SIGTTIN: "SIGTTIN",
        SIGTTOU: "SIGTTOU", SIGURG: "SIGURG", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
        SIGVTALRM: "SIGVTALRM", SIGPROF: "SIGPROF", SIGWINCH: "SIGWINCH", SIGIO: "SIGIO",
        SIGPWR: "SIGPWR", SIGSYS: "SIGSYS",
    ]
}

/// Signals that come to this process, one after the other.
///
/// ```swift
/// for await signal in Signals(.interrupt, .terminate) {
///     print("\(signal): the end"); break
/// }
/// ```
///
/// From when it is made, these signals do nothing else in this process; when the last value that
/// listens for a signal goes, it does again what it did before, also one that had come and was not
/// taken. Every value is told of every signal. Of several with the same number that come at once,
/// some may be one, as the kernel has it.
///
/// A signal that is ignored stays so, as under nohup(1), and nothing is heard of it; nor of
/// `SIGKILL`, `SIGSTOP` and those that mean a fault of the program. The sequence ends when its task
/// is cancelled or the loop ends. In a simulation and in a recording no signal comes, and none is
/// caught: there a signal does to this process what it did before.
public struct Signals: AsyncSequence, Sendable {
    private let listener: SignalListener
    private let call: Call

    /// Listens for signals from now on.
    public init(_ signals: Signal..., file: SourceFile = #fileID, line: UInt32 = #line) {
        self.init(signals, file: file, line: line)
    }

    /// Listens for signals from now on.
    public init(_ signals: [Signal], file: SourceFile = #fileID, line: UInt32 = #line) {
        let isWatched = EventLoop.current?.executor.isWatched ?? false
        listener = SignalListener(isWatched ? [] : signals.map(\.rawValue))
        call = Call(file, line)
    }

    /// For `for await`; several iterators of one value share what comes.
    public func makeAsyncIterator() -> Iterator { Iterator(listener: listener, call: call) }

    /// Takes those that have come, and says how many.
    @discardableResult
    func takeAll() -> Int {
        var count = 0
        while listener.take() != nil { count += 1 }
        return count
    }

    /// Waits for one signal after the other.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let listener: SignalListener
        fileprivate let call: Call

        /// The next signal; nil when the task was cancelled or the loop has ended.
        public mutating func next() async -> Signal? {
            while true {
                // One that was listened for outside is none of a simulation's.
                let isWatched = EventLoop.current?.executor.isWatched ?? false
                if !isWatched, let number = listener.take() { return Signal(rawValue: number) }
                guard await listener.wait(in: call) else { return nil }
            }
        }
    }
}

extension SignalListener {
    /// Waits until there may be a signal; false when it is not to be waited for any more.
    fileprivate func wait(in call: Call) async -> Bool {
        if let loop = EventLoop.current?.executor, let raw {
            switch await loop.perform({ await loop.parkOnce(on: raw, in: call) }) {
            case nil: return true
            case .cancelled, .loopEnded: return false
            default: break
            }
        }
        // No loop, no descriptor, or another task waits on it: then one has to look.
        do {
            try await Task.sleep(for: .milliseconds(50))
            return true
        } catch {
            return false
        }
    }
}

extension LoopExecutor {
    /// Whether the caller is in a simulation or a recording, where nothing of the machine comes.
    var isWatched: Bool { isCurrent && state.witness != nil }

    /// Parks until a descriptor is readable that nothing of the machine makes so in a simulation,
    /// and leaves no interest behind: it may be closed afterwards.
    fileprivate func parkOnce(on descriptor: RawDescriptor, in call: Call) async -> Wakeup {
        guard isCurrent, state.witness == nil else { return await sleep(until: .never, in: call) }
        let wakeup = await park(on: descriptor, for: .read, until: .never, in: call)
        if wakeup != .busy, isCurrent { forget(descriptor) }
        return wakeup
    }
}

extension StreamServer {
    /// Listens on an address or a name, and serves until one of the signals comes; then stops in
    /// order.
    ///
    /// ```swift
    /// try await StreamServer.serve(on: "127.0.0.1:7788", until: .interrupt, .terminate) { … }
    /// ```
    ///
    /// - Throws: what `serve(on:options:file:line:handler:)` throws.
    public static func serve(
        on address: String, options: Options = Options(),
        until first: Signal, _ others: Signal..., grace: Duration = .seconds(10),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping ConnectionHandler
    ) async throws {
        let listener = try await Listener.bind(
            to: address, backlog: options.backlog, access: options.access, file: file, line: line)
        let server = StreamServer(listener: listener, options: options)
        try await server.serve(
            until: [first] + others, grace: grace, file: file, line: line, handler: handler)
    }

    /// Serves until one of the signals comes: the first one stops the server by `stop(grace:)`, a
    /// second one at once. The same one again within 100 ms counts as one: timeout(1) sends its
    /// signal twice, to the process and to the group. Afterwards they do again what they did
    /// before.
    ///
    /// - Throws: what `serve(file:line:handler:)` throws.
    public func serve(
        until first: Signal, _ others: Signal..., grace: Duration = .seconds(10),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        try await serve(
            until: [first] + others, grace: grace, file: file, line: line, handler: handler)
    }

    /// As above, for signals in an array.
    public func serve(
        until signals: [Signal], grace: Duration = .seconds(10),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        try await serve(
            until: Signals(signals, file: file, line: line), grace: grace,
            takingAsOne: .milliseconds(100), file: file, line: line, handler: handler)
    }

    /// As above; the first signal again counts when it comes later than `echo` after it.
    func serve(
        until signals: Signals, grace: Duration, takingAsOne echo: Duration,
        file: SourceFile, line: UInt32, handler: @escaping ConnectionHandler
    ) async throws(IOError) {
        try await signals.stopping(
            grace: grace, takingAsOne: echo, file: file, line: line,
            by: { self.stop(grace: $0) }
        ) { () async throws(IOError) in
            try await self.serve(file: file, line: line, handler: handler)
        }
    }
}

extension DatagramServer {
    /// Runs a handler for each datagram until one of the signals comes; then stops in order, as
    /// `StreamServer.serve(until:grace:file:line:handler:)` does.
    ///
    /// - Throws: what `serve(file:line:handler:)` throws.
    public func serve(
        until first: Signal, _ others: Signal..., grace: Duration = .seconds(10),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping DatagramHandler
    ) async throws(IOError) {
        try await serve(
            until: [first] + others, grace: grace, file: file, line: line,
            with: .eachDatagram(handler))
    }

    /// Runs a handler for each peer until one of the signals comes, in the same way.
    ///
    /// - Throws: what `serve(file:line:handler:)` throws.
    public func servePeers(
        until first: Signal, _ others: Signal..., grace: Duration = .seconds(10),
        file: SourceFile = #fileID, line: UInt32 = #line,
        handler: @escaping PeerHandler
    ) async throws(IOError) {
        try await serve(
            until: [first] + others, grace: grace, file: file, line: line,
            with: .eachPeer(handler))
    }

    private func serve(
        until signals: [Signal], grace: Duration, file: SourceFile, line: UInt32,
        with handler: Handler
    ) async throws(IOError) {
        try await Signals(signals, file: file, line: line).stopping(
            grace: grace, takingAsOne: .milliseconds(100), file: file, line: line,
            by: { self.stop(grace: $0) }
        ) { () async throws(IOError) in
            try await self.serve(with: handler, in: Call(file, line))
        }
    }
}

extension Signals {
    /// Runs a server, which the first of these signals stops in order and the second at once; the
    /// first again counts when it comes later than `echo` after it.
    fileprivate func stopping(
        grace: Duration, takingAsOne echo: Duration, file: SourceFile, line: UInt32,
        by stop: @escaping @Sendable (Duration) -> Void,
        _ serve: () async throws(IOError) -> Void
    ) async throws(IOError) {
        let listening = try spawn(name: "signals", file: file, line: line) {
            var first: (signal: Signal, end: Instant)?
            for await signal in self {
                if let first, signal == first.signal, Instant.now < first.end { continue }
                stop(first == nil ? grace : .zero)
                if first == nil { first = (signal, Instant.now.advanced(by: echo)) }
            }
            // One that has come since the server stopped is for that.
            if first != nil { takeAll() }
        }
        let failure: IOError?
        do throws(IOError) {
            try await serve()
            failure = nil
        } catch {
            failure = error
        }
        listening.cancel()
        // It throws nothing: the sequence ends with the task.
        _ = await listening.result
        if let failure { throw failure }
    }
}
