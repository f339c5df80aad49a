/// Thrown by `withTimeout` when its time is over.
public struct TimeoutError: Error, Equatable, CustomStringConvertible {
    /// The time that was given.
    public let timeout: Duration

    /// Says how long the work was given.
    public var description: String { "not done within \(timeout)" }
}

/// Runs `body` in a child task where the caller runs, and cancels it when it takes longer than
/// `timeout`.
///
/// The caller may be on an actor: `body` is isolated as its caller is. What it returns need be
/// neither `Sendable` nor copyable. Where the caller is on no actor, `body` runs on the loop.
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
public func withTimeout<Value: ~Copyable>(
    _ timeout: Duration, file: SourceFile = #fileID, line: UInt32 = #line,
    _ body: @escaping () async throws -> Value
) async throws -> Value {
    let call = Call(file, line)
    let loop = try EventLoop.require(.sleep).executor
    let isolation = #isolation
    let result = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    defer { result.deallocate() }
    let work = LentWork(body: body, result: result)
    let failure = await withTaskGroup(of: Step.self, isolation: isolation) { group in
        group.addTask(name: Task.name, executorPreference: loop) { await work.run(on: isolation) }
        group.addTask(executorPreference: loop) {
            let wakeup = await loop.sleep(until: loop.deadline(after: timeout), in: call)
            return wakeup == .timedOut ? .expired : .abandoned
        }
        var hasExpired = false
        while let step = await group.next() {
            switch step {
            case .abandoned: continue
            case .expired: hasExpired = true
            case .done(let error):
                group.cancelAll()
                return error.map { hasExpired ? TimeoutError(timeout: timeout) : $0 }
            }
            group.cancelAll()
        }
        preconditionFailure("a task group has lost a task")
    }
    if let failure { throw failure }
    return result.move()
}

/// The body of a scope, lent to a child task, and the memory for what it returns.
private struct LentWork<Value: ~Copyable>: Sendable {
    // The scope waits for the child task, which runs where the scope does. So one task at a time
    // has these.
    nonisolated(unsafe) let body: () async throws -> Value
    nonisolated(unsafe) let result: UnsafeMutablePointer<Value>

    func run(on isolation: isolated (any Actor)?) async -> Step {
        do {
            result.initialize(to: try await body())
            return .done(nil)
        } catch {
            return .done(error)
        }
    }
}

/// What the tasks of a `withTimeout` scope come back with.
private enum Step: Sendable {
    /// The body has ended, with its error if it threw one.
    case done((any Error)?)
    /// The time is over.
    case expired
    /// The scope was left before the time was over.
    case abandoned
}
