import Drivers
import Synchronization
import Syscalls

/// The system call that tells an event loop what is ready: `.poll`, `.select`, `.epoll` or
/// `.ioUring`.
public typealias DriverKind = Drivers.DriverKind
/// An IPv4 or IPv6 address and a port: `try SocketAddress("127.0.0.1:7788")`.
public typealias SocketAddress = Syscalls.SocketAddress
/// A socket option by its usual name: `.noDelay`, `.keepAlive`, `.receiveBuffer`.
public typealias SocketOption = Syscalls.SocketOption
/// An error number as the kernel reports it.
public typealias Errno = Syscalls.Errno
/// A file descriptor's number.
public typealias RawDescriptor = Syscalls.RawDescriptor
/// A point of the monotonic clock.
public typealias Instant = Syscalls.Instant

/// One thread that runs Swift tasks and parks them until a socket is ready.
///
/// ```swift
/// try EventLoop.run(driver: .epoll) {
///     try await TCPServer.serve(on: "127.0.0.1:7788") { connection in
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
    /// When `body` returns, what `spawn` started is cancelled and awaited, whoever is parked is
    /// resumed with an error, and the loop's descriptors are closed. The calling thread is the
    /// loop's for the whole time; on a thread of Swift's own pool it keeps others from running
    /// there, and on the main thread it keeps the main actor from running at all.
    ///
    /// With several loops, all end together: when `body` has returned or one of them has failed.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with; each loop has its own.
    ///   - loops: how many loops, at least 1. The first is the calling thread's; each other one has
    ///     a thread that ends before `run` returns.
    ///   - body: what to run; a task on the first loop.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or an `IOError`: of the operation `wait` when a driver fails,
    ///   which cancels `body`, and of `spawn` when a thread cannot be started.
    public static func run<Value: Sendable>(
        driver: DriverKind = .poll,
        loops: Int = 1,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        var drivers: [any Driver] = []
        do throws(Errno) {
            for _ in 0..<loops { drivers.append(try driver.makeDriver()) }
        } catch {
            throw IOError(.wait, .system(error))
        }
        return try run(on: drivers, sockets: SystemSockets(), body)
    }

    /// Runs `body` over sockets of the caller's choice, with a loop for each driver; `witness`
    /// watches them.
    package static func run<Value: Sendable>(
        on drivers: [any Driver],
        sockets: any Sockets,
        witness: (any LoopWitness)? = nil,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        precondition(
            taskLoop?.executor.isCurrent != true,
            "EventLoop.run inside a task of the same thread's loop would block that loop for ever")
        precondition(!drivers.isEmpty, "EventLoop.run needs at least one loop")
        precondition(witness == nil || drivers.count == 1, "a witness watches one loop")
        let executors = drivers.map { LoopExecutor(driver: $0, sockets: sockets, witness: witness) }
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

    /// What the loop has done until now.
    public var statistics: LoopStatistics {
        get async { await withTaskExecutorPreference(executor) { executor.state.statistics } }
    }

    /// What the tasks of this loop wait for: all that are parked in a call of this library, and
    /// those that were spawned and wait for something else. The running task and those that are
    /// about to run are left out; one that has just called `Task.yield` may be told as waiting.
    ///
    /// Not seen are the body of `run`, and child tasks, while they wait for something else: another
    /// task, a stream, `Task.sleep`.
    ///
    /// For a person who wants to know why nothing happens. It takes as long as the loop has tasks,
    /// with some system calls for each.
    public var parkReports: [ParkReport] {
        get async {
            let executor = executor
            return await withTaskExecutorPreference(executor) {
                // On a loop that has ended nobody waits.
                executor.isCurrent ? executor.parkReports() : []
            }
        }
    }

    /// Suspends the calling task until `descriptor` may make progress in `direction`.
    ///
    /// For descriptors that this library did not open: pipes, terminals, signalfd, inotify. They
    /// must be non-blocking, and stay open while somebody is parked on them. Readiness is a hint:
    /// try, and park again.
    ///
    /// - Parameters:
    ///   - descriptor: what to watch.
    ///   - direction: which way bytes are to flow.
    ///   - deadline: the instant at which to give up.
    ///   - file: the file of the call, for reports of parked tasks.
    ///   - line: the line of the call.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy` when another task is parked
    ///   there in the same direction, `.loopEnded`, or what the kernel says when it cannot watch
    ///   the descriptor.
    public func park(
        on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant = .never,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let executor = executor
        let call = Call(file, line)
        let wakeup = await withTaskExecutorPreference(executor) {
            await executor.park(on: descriptor, for: direction, until: deadline, in: call)
        }
        if let reason = wakeup.reason { throw IOError(.park, reason) }
    }

    /// Takes back what the driver was told of `descriptor`; to be called before it is closed.
    ///
    /// Whoever is parked on it is resumed with a `closed` error.
    public func forget(_ descriptor: RawDescriptor) async {
        let executor = executor
        await withTaskExecutorPreference(executor) {
            // A loop that has ended has forgotten everything.
            if executor.isCurrent { executor.forget(descriptor) }
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

/// Something that has happened or has not, for any thread to see.
final class Flag: Sendable {
    private let raised = Atomic(false)
    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
}
