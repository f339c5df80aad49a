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
public struct EventLoop: Sendable {
    let executor: LoopExecutor

    @TaskLocal private static var taskLoop: EventLoop?

    /// The loop that the calling task belongs to; nil outside `run`.
    public static var current: EventLoop? { taskLoop }

    static func require(
        _ operation: IOError.Operation
    ) throws(IOError) -> LoopExecutor {
        guard let loop = taskLoop else { throw IOError(operation, .noLoop) }
        return loop.executor
    }

    /// Runs `body` on the calling thread until it returns.
    ///
    /// When `body` returns, what `spawn` started is cancelled and awaited, whoever is parked is
    /// resumed with an error, and the loop's descriptors are closed. The calling thread is the
    /// loop's for the whole time; on a thread of Swift's own pool it keeps others from running
    /// there, and on the main thread it keeps the main actor from running at all.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with.
    ///   - body: what to run; a task on the loop.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or an `IOError` of the operation `wait` when the driver fails.
    public static func run<Value: Sendable>(
        driver: DriverKind = .poll,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let opened: any Driver
        do throws(Errno) {
            opened = try driver.makeDriver()
        } catch {
            throw IOError(.wait, .system(error))
        }
        return try run(on: opened, sockets: SystemSockets(), body)
    }

    /// Runs `body` over a driver and sockets of the caller's choice.
    package static func run<Value: Sendable>(
        on driver: any Driver,
        sockets: any Sockets,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        precondition(
            taskLoop?.executor.isCurrent != true,
            "EventLoop.run inside a task of the same thread's loop would block that loop for ever")
        let executor = LoopExecutor(driver: driver, sockets: sockets)
        let isDone = Flag()
        let outcome = Outcome<Value>(isDone)
        let task = $taskLoop.withValue(EventLoop(executor: executor)) {
            Task(executorPreference: executor) {
                do { outcome.set(.success(try await body())) } catch {
                    outcome.set(.failure(error))
                }
            }
        }
        var failure: Errno?
        do throws(Errno) {
            try executor.run(until: isDone)
        } catch {
            failure = error
            task.cancel()
        }
        executor.end(when: isDone)
        if let failure { throw IOError(.wait, .system(failure)) }
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
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.busy` when another task is parked
    ///   there in the same direction, `.loopEnded`, or what the kernel says when it cannot watch
    ///   the descriptor.
    public func park(
        on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant = .never
    ) async throws(IOError) {
        let executor = executor
        let wakeup = await withTaskExecutorPreference(executor) {
            await executor.park(on: descriptor, for: direction, until: deadline)
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
    private let isSet: Flag

    init(_ isSet: Flag) { self.isSet = isSet }

    func set(_ result: Result<Value, any Error>) {
        self.result.withLock { $0 = result }
        isSet.raise()
    }

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
