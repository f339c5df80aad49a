import Syscalls

/// The tasks that a loop started and that have not ended, so that it can cancel and await them.
struct Children {
    private var cancels: [Int: @Sendable () -> Void] = [:]
    private var serial = 0

    /// Set when the loop ends: nobody joins any more.
    private(set) var isClosed = false

    var isEmpty: Bool { cancels.isEmpty }

    mutating func add(_ start: (Int) -> @Sendable () -> Void) {
        serial += 1
        cancels[serial] = start(serial)
    }

    mutating func remove(_ serial: Int) { cancels[serial] = nil }

    /// Lets nobody join any more; returns what cancels those who are there, the eldest first.
    mutating func close() -> [@Sendable () -> Void] {
        isClosed = true
        return cancels.sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Starts a task on the loop that the caller belongs to, and returns at once.
///
/// It runs beside its starter and is cancelled when the loop ends; the loop ends only after it has.
///
/// - Parameters:
///   - name: what the task is called in reports.
///   - body: what the task does.
/// - Returns: the task, to await or to cancel.
/// - Throws: `IOError` with `.noLoop` outside `EventLoop.run`, and `.loopEnded` when the loop is
///   over.
@discardableResult
public func spawn<Value: Sendable>(
    name: String? = nil, _ body: @escaping @Sendable () async throws -> Value
) throws(IOError) -> Task<Value, any Error> {
    try EventLoop.require(.spawn).spawn(name: name, body)
}

extension EventLoop {
    /// Starts a task on this loop, and returns at once.
    ///
    /// It is as if `spawn` had been called by a task of this loop; the caller may be on any thread.
    ///
    /// - Parameters:
    ///   - name: what the task is called in reports.
    ///   - body: what the task does.
    /// - Returns: the task, to await or to cancel.
    /// - Throws: `IOError` with `.loopEnded` when the loop is over.
    @discardableResult
    public func spawn<Value: Sendable>(
        name: String? = nil, _ body: @escaping @Sendable () async throws -> Value
    ) throws(IOError) -> Task<Value, any Error> {
        let executor = executor
        // The child cannot leave before it was entered: leaving takes the same lock.
        let task: Task<Value, any Error>? = executor.children.withLock { children in
            guard !children.isClosed else { return nil }
            var started: Task<Value, any Error>?
            children.add { serial in
                let task = EventLoop.$taskLoop.withValue(self) {
                    Task(name: name, executorPreference: executor) {
                        defer { executor.leave(serial) }
                        return try await body()
                    }
                }
                started = task
                return { task.cancel() }
            }
            return started
        }
        guard let task else { throw IOError(.spawn, .loopEnded) }
        return task
    }
}

extension LoopExecutor {
    /// Notes that a child has ended.
    fileprivate func leave(_ serial: Int) {
        children.withLock { $0.remove(serial) }
        // A last child that ends on another thread ends the loop's wait.
        if !isCurrent { wake() }
    }
}
