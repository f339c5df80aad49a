import Syscalls

/// The tasks that a loop started and that have not ended, so that it can cancel and await them, and
/// name them in reports.
struct Children {
    /// A task that was started.
    struct Child {
        /// Which task it is: a number that no other one has while it lives.
        let task: UInt
        let name: String?
        /// The call that started it.
        let call: Call
        let cancel: @Sendable () -> Void
    }

    private var children: [Int: Child] = [:]
    private var serial = 0

    /// Set when the loop ends: no task joins any more.
    private(set) var isClosed = false

    var isEmpty: Bool { children.isEmpty }

    /// All of them, the eldest first.
    var all: [Child] { children.sorted { $0.key < $1.key }.map(\.value) }

    mutating func add(_ start: (Int) -> Child) {
        serial += 1
        children[serial] = start(serial)
    }

    mutating func remove(_ serial: Int) { children[serial] = nil }

    /// Lets no task join any more; returns what cancels those that are there, the eldest first.
    mutating func close() -> [@Sendable () -> Void] {
        isClosed = true
        return all.map(\.cancel)
    }
}

/// Starts a task on the loop that the caller belongs to, and returns at once.
///
/// It runs beside its starter and is cancelled when the loop ends; the loop ends only after it has.
/// Reports call it by its `name`.
///
/// What it throws is said on standard error with its call, once a second at most, also when it is
/// awaited; but not that it was cancelled or that its loop ends.
///
/// - Returns: the task, to await or to cancel.
/// - Throws: `IOError` with `.noLoop` outside `EventLoop.run`, and `.loopEnded` when the loop is
///   over.
@discardableResult
public func spawn<Value: Sendable>(
    name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
    _ body: @escaping @concurrent @Sendable () async throws -> Value
) throws(IOError) -> Task<Value, any Error> {
    try EventLoop.require(.spawn).spawn(name: name, file: file, line: line, body)
}

extension EventLoop {
    /// Starts a task on this loop, and returns at once.
    ///
    /// It is as if `spawn` had been called by a task of this loop; the caller may be on any thread.
    ///
    /// - Returns: the task, to await or to cancel.
    /// - Throws: `IOError` with `.loopEnded` when the loop is over.
    @discardableResult
    public func spawn<Value: Sendable>(
        name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) throws(IOError) -> Task<Value, any Error> {
        let executor = executor
        let call = Call(file, line)
        // The child cannot leave before it was entered: leaving takes the same lock.
        let task: Task<Value, any Error>? = executor.children.withLock { children in
            guard !children.isClosed else { return nil }
            var started: Task<Value, any Error>?
            children.add { serial in
                let task = EventLoop.$taskLoop.withValue(self) {
                    Task(name: name, executorPreference: executor) {
                        defer { executor.leave(serial) }
                        do {
                            return try await body()
                        } catch {
                            let name = name ?? "a task"
                            if !error.isOfEnding { executor.note(error, of: name, in: call) }
                            throw error
                        }
                    }
                }
                started = task
                // A task is the address of its first job.
                let number = unsafeBitCast(task, to: UInt.self)
                return Children.Child(task: number, name: name, call: call) { task.cancel() }
            }
            return started
        }
        guard let task else { throw IOError(.spawn, .loopEnded) }
        return task
    }
}

extension Error {
    /// Whether it says only that a task was to end.
    package var isOfEnding: Bool {
        switch (self as? IOError)?.reason {
        case .cancelled, .loopEnded: true
        default: self is CancellationError
        }
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
