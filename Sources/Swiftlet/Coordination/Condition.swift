import Synchronization
import Syscalls

/// What tasks wait for that hold a lock: that another one changes what the lock guards.
///
/// ```swift
/// let lock = Lock()
/// let hasChanged = Condition(of: lock)
/// var permit = try await lock.acquire()
/// while !isDone() { permit = try await hasChanged.wait(releasing: permit) }
/// permit.release()
/// ```
///
/// To wait is to give the lock away, so a wait takes its permit and returns a new one. One that
/// throws has none: there is no lock left to be given back. Tasks of any loop, and of none, may use
/// it.
public final class Condition: Sendable {
    private let semaphore: Semaphore
    /// Guarded by the lock's own.
    private let waiters = WaitList()
    private let name: String?
    private let call: Call

    /// A condition of what `lock` guards.
    ///
    /// - Parameters:
    ///   - lock: what tasks hold that wait here.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(
        of lock: Lock, name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        semaphore = lock.semaphore
        self.name = name
        call = Call(file, line)
    }

    /// Gives the lock back and waits until it is notified and has the lock again.
    ///
    /// A task that was notified waits only for the lock: a cancellation or a timeout that comes
    /// then takes the notification from nobody.
    ///
    /// - Parameters:
    ///   - permit: the lock's, which the caller has. That of another lock is a fault of the
    ///     program, and ends it.
    ///   - timeout: how long to wait to be notified; nil is for ever.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the lock's permit.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; then the caller has the
    ///   lock no more.
    public func wait(
        releasing permit: consuming Semaphore.Permit, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Semaphore.Permit {
        precondition(permit.isOf(semaphore), "the permit of another lock")
        let place = permit.spend()
        let isReleased = Atomic(false)
        do throws(IOError) {
            let place = try await wait(to: .wait, timeout: timeout, in: Call(file, line)) {
                waiter in
                isReleased.store(true, ordering: .relaxed)
                semaphore.giveBack(place, entering: waiter, into: waiters)
                return true
            }
            return Semaphore.Permit(of: semaphore, place)
        } catch {
            if !isReleased.load(ordering: .relaxed) { semaphore.giveBack(place) }
            throw error
        }
    }

    /// Lets the task go on that has waited longest, as soon as it has the lock.
    public func notify() { semaphore.admit(atMost: 1, of: waiters) }

    /// Lets all go on that wait now, one after the other, as each has the lock.
    public func notifyAll() { semaphore.admit(atMost: .max, of: waiters) }
}

extension Condition: MeetingPoint {
    var lock: WordLock { semaphore.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        "for \(title("condition", name, call))"
    }

    func account(_ names: TaskNames) -> Account {
        lock.lock()
        let waiting = waiters.count
        lock.unlock()
        let figures = [Figure("waiting", waiting, "Tasks that wait to be notified.")]
        return Account(of: self, "condition", name, call, figures)
    }
}
