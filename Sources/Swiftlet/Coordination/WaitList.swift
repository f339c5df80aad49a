import CLinux
import Syscalls

/// How tasks wait for one another: the one mechanism below semaphores, events, channels and queues.
///
///     meeting point   [ lock | state | list ]──►[ waiter ]──►[ waiter ]──►(back to the list)
///                                                  │  the task's rest, its loop, its outcome
///
/// A **waiter** is the record of one task that waits, for the length of one call. It is entered
/// into a list of a **meeting point** under that point's lock, in the same breath in which the call
/// has found that it cannot go on; so what comes afterwards finds it. From then on exactly one of
/// these settles it, under the same lock, and takes it out of the list:
///
/// * a **grant**: another task gives it what it waits for, in the order of the list;
/// * an **end**: its cancellation, its deadline, the end of its loop, or the point's closing.
///
/// **Which comes first under the lock has won, and is what the call returns.** A task that was
/// granted something gets it, even if it is cancelled or its time passes before it runs: then the
/// call returns normally, and the next one that would wait tells the cancellation. A task whose
/// wait has ended gets nothing, it is in no list any more, and what comes goes to the next. So
/// nothing is lost and nothing is given twice, and no call has to give back what it got.
///
/// A waiter may be settled before its task is suspended, from another thread or by a cancellation
/// that was there before. Then there is no rest of the task yet; the loop finds the outcome when it
/// is to keep the rest, and lets the task go on.
///
/// Tasks are resumed when the lock has been given back, on their own loop: by its run queue from
/// its own thread, and by its inbox from any other.
struct WaitList: ~Copyable, Sendable {
    /// The list is a ring, of which this is the end and the beginning; its value counts the others.
    private let ring = Waiter.make()

    deinit { ring.free() }

    var isEmpty: Bool { ring.record.next == ring }

    /// How many wait.
    var count: Int { ring.record.value }

    /// The waiter that came first; nil when there is none.
    @inline(__always)
    var first: Waiter? {
        let first = ring.record.next
        return first == ring ? nil : first
    }

    /// Enters a waiter as the last.
    @inline(__always)
    func append(_ waiter: Waiter) {
        let last = ring.record.previous
        waiter.record.previous = last
        waiter.record.next = ring
        last.record.next = waiter
        ring.record.previous = waiter
        waiter.record.ring = ring
        ring.record.value += 1
    }

    /// Enters the only waiter; returns the end of the list, by which its choices find it.
    func enterAlone(_ waiter: Waiter, under lock: WordLock) -> Waiter {
        ring.record.lock = lock
        append(waiter)
        return ring
    }

    /// Takes out the waiter that came first, which goes on waiting; nil when there is none.
    func popFirst() -> Waiter? {
        guard let first else { return nil }
        first.unlink()
        return first
    }

    /// Settles every waiter, the first one first.
    func settleAll(_ outcome: Waiter.Outcome, in settled: inout Settled) {
        while let waiter = first { settled.settle(waiter, outcome) }
    }
}

/// A task that waits at a meeting point: the address of its record.
///
/// A record is memory of the loop on which the task waits, which uses it again; a task of no loop
/// has one of its own. Nobody has an address for longer than the call lasts: the list has not when
/// the waiter is settled, and the deadline and the handler of the cancellation are taken back
/// before the call returns.
struct Waiter: Sendable, Equatable {
    /// What became of a wait.
    enum Outcome: UInt8 {
        case waiting, granted, passedOver, closed, timedOut, cancelled, loopEnded

        /// Why it ended, if it was not granted.
        var reason: IOError.Reason? {
            switch self {
            case .waiting, .granted, .passedOver: nil
            case .closed: .closed
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .loopEnded: .loopEnded
            }
        }
    }

    /// How to go on with a task that is suspended.
    enum Rest {
        case none
        case job(Job, Unmanaged<LoopExecutor>)
        case continuation(UnsafeContinuation<Void, Never>)
    }

    /// Guarded by the lock of the meeting point, except for what is set before the waiter is
    /// entered.
    struct Record {
        // Only while it waits; in `Settled` the next one that is to be resumed.
        var next: Waiter
        var previous: Waiter
        /// The end of the list that it is in.
        var ring: Waiter
        var outcome = Outcome.waiting
        var rest = Rest.none
        /// What it is granted, or what it gives: what the number means is the point's to say.
        var value = 0
        /// Whether a part of what it waits for was given to it already: then only the end of its
        /// loop ends the wait.
        var isCommitted = false

        /// Where it is one of several choices: the end of the list in which their `select` waits,
        /// which is settled with the first of them; and the place of this one.
        var select: Waiter?
        var choice = 0

        // Set before it is entered.
        var lock: WordLock?
        /// The call that waits keeps it; a condition lets the waiter go on to its lock.
        unowned(unsafe) var point: (any MeetingPoint)?
        var operation = IOError.Operation.wait
        /// 0 where it is of no loop.
        var task: UInt = 0
        var call = Call("", 0)
        var since = Instant.past
        /// When it gives up; only the loop's thread looks at it.
        var timer = DeadlineQueue<Due>.Token.none
        /// Its place in the table of its loop, and when it came: the later, the more.
        var place = 0
        var serial = 0
        /// How the runtime tells a cancellation.
        var cancellation = clinux_cancellation()
    }

    // See above: who has it, and until when.
    private nonisolated(unsafe) let address: UnsafeMutablePointer<Record>

    static func make() -> Waiter {
        let waiter = Waiter(address: .allocate(capacity: 1))
        waiter.address.initialize(to: Record(next: waiter, previous: waiter, ring: waiter))
        waiter.record.cancellation.argument = UnsafeMutableRawPointer(waiter.address)
        waiter.record.cancellation.handler = { record in
            guard let record else { return }
            Waiter(address: record.assumingMemoryBound(to: Record.self)).end(.cancelled)
        }
        return waiter
    }

    /// Lets a cancellation of the calling task end the wait, until what is returned is removed.
    @inline(__always)
    func addCancellation() -> UnsafeMutableRawPointer? {
        // The record stays where it is.
        clinux_add_cancellation(&address.pointee.cancellation)
    }

    /// Which task waits; nil where it is of no loop.
    var taskID: TaskID? { record.task == 0 ? nil : TaskID(of: record.task) }

    func free() {
        address.deinitialize(count: 1)
        address.deallocate()
    }

    var record: Record {
        @inline(__always) unsafeAddress { UnsafePointer(address) }
        @inline(__always) nonmutating unsafeMutableAddress { address }
    }

    /// Readies the record for a wait of the calling task.
    @inline(__always)
    func prepare(for wait: Wait) {
        record.outcome = .waiting
        record.isCommitted = false
        record.lock = wait.lock
        record.point = wait.point
        record.operation = wait.operation
        record.call = wait.call
        record.timer = .none
    }

    /// Takes it out of its list.
    @inline(__always)
    func unlink() {
        record.next.record.previous = record.previous
        record.previous.record.next = record.next
        record.ring.record.value -= 1
    }

    /// Keeps how to go on with the task, which is suspended now; false when the wait is over.
    func keep(_ rest: Rest) -> Bool {
        guard let lock = record.lock else { return false }
        lock.lock()
        defer { lock.unlock() }
        guard record.outcome == .waiting else { return false }
        record.rest = rest
        return true
    }

    /// Whether it is not settled.
    var isWaiting: Bool {
        record.lock?.lock()
        defer { record.lock?.unlock() }
        return record.outcome == .waiting
    }

    /// What it waits at now.
    var point: (any MeetingPoint)? {
        record.lock?.lock()
        defer { record.lock?.unlock() }
        return record.point
    }

    /// Ends the wait, unless it is over; from any thread.
    func end(_ outcome: Outcome) {
        guard let lock = record.lock else { return }
        var settled = Settled()
        lock.lock()
        if record.outcome == .waiting, !record.isCommitted || outcome == .loopEnded {
            settled.settle(self, outcome)
        }
        lock.unlock()
        settled.resume()
    }

    /// Settles a waiter that is in no list, because its call need not wait; returns false, as
    /// `enter` has to.
    func pass(_ outcome: Outcome = .granted, _ value: Int = 0) -> Bool {
        record.outcome = outcome
        record.value = value
        return false
    }
}

/// Waiters that were settled and whose tasks are to be resumed when the lock has been given back.
struct Settled {
    private var first: Waiter?
    private var last: Waiter?

    /// Takes a waiter out of its list with an outcome; false when it is a choice of a `select` that
    /// has chosen another one, or none.
    @inline(__always)
    @discardableResult
    mutating func settle(_ waiter: Waiter, _ outcome: Waiter.Outcome) -> Bool {
        waiter.unlink()
        if let select = waiter.record.select { return choose(waiter, of: select, outcome) }
        waiter.record.outcome = outcome
        // A task that is not suspended yet goes on by itself, and its record with it.
        if case .none = waiter.record.rest { return true }
        if let last { last.record.next = waiter } else { first = waiter }
        last = waiter
        return true
    }

    /// Grants a waiter what it waits for; false when it is a choice of a `select` that has chosen
    /// another one, or none, and gets nothing.
    @inline(__always)
    @discardableResult
    mutating func grant(_ waiter: Waiter, _ value: Int = 0) -> Bool {
        waiter.record.value = value
        return settle(waiter, .granted)
    }

    /// Settles a choice, and with it the whole `select` if that still waits.
    @inline(never)
    private mutating func choose(
        _ choice: Waiter, of select: Waiter, _ outcome: Waiter.Outcome
    ) -> Bool {
        // Locks of other meeting points may be held here; inside of a select's, none is taken.
        select.record.lock?.lock()
        defer { select.record.lock?.unlock() }
        let waiter = select.record.next
        choice.record.outcome = waiter == select ? .passedOver : outcome
        return waiter != select && grant(waiter, choice.record.choice)
    }

    /// Makes their tasks runnable, in the order in which they were settled.
    @inline(__always)
    func resume() {
        guard var waiter = first, let last else { return }
        while waiter != last {
            // A waiter is gone as soon as its task is runnable.
            let next = waiter.record.next
            Settled.resume(waiter)
            waiter = next
        }
        Settled.resume(last)
    }

    private static func resume(_ waiter: Waiter) {
        let rest = waiter.record.rest
        let reason = waiter.record.outcome.reason
        waiter.record.rest = .none
        switch rest {
        case .none: break
        case .job(let job, let loop):
            loop._withUnsafeGuaranteedRef { $0.resumeFromAnywhere(job, reason) }
        case .continuation(let task): task.resume()
        }
    }
}
