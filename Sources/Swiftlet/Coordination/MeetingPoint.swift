import CLinux
import Drivers
import Syscalls

/// What tasks wait at for one another: a semaphore, an event, a channel.
protocol MeetingPoint: Accountable {
    /// Guards its state and its waiters.
    var lock: WordLock { get }

    /// What a report says of a task that waits here, after the word "waits": "for semaphore 'db'".
    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String
}

/// One call that waits at a meeting point.
struct Wait: Sendable {
    let operation: IOError.Operation
    let point: any MeetingPoint
    let lock: WordLock
    let timeout: Duration?
    let call: Call
}

extension MeetingPoint {
    /// Waits until the calling task is granted something, and returns the number of it.
    ///
    /// `enter` is given a waiter, looks again under the lock, and enters it into a list; or it has
    /// no need to, settles it, and returns false.
    ///
    /// A task waits on its loop, wherever it runs: it is taken there and back. A task that belongs
    /// to no loop waits by a continuation.
    @inline(__always)
    func wait(
        to operation: IOError.Operation, timeout: Duration?, in call: Call,
        _ enter: @Sendable (Waiter) -> Bool
    ) async throws(IOError) -> Int {
        let wait = Wait(
            operation: operation, point: self, lock: lock, timeout: timeout, call: call)
        // A task of an actor would come back to where that runs, which may be another thread.
        if isNone(#isolation), let home = LoopExecutor.home {
            return try await home.loop.wait(
                wait, by: home.loop.state.task, isCancelled: home.isCallerCancelled, enter)
        }
        return try await waitElsewhere(wait, enter)
    }
}

/// Waits as `MeetingPoint.wait` says, for a task that is not where it is to wait.
@inline(never)
private func waitElsewhere(
    _ wait: Wait, _ enter: @Sendable (Waiter) -> Bool
) async throws(IOError) -> Int {
    guard let loop = EventLoop.taskLoop?.executor else {
        return try await waitWithoutLoop(wait, enter)
    }
    return try await loop.perform { () async throws(IOError) in
        guard loop.isCurrent else { throw IOError(wait.operation, .loopEnded) }
        return try await loop.wait(
            wait, by: currentTask ?? loop.state.task, isCancelled: Task.isCancelled, enter)
    }
}

extension LoopExecutor {
    /// The loop to which the calling task comes back from a suspension, if it is on its thread; and
    /// whether the task is cancelled.
    @inline(__always)
    fileprivate static var home: (loop: LoopExecutor, isCallerCancelled: Bool)? {
        withTurning { loop in loop.isCallerCancelled.map { (loop, $0) } } ?? nil
    }

    /// Waits as `MeetingPoint.wait` says. The caller is on the loop's thread.
    @inline(__always)
    fileprivate func wait(
        _ wait: Wait, by task: UInt, isCancelled: Bool, _ enter: @Sendable (Waiter) -> Bool
    ) async throws(IOError) -> Int {
        if isCancelled { throw IOError(wait.operation, .cancelled) }
        if state.isEnding { throw IOError(wait.operation, await refuse(in: wait.call)) }
        let waiter = state.waiters.take()
        waiter.prepare(for: wait)
        waiter.record.task = task
        waiter.record.since = state.turnStart
        if enter(waiter) {
            if let timeout = wait.timeout {
                let deadline = deadline(after: timeout)
                waiter.record.timer = state.deadlines.insert(.wait(waiter), at: deadline)
            }
            await suspend(waiter, in: wait.call)
        }
        let (outcome, value) = (waiter.record.outcome, waiter.record.value)
        // A loop that has ended while its task was on the way keeps its records until it goes.
        if isCurrent {
            let timer = waiter.record.timer
            if timer != .none { _ = state.deadlines.remove(timer) }
            state.waiters.giveBack(waiter)
        }
        if let reason = outcome.reason { throw IOError(wait.operation, reason) }
        return value
    }

    /// Suspends the calling task until its waiter is settled; its cancellation settles it.
    @inline(__always)
    private func suspend(_ waiter: Waiter, in call: Call) async {
        #if !SWIFTLET_PUBLIC_API_ONLY
            if isNone(#isolation) {
                let cancellation = waiter.addCancellation()
                keep(waiter, in: call)
                await suspendCurrentTask()
                return swift_task_removeCancellationHandler(cancellation)
            }
        #endif
        _ = await withTaskCancellationHandler {
            await suspend(for: .wait(waiter), in: call)
        } onCancel: {
            waiter.end(.cancelled)
        }
    }

    /// Makes a task of this loop runnable that was suspended at a meeting point; from any thread.
    func resumeFromAnywhere(_ job: Job, _ reason: Wakeup) {
        if isCurrent { unpark(job, reason) } else { post(job) }
    }
}

/// Waits as `MeetingPoint.wait` says, for a task of no loop.
private func waitWithoutLoop(
    _ wait: Wait, _ enter: @Sendable (Waiter) -> Bool
) async throws(IOError) -> Int {
    if Task.isCancelled { throw IOError(wait.operation, .cancelled) }
    let waiter = Waiter.make()
    defer { waiter.free() }
    waiter.prepare(for: wait)
    if enter(waiter) { await suspend(waiter, for: wait.timeout) }
    if let reason = waiter.record.outcome.reason { throw IOError(wait.operation, reason) }
    return waiter.record.value
}

/// Suspends the calling task, which belongs to no loop, until its waiter is settled.
private func suspend(_ waiter: Waiter, for timeout: Duration?) async {
    let timer = timeout.map { timeout in
        Task {
            // Cut short when the wait is over: then there is nothing to end. What lasts longer than
            // 136 years has no end either, and the standard library would trap on it.
            try? await Task.sleep(for: min(timeout, .seconds(UInt32.max)))
            if !Task.isCancelled { waiter.end(.timedOut) }
        }
    }
    await withTaskCancellationHandler {
        await withUnsafeContinuation { task in
            if !waiter.keep(.continuation(task)) { task.resume() }
        }
    } onCancel: {
        waiter.end(.cancelled)
    }
    timer?.cancel()
    // It has the waiter.
    await timer?.value
    // Settled under the lock. The runtime tells the thread sanitizer nothing of a task that was let
    // go on before it was suspended; that it takes the lock once more does.
    _ = waiter.keep(.none)
}

/// The waiters of one loop, and the memory of those that there were.
///
///     all   [ waiter waiter waiter | – – ]     those that wait, and then those that are free
struct WaiterTable: ~Copyable {
    private var all = OwnedArray<Waiter>()
    private(set) var count = 0
    private var serial = 0

    deinit { for index in all.indices { all[index].free() } }

    /// Every one that waits.
    var waiting: [Waiter] { (0..<count).map { all[$0] } }

    /// Takes a free one.
    @inline(__always)
    mutating func take() -> Waiter {
        if count == all.count { all.append(Waiter.make()) }
        let waiter = all[count]
        waiter.record.place = count
        count += 1
        serial += 1
        waiter.record.serial = serial
        return waiter
    }

    /// Takes one back whose call is over.
    @inline(__always)
    mutating func giveBack(_ waiter: Waiter) {
        count -= 1
        let place = waiter.record.place
        let last = all[count]
        all[place] = last
        last.record.place = place
        all[count] = waiter
    }
}
