/// Thrown by `withTimeout` when its time is over.
public struct TimeoutError: Error, Equatable, CustomStringConvertible {
    /// The time that was given.
    public let timeout: Duration

    /// Says how long the work was given.
    public var description: String { "not done within \(timeout)" }
}

/// Runs `body` as a child task on the loop, and cancels it when it takes longer than `timeout`.
///
/// Scopes nest. An inner scope reports only its own expiry: when an outer one expires first, the
/// inner body is cancelled, and the `TimeoutError` comes out of the outer scope. Because expiry is
/// cancellation, it ends any wait that cancellation ends, in this library and elsewhere; a body
/// that swallows the error is still cancelled.
///
/// A body that returns although its time is over has done its work, and its value is returned.
///
/// - Returns: what `body` returns.
/// - Throws: `TimeoutError`, what `body` throws, or `IOError` with `.noLoop` outside
///   `EventLoop.run`.
public func withTimeout<Value: Sendable>(
    _ timeout: Duration, file: SourceFile = #fileID, line: UInt32 = #line,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let call = Call(file, line)
    let loop = try EventLoop.require(.sleep).executor
    return try await withThrowingTaskGroup(of: Step<Value>.self) { group in
        group.addTask(executorPreference: loop) { .value(try await body()) }
        group.addTask(executorPreference: loop) {
            let wakeup = await loop.sleep(until: loop.deadline(after: timeout), in: call)
            return wakeup == .timedOut ? .expired : .abandoned
        }
        defer { group.cancelAll() }
        var hasExpired = false
        do {
            while let step = try await group.next() {
                switch step {
                case .value(let value): return value
                case .expired:
                    hasExpired = true
                    group.cancelAll()
                case .abandoned: continue
                }
            }
        } catch {
            throw hasExpired ? TimeoutError(timeout: timeout) : error
        }
        throw IOError(.sleep, .cancelled)
    }
}

/// What the tasks of a `withTimeout` scope come back with.
private enum Step<Value: Sendable>: Sendable {
    case value(Value)
    /// The time is over.
    case expired
    /// The scope was left before the time was over.
    case abandoned
}
