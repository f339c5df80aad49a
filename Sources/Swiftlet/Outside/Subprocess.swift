import Drivers
import Syscalls

/// A program that runs as a child of this process, without a shell in between. (A text file that
/// may be executed and does not begin with `#!` is run by /bin/sh, as execvp(3) does.)
///
/// ```swift
/// let lines = try await Subprocess.run("sort", ["-n"]) { process in
///     try await process.standardInput.write("2\n1\n")
///     process.standardInput.close()
///     return try await process.standardOutput.readToEnd(limit: 1_000)
/// }
/// ```
///
/// It has the arguments, environment, directory and streams that it was given and nothing else of
/// this process: no descriptor, no blocked signal, and the limit on descriptors that this process
/// started with. Nothing of it is left when its scope ends: no zombie, no descriptor.
///
/// A process that ignores the ends of its children (`SIGCHLD` ignored, or `SA_NOCLDWAIT`) would not
/// hear how they end: from the first program on, this one heeds them.
public final class Subprocess: Sendable {
    /// What one of its streams is connected to.
    public enum Stream: Sendable {
        /// A stream of this value.
        case pipe
        /// The stream of this process.
        case inherited
        /// Nothing: the null device (null(4)).
        case null
    }

    /// With what a program runs.
    public struct Options: Sendable {
        /// All of its environment; nil is that of this process.
        public var environment: [String: String]?
        /// Where it starts; nil is where this process is.
        public var directory: String?
        /// Standard input.
        public var input = Stream.pipe
        /// Standard output.
        public var output = Stream.pipe
        /// Standard error.
        public var error = Stream.inherited
        /// Whether it leads a process group of its own. Then signals go to what it starts, too, and
        /// a Ctrl-C at the terminal is for this process alone; but it may not read from that
        /// terminal. If not, signals go to it alone, and what it has started is left alone.
        public var leadsGroup = true
        /// How long it may go on after `SIGTERM` when its scope is left before its end. What it has
        /// started in its group is killed when it has ended, and has no grace of its own.
        public var grace = Duration.seconds(5)

        /// Pipes for input and output, all else as this process has it.
        public init() {}
    }

    /// How a program ended.
    public enum Ending: Hashable, Sendable, CustomStringConvertible {
        /// It exited with a code; 0 means that all went well.
        case exited(Int)
        /// A signal ended it.
        case killed(by: Signal)

        /// "exited with 1", "killed by SIGTERM".
        public var description: String {
            switch self {
            case .exited(let code): "exited with \(code)"
            case .killed(let signal): "killed by \(signal)"
            }
        }
    }

    /// The number of the process.
    public let id: Int
    /// Its standard input, closed unless it is a pipe.
    public let standardInput: ByteWriter
    /// Its standard output, closed unless it is a pipe.
    public let standardOutput: ByteReader
    /// Its standard error, closed unless it is a pipe.
    public let standardError: ByteReader

    private let path: String
    private let process: RunningProcess
    private let leadsGroup: Bool
    /// Readable when the process has ended.
    private let end: Descriptor
    /// How it ended, when it was reaped; its number may be another one's then.
    private let ending = Guarded<Ending?>(nil)

    private init(
        _ path: String, _ process: RunningProcess, _ options: Options, _ streams: [ChildStream],
        end: consuming Descriptor
    ) {
        id = Int(process.id)
        self.path = path
        self.process = process
        leadsGroup = options.leadsGroup
        self.end = end
        standardInput = ByteWriter(file: streams[0].ours)
        standardOutput = ByteReader(file: streams[1].ours)
        standardError = ByteReader(file: streams[2].ours)
    }
}

// A scope, and what it leaves behind: nothing.
extension Subprocess {
    /// Starts a program, lends it to `body`, and waits until it has ended.
    ///
    /// When `body` returns, the pipes are closed, and the program has the time that it takes. When
    /// `body` throws, or the task is cancelled, the program and its process group are sent
    /// `SIGTERM`, and what is left of them `SIGKILL` when the program has ended, at the latest
    /// after the grace.
    ///
    /// Starting takes about a millisecond of the loop's thread, until the kernel has loaded the
    /// program. In a simulation and in a recording there are no programs: "Function not
    /// implemented".
    ///
    /// - Parameters:
    ///   - path: the program; without a slash it is looked for in `PATH`.
    ///   - arguments: what follows its name.
    ///   - options: with what it runs.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to do while it runs.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or `IOError` of `run`, such as "run nothing: No such file or
    ///   directory".
    public static func run<Value>(
        _ path: String, _ arguments: [String] = [], options: Options = Options(),
        file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: (Subprocess) async throws -> Value
    ) async throws -> Value {
        let process = try await start(path, arguments, options, in: Call(file, line))
        do {
            let value = try await body(process)
            process.closeStreams()
            _ = try await process.wait(file: file, line: line)
            return value
        } catch {
            process.closeStreams()
            await process.end(after: options.grace)
            throw error
        }
    }

    /// What a program said, and how it ended.
    public struct Output: Sendable {
        /// How it ended.
        public let ending: Ending
        /// What it wrote to standard output, and to standard error if that was a pipe.
        public let output: [UInt8], error: [UInt8]
        /// What it wrote to standard output, as text.
        public var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Runs a program to its end, feeds it and takes what it says.
    ///
    /// - Parameters:
    ///   - path: the program; without a slash it is looked for in `PATH`.
    ///   - arguments: what follows its name.
    ///   - input: all of its standard input; it need not read it.
    ///   - limit: the most that it may write to a stream.
    ///   - options: with what it runs; its input and output are pipes in any case.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: what it said, and how it ended.
    /// - Throws: as `run`, and `IOError` of `read` with `.tooLong`, which ends it.
    public static func output(
        of path: String, _ arguments: [String] = [], input: [UInt8] = [], limit: Int = 1 << 20,
        options: Options = Options(), file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> Output {
        var options = options
        (options.input, options.output) = (.pipe, .pipe)
        let hasError = if case .pipe = options.error { true } else { false }
        return try await run(path, arguments, options: options, file: file, line: line) { process in
            var said = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
                group.addTask {
                    try await process.feed(input, file, line)
                    return (0, [])
                }
                let streams = [(1, process.standardOutput), (2, process.standardError)]
                for (place, stream) in streams where place == 1 || hasError {
                    group.addTask {
                        (place, try await stream.readToEnd(limit: limit, file: file, line: line))
                    }
                }
                return try await group.reduce(into: [[], [], []] as [[UInt8]]) { $0[$1.0] = $1.1 }
            }
            let ending = try await process.wait(file: file, line: line)
            return Output(ending: ending, output: said[1], error: said.removeLast())
        }
    }

    /// Writes its whole input; one that does not want it may close it.
    private func feed(_ input: [UInt8], _ file: SourceFile, _ line: UInt32) async throws(IOError) {
        defer { standardInput.close() }
        do throws(IOError) {
            try await standardInput.write(input, file: file, line: line)
        } catch {
            if error.reason != .system(.brokenPipe) { throw error }
        }
    }

    /// Waits for its end, at most for `timeout`. Any number of tasks may wait.
    ///
    /// - Throws: `IOError` of `run` with `.timedOut`, `.cancelled`, or what waitpid(2) says: "No
    ///   child processes" where other code of this process has reaped it.
    public func wait(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Ending {
        if let ending = try reap() { return ending }
        let call = Call(file, line)
        do throws(IOError) {
            let own = try Result { () throws(Errno) in try end.raw.duplicate() }.get(.run)
            let file = OpenFile(takingOver: own)
            return try await file.perform(.run, timeout: timeout, in: call) {
                wait async throws(IOError) in
                while true {
                    try await file.untilReadable(.run, wait)
                    if let ending = try self.reap() { return ending }
                }
            }
        } catch {
            throw IOError(.run, error.reason, name: path)
        }
    }

    /// Sends a signal, to the process group that it leads or to it alone; when it has ended it does
    /// nothing.
    public func send(_ signal: Signal) {
        ending.withLock { ending in
            guard ending == nil else { return }
            if leadsGroup {
                process.sendToGroup(signal: signal.rawValue)
            } else {
                process.send(signal: signal.rawValue)
            }
        }
    }

    private func closeStreams() {
        standardInput.close()
        standardOutput.close()
        standardError.close()
    }

    /// How it ended, and then it is reaped; nil while it runs.
    @discardableResult
    private func reap() throws(IOError) -> Ending? {
        try ending.withLock { ending throws(IOError) in
            if ending == nil, process.hasEnded {
                let end = try Result { () throws(Errno) in try process.waitAndReap() }
                    .get(.run, name: path)
                ending = Ending(end)
            }
            return ending
        }
    }

    /// Ends it, whatever becomes of the calling task and of its loop.
    private func end(after grace: Duration) async {
        await withCheckedContinuation { done in
            do throws(Errno) {
                try RunningThread.start {
                    self.endHere(after: grace)
                    done.resume()
                }.detach()
            } catch {
                endHere(after: .zero)
                done.resume()
            }
        }
    }

    /// Asks it to end, and makes it when its time is over; waits for that.
    private func endHere(after grace: Duration) {
        send(.terminate)
        let deadline = Instant.now.advanced(by: grace)
        while !process.hasEnded, Instant.now < deadline {
            untilReadable(for: Instant.now.nanoseconds(to: deadline))
        }
        // Also what is left of its group.
        send(.kill)
        while !process.hasEnded { untilReadable(for: nil) }
        // Other code of this process may have reaped it.
        _ = try? reap()
    }

    private func untilReadable(for nanoseconds: Int64?) {
        // When it fails the caller looks again.
        _ = try? waitUntilReadable([end.raw], nanoseconds: nanoseconds)
    }
}

extension Subprocess.Ending {
    fileprivate init(_ ending: ProcessEnding) {
        switch ending {
        case .exited(let code): self = .exited(Int(code))
        case .killed(let signal): self = .killed(by: Signal(rawValue: signal))
        }
    }
}

// MARK: Starting

extension Subprocess {
    private static func start(
        _ path: String, _ arguments: [String], _ options: Options, in call: Call
    ) async throws(IOError) -> Subprocess {
        let loop = try EventLoop.require(.run).executor
        return try await loop.perform { () async throws(IOError) in
            guard loop.isCurrent, !loop.state.isEnding else {
                throw IOError(.run, .loopEnded, name: path)
            }
            if loop.isWatched { throw IOError(.run, .system(.notImplemented), name: path) }
            if Task.isCancelled { throw IOError(.run, .cancelled, name: path) }
            return try start(path, arguments, options)
        }
    }

    private static func start(
        _ path: String, _ arguments: [String], _ options: Options
    ) throws(IOError) -> Subprocess {
        let streams = try Result { () throws(Errno) in
            [
                try ChildStream(options.input, number: 0),
                try ChildStream(options.output, number: 1),
                try ChildStream(options.error, number: 2),
            ]
        }.get(.run, name: path)
        // The child's ends stay open until it has them.
        defer { extendLifetime(streams) }
        var program = Program(path, arguments: [path] + arguments)
        program.environment = options.environment?.map { "\($0.key)=\($0.value)" }
        program.directory = options.directory
        program.streams = (streams[0].childs, streams[1].childs, streams[2].childs)
        program.leadsGroup = options.leadsGroup
        let process: RunningProcess
        do throws(StartFailure) {
            process = try RunningProcess.start(program)
        } catch {
            let name = error.isOfDirectory ? "in \(options.directory ?? "")" : path
            throw IOError(.run, .system(error.errno), name: name)
        }
        do throws(Errno) {
            return Subprocess(
                path, process, options, streams, end: try process.makeEndDescriptor())
        } catch {
            process.send(signal: Signal.kill.rawValue)
            // It is ours and has been killed.
            _ = try? process.waitAndReap()
            throw IOError(.run, .system(error), name: path)
        }
    }
}

/// One stream of a program that is about to start.
private struct ChildStream {
    /// Our end of the pipe, or what is closed.
    let ours: OpenFile
    /// What the program gets; nil is the null device.
    let childs: RawDescriptor?
    /// The program's end of the pipe, until it has it.
    private let end: OpenFile?

    init(_ stream: Subprocess.Stream, number: CInt) throws(Errno) {
        switch stream {
        case .null: (ours, childs, end) = (.closed, nil, nil)
        case .inherited: (ours, childs, end) = (.closed, RawDescriptor(number), nil)
        case .pipe:
            let (reading, writing) = try makePipe()
            let isInput = number == 0
            ours = OpenFile(takingOver: isInput ? writing : reading)
            let end = OpenFile(takingOver: isInput ? reading : writing)
            // The flag belongs to the open pipe, which the program shares.
            try end.raw.setBlocking()
            (childs, self.end) = (end.raw, end)
        }
    }
}
