import Syscalls

/// Runs `body` on a thread of a pool, off the loop, and suspends the calling task until it has
/// returned: for calls that block, and for long computations.
///
/// ```swift
/// let digest = try await offload { sha256(of: bytes) }
/// ```
///
/// A task that is cancelled, or whose time is over, leaves at once. Work that no thread has begun
/// then leaves the queue; work that runs goes on to its end, and what it returns is dropped. The
/// loop's end waits for no such work either. The body belongs to no task: it has no task-local
/// values, and no cancellation of its own.
///
/// In a simulation the body runs on the thread of the world, at a moment that the seed decides;
/// the clock stands still meanwhile, and the limits of the pool do not count. In a recording it
/// runs on the loop's thread.
///
/// - Parameters:
///   - pool: whose threads.
///   - timeout: how long to wait for it, also for a thread; nil is for ever.
///   - file: the file of the call, for reports.
///   - line: the line of the call.
///   - body: what to run.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws, or `IOError` of `offload`: with `.full` when too much waits for
///   the pool, `.timedOut`, `.cancelled`, `.loopEnded`, `.noLoop` outside `EventLoop.run`, or what
///   the kernel says when there can be no thread.
public func offload<Value: Sendable>(
    on pool: ThreadPool = .shared, timeout: Duration? = nil,
    file: SourceFile = #fileID, line: UInt32 = #line,
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    let loop = try EventLoop.require(.offload).executor
    let call = Call(file, line)
    let result = try await loop.perform { () async throws(IOError) in
        try await loop.offload(to: pool, until: loop.deadline(after: timeout), in: call) {
            Result { try body() }
        }
    }
    return try result.get()
}

extension LoopExecutor {
    /// Lets a thread run `body` and suspends the calling task until it has, if the caller is on
    /// the loop's thread.
    func offload<Value: Sendable>(
        to pool: ThreadPool, until deadline: Instant, in call: Call,
        _ body: @escaping @Sendable () -> Value
    ) async throws(IOError) -> Value {
        let result = OffloadedResult<Value>()
        do throws(IOError) {
            try await carryOff(to: pool, until: deadline, in: call) { result.set(body()) }
        } catch {
            // It may have been done in the meantime.
            if let value = result.get() { return value }
            throw error
        }
        guard let value = result.get() else {
            throw IOError(.offload, .loopEnded, name: pool.name)
        }
        return value
    }

    /// Lets a thread do the work and suspends the calling task until it is done.
    private func carryOff(
        to pool: ThreadPool, until deadline: Instant, in call: Call,
        _ work: @escaping @Sendable () -> Void
    ) async throws(IOError) {
        // After the end this is no longer the loop's thread.
        guard isCurrent else { throw IOError(.offload, .loopEnded, name: pool.name) }
        if state.isEnding { throw IOError(.offload, await refuse(in: call), name: pool.name) }
        if Task.isCancelled { throw IOError(.offload, .cancelled, name: pool.name) }
        if deadline <= now { throw IOError(.offload, .timedOut, name: pool.name) }
        let token = state.deadlines.insert(.sleep(nil), at: deadline)
        let withdraw: @Sendable () -> Void
        do throws(IOError) {
            withdraw = try begin(work, on: pool) { self.post(.endSleep(token)) }
        } catch {
            _ = state.deadlines.remove(token)
            throw error
        }
        guard let reason = await sleep(for: token, awaiting: .work, in: call) else { return }
        withdraw()
        throw IOError(.offload, reason, name: pool.name)
    }

    /// Begins the work; returns what takes it back if it has not begun yet.
    private func begin(
        _ work: @escaping @Sendable () -> Void, on pool: ThreadPool,
        then done: @escaping @Sendable () -> Void
    ) throws(IOError) -> @Sendable () -> Void {
        guard state.witness == nil else {
            // Threads are what no seed decides. A job of the loop is runnable at once, and so the
            // clock of the world does not move before it has run.
            let job = Task.detached(executorPreference: self) {
                if Task.isCancelled { return }
                work()
                done()
            }
            return { job.cancel() }
        }
        let ticket = try pool.submit(work, then: done)
        return { pool.withdraw(ticket) }
    }
}

/// What came of a body, handed from the thread of a pool to the task that waits for it.
private final class OffloadedResult<Value: Sendable>: Sendable {
    private let value = Guarded<Value?>(nil)
    func set(_ value: Value) { self.value.withLock { $0 = value } }
    func get() -> Value? { value.withLock { $0 } }
}
