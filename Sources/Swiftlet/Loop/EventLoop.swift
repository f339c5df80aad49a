import CLinux
import Drivers
import Glibc
import Syscalls

/// One thread that runs Swift tasks and parks them until a socket is ready.
///
/// ```swift
/// try EventLoop.run(driver: .epoll) {
///     try await StreamServer.serve(on: "127.0.0.1:7788") { connection in
///         while let bytes = try await connection.read() {
///             try await connection.write(bytes)
///         }
///     }
/// }
/// ```
///
/// Everything that the body awaits runs on the loop's thread: its child tasks, `async let`, default
/// actors and `@concurrent` functions too. A `Task {}` without an executor preference runs on
/// Swift's own threads, as everywhere; it may use the loop's sockets all the same.
///
/// A run may have several loops, each with a thread of its own. The body is a task of the first; a
/// server that it starts serves on all of them.
///
/// While a loop has the main thread, the main actor runs there, too, on that loop.
public struct EventLoop: Sendable {
    let executor: LoopExecutor
    /// Its own executor and those of the loops that run with it, the first loop's first.
    let executors: [LoopExecutor]

    @TaskLocal static var taskLoop: EventLoop?

    /// The loop that the calling task belongs to; nil outside `run`.
    public static var current: EventLoop? { taskLoop }

    /// The loops of the run that the calling task belongs to, the body's first; none outside `run`.
    public static var all: [EventLoop] { taskLoop?.loops ?? [] }

    /// The loops that run together with this one, and itself.
    var loops: [EventLoop] {
        executors.map { EventLoop(executor: $0, executors: executors) }
    }

    static func require(_ operation: IOError.Operation) throws(IOError) -> EventLoop {
        guard let loop = taskLoop else { throw IOError(operation, .noLoop) }
        return loop
    }

    /// Runs `body` on the calling thread until it returns.
    ///
    /// When `body` returns, what `spawn` started is cancelled and awaited, each parked task is
    /// resumed with an error, and the loop's descriptors are closed. The calling thread is the
    /// loop's for the whole time; on a thread of Swift's own pool it keeps others from running
    /// there. On the main thread the loop runs the main actor's jobs beside its own.
    ///
    /// With several loops, all end together: when `body` has returned or one of them has failed.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with; each loop has its own.
    ///   - loops: how many loops, at least 1. The first is the calling thread's; each other one has
    ///     a thread that ends before `run` returns.
    ///   - log: what takes the messages of the loops; nil says them on standard error.
    ///   - body: what to run; a task on the first loop.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or an `IOError`: of the operation `wait` when a driver fails,
    ///   which cancels `body`, and of `spawn` when a thread cannot be started.
    public static func run<Value: Sendable>(
        driver: DriverKind = .poll,
        loops: Int = 1,
        log: LoopLog? = nil,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) throws -> Value {
        guard loops > 0 else { throw IOError(.spawn, .outOfRange(loops)) }
        var drivers: [any Driver] = []
        do throws(Errno) {
            for _ in 0..<loops { drivers.append(try driver.makeDriver()) }
        } catch {
            throw IOError(.wait, .system(error))
        }
        return try run(
            on: drivers, sockets: SystemSockets(), log: log ?? LoopMessage.say, body)
    }

    /// Runs `body` as `run` does, for the top level of a program.
    ///
    /// What it throws is said on standard error in one line, such as "bind 127.0.0.1:80: Address
    /// already in use", and the process ends with code 1. What `run` throws there would end it in a
    /// trap with a page of registers. What the program prints comes out line by line, also into a
    /// pipe: a server waits for clients, and not for its end.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with; each loop has its own.
    ///   - loops: how many loops, at least 1.
    ///   - log: what takes the messages of the loops; nil says them on standard error.
    ///   - body: what to run; a task on the first loop.
    public static func main(
        driver: DriverKind = .poll,
        loops: Int = 1,
        log: LoopLog? = nil,
        _ body: @escaping @concurrent @Sendable () async throws -> Void
    ) {
        clinux_print_lines()
        do {
            try run(driver: driver, loops: loops, log: log, body)
        } catch {
            StandardError.say("\(error)", patience: .seconds(1))
            exit(1)
        }
    }

    /// Runs `body` over sockets of the caller's choice, with a loop for each driver; `witness`
    /// watches them, `log` takes what is said aside, and inspection tells of them if they are
    /// listed.
    package static func run<Value: Sendable>(
        on drivers: [any Driver],
        sockets: any Sockets,
        witness: (any LoopWitness)? = nil,
        isListed: Bool = true,
        log: @escaping LoopLog = LoopMessage.say,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) throws -> Value {
        precondition(
            taskLoop?.executor.isCurrent != true,
            "EventLoop.run inside a task of the same thread's loop would block that loop for ever")
        precondition(!drivers.isEmpty, "EventLoop.run needs at least one loop")
        precondition(witness == nil || drivers.count == 1, "a witness watches one loop")
        let executors = drivers.map {
            LoopExecutor(driver: $0, sockets: sockets, witness: witness, log: log)
        }
        let isInspected = isListed && witness == nil && executors.allSatisfy(\.isOnKernel)
        if isInspected { Roster.enter(executors) }
        defer { if isInspected { Roster.leave(executors) } }
        let run = LoopRun(executors)
        let outcome = Outcome<Value>()
        let first = EventLoop(executor: executors[0], executors: executors)
        let task = $taskLoop.withValue(first) {
            Task(executorPreference: first.executor) {
                do {
                    // Cancelled before it began: not all of its loops run.
                    try Task.checkCancellation()
                    outcome.set(.success(try await body()))
                } catch {
                    outcome.set(.failure(error))
                }
                run.endBody()
            }
        }
        try run.drive(task)
        return try outcome.get()
    }

    /// The loop as Swift's concurrency sees it, for `Task(executorPreference:)` and for an actor's
    /// `unownedExecutor`.
    ///
    /// An actor must not outlive the loop that it runs on.
    public var taskExecutor: any TaskExecutor & SerialExecutor { executor }

    /// What the loop has done until now, the present turn included.
    public var statistics: LoopStatistics {
        get async {
            let executor = executor
            return await executor.perform { executor.statisticsSoFar }
        }
    }

    /// Measures from now on how long each job waits for the thread: `LoopStatistics.delays`.
    ///
    /// It costs a reading of the clock for each job, some 25 ns; until it is called, nothing.
    public func measureDelays() async {
        let executor = executor
        await executor.perform {
            // A loop that has ended runs no job.
            if executor.isCurrent { executor.state.measuresDelays = true }
        }
    }
}

/// What became of the body of `run`, handed from its task to the thread that waits for it.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Guarded<Result<Value, any Error>?>(nil)

    func set(_ result: Result<Value, any Error>) { self.result.withLock { $0 = result } }

    func get() throws -> Value {
        guard let result = result.withLock({ $0 }) else { throw IOError(.wait, .loopEnded) }
        return try result.get()
    }
}
