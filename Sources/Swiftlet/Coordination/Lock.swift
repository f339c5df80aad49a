import Syscalls

/// What one task at a time may hold, across its suspensions; the next ones wait in their order.
///
/// ```swift
/// let ledger = Lock(name: "ledger")
/// try await ledger.withLock { try await book(entry) }
/// ```
///
/// Where nothing is awaited inside, an actor or the standard library's `Mutex` does it. A task that
/// wants what it holds already waits for itself, and the report says so.
public struct Lock: Sendable {
    let semaphore: Semaphore

    /// A lock that nobody holds.
    ///
    /// - Parameters:
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line) {
        semaphore = Semaphore(capacity: 1, name, Call(file, line), kind: .lock)
    }

    /// Runs `body` with the lock, and gives it back however `body` ends.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for the lock; nil is for ever.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to do with the lock.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`.
    public func withLock<Value: ~Copyable>(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await semaphore.withPermit(timeout: timeout, file: file, line: line, body)
    }

    /// Takes the lock, and waits for it if another task has it.
    ///
    /// - Returns: the lock's one permit, which goes back when it is released or goes out of scope.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func acquire(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Semaphore.Permit {
        try await semaphore.acquire(timeout: timeout, file: file, line: line)
    }

    /// Takes the lock if no task has it or waits for it; nil if not.
    public func tryAcquire(
        file: SourceFile = #fileID, line: UInt32 = #line
    ) -> Semaphore.Permit? {
        semaphore.tryAcquire(file: file, line: line)
    }

    /// Whether a task has the lock.
    public var isTaken: Bool { semaphore.taken > 0 }
}
