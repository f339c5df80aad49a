import Drivers
import Syscalls

/// So many permits for what so many tasks may do at the same time; the next ones wait in their
/// order.
///
/// ```swift
/// let database = Semaphore(capacity: 2, name: "database")
/// let rows = try await database.withPermit { try await query() }
/// ```
///
/// Tasks of any loop, and of none, may use it. A permit that becomes free goes to the task that has
/// waited longest, and none that comes later overtakes it.
public final class Semaphore: Sendable {
    private let shared: Shared<State>
    let name: String?
    let call: Call
    private let kind: Kind

    /// What its permits are to those that read reports.
    enum Kind: String {
        case semaphore, lock, pool

        /// How many there are at least.
        var least: Int { self == .semaphore ? 0 : 1 }
    }

    fileprivate struct State: ~Copyable {
        var capacity: Int
        var holders = HolderTable()
        let waiters = WaitList()
    }

    /// A semaphore that nobody holds.
    ///
    /// - Parameters:
    ///   - capacity: how many permits there are; less than 0 is 0.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public convenience init(
        capacity: Int, name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        self.init(capacity: capacity, name, Call(file, line), kind: .semaphore)
    }

    init(capacity: Int, _ name: String?, _ call: Call, kind: Kind) {
        shared = Shared(State(capacity: max(kind.least, capacity)))
        self.name = name
        self.call = call
        self.kind = kind
        if name != nil { Roster.enter(self) }
    }

    deinit { if name != nil { Roster.leave(ObjectIdentifier(self)) } }

    // MARK: Taking a permit

    /// Runs `body` with a permit, and gives it back however `body` ends.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for the permit; nil is for ever.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to do with the permit.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or as `acquire(timeout:file:line:)`.
    @inlinable
    public func withPermit<Value: ~Copyable>(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let place = try await acquirePlace(timeout: timeout, in: Call(file, line))
        defer { giveBack(place) }
        return try await body()
    }

    /// Takes a permit, and waits for one if there is none.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait; nil is for ever.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the permit, which goes back when it is released or goes out of scope.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    @inlinable
    public func acquire(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Permit {
        Permit(of: self, try await acquirePlace(timeout: timeout, in: Call(file, line)))
    }

    /// Takes a permit if there is one and no task waits for it; nil if not.
    @inlinable
    public func tryAcquire(file: SourceFile = #fileID, line: UInt32 = #line) -> Permit? {
        let place = takePlace(in: Call(file, line))
        if place < 0 { return nil }
        return Permit(of: self, place)
    }

    /// One permit of a semaphore. Because it cannot be copied, it goes back exactly once: when it
    /// is released, or when it goes out of scope.
    public struct Permit: ~Copyable, Sendable {
        private let semaphore: Semaphore
        /// Its place among the holders; -1 when it went back already.
        private var place: Int

        @usableFromInline
        init(of semaphore: Semaphore, _ place: Int) {
            self.semaphore = semaphore
            self.place = place
        }

        deinit { if place >= 0 { semaphore.giveBack(place) } }

        /// Gives it back, to the task that has waited longest.
        public consuming func release() {}

        func isOf(_ semaphore: Semaphore) -> Bool { self.semaphore === semaphore }

        /// Leaves it to the caller to give its place back.
        mutating func spend() -> Int {
            defer { place = -1 }
            return place
        }
    }

    /// Takes a permit and returns its place among the holders.
    @inlinable
    @inline(__always)
    func acquirePlace(timeout: Duration?, in call: Call) async throws(IOError) -> Int {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        // No asynchronous call where there is one, and so no frame.
        let place = takePlace(in: call)
        if place >= 0 { return place }
        return try await waitForPlace(timeout: timeout, in: call)
    }

    /// Takes a permit at once; -1 when there is none to be had.
    @usableFromInline
    func takePlace(in call: Call) -> Int {
        let task = currentTask.map { TaskID(of: $0) }
        shared.lock.lock()
        let state = shared.state
        defer { shared.lock.unlock() }
        guard state.pointee.holders.count < state.pointee.capacity,
            state.pointee.waiters.isEmpty
        else { return -1 }
        return state.pointee.holders.insert(Holder(task: task, call: call))
    }

    @inline(never)
    @usableFromInline
    func waitForPlace(timeout: Duration?, in call: Call) async throws(IOError) -> Int {
        try await wait(to: .acquire, timeout: timeout, in: call) { waiter in
            var settled = Settled()
            return shared.withLock { state in
                // Behind those that wait; and if there is a permit after all, it is this one's.
                state.waiters.append(waiter)
                state.grant(in: &settled)
                return waiter.record.outcome == .waiting
            }
        }
    }

    /// Gives a permit back.
    @usableFromInline
    func giveBack(_ place: Int) {
        shared.lock.lock()
        let state = shared.state
        state.pointee.holders.remove(place)
        if state.pointee.waiters.isEmpty { return shared.lock.unlock() }
        grantAndUnlock()
    }

    /// Gives what is free to those that wait, and gives the lock back.
    @inline(never)
    private func grantAndUnlock() {
        var settled = Settled()
        let state = shared.state
        state.pointee.grant(in: &settled)
        shared.lock.unlock()
        settled.resume()
    }

    /// Notes of all that have a permit that they were cancelled.
    func cancelHolders() { shared.withLock { $0.holders.cancelAll() } }

    /// Whether that was noted of the one at a place.
    func isCancelled(_ place: Int) -> Bool { shared.withLock { $0.holders.isCancelled(place) } }

    /// Makes the calling task the holder of a permit that another one took for it.
    func passOn(_ place: Int) {
        let task = currentTask.map { TaskID(of: $0) }
        shared.withLock { $0.holders.setTask(task, at: place) }
    }

    // MARK: Conditions

    /// Gives a permit back and enters a waiter into the list of a condition, in one step.
    func giveBack(_ place: Int, entering waiter: Waiter, into list: borrowing WaitList) {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        list.append(waiter)
        state.pointee.holders.remove(place)
        state.pointee.grant(in: &settled)
        shared.lock.unlock()
        settled.resume()
    }

    /// Lets waiters of a condition wait for a permit.
    func admit(atMost count: Int, of list: borrowing WaitList) {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        var admitted = 0
        while admitted < count, let waiter = list.popFirst() {
            waiter.record.isCommitted = true
            // The condition, which its call keeps, keeps this semaphore.
            waiter.record.point = self
            state.pointee.waiters.append(waiter)
            admitted += 1
        }
        state.pointee.grant(in: &settled)
        shared.lock.unlock()
        settled.resume()
    }

    // MARK: What it is

    /// How many permits there are; less than 0 is 0. It may change at any time: more go to those
    /// that wait, and fewer are fewer as soon as enough have been given back.
    public var capacity: Int {
        get { shared.withLock { $0.capacity } }
        set {
            var settled = Settled()
            shared.withLock { state in
                state.capacity = max(kind.least, newValue)
                state.grant(in: &settled)
            }
            settled.resume()
        }
    }

    /// How many permits are taken.
    public var taken: Int { shared.withLock { $0.holders.count } }

    /// How many tasks wait for one.
    public var waiting: Int { shared.withLock { $0.waiters.count } }
}

extension Semaphore.State {
    /// Gives what is free to those that wait, in their order.
    @inline(__always)
    fileprivate mutating func grant(in settled: inout Settled) {
        while let waiter = waiters.first, holders.count < capacity {
            let holder = Holder(task: waiter.taskID, call: waiter.record.call)
            settled.grant(waiter, holders.insert(holder))
        }
    }
}

extension Semaphore: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        let (capacity, taken, holders) = shared.withLock {
            ($0.capacity, $0.holders.count, $0.holders.first(3))
        }
        var list = holders.map { $0.text(names) }.joined(separator: ", ")
        if taken > holders.count { list += " and \(taken - holders.count) more" }
        let by = taken == 0 ? "" : " by \(list)"
        let count = "\(taken) of \(capacity) taken" + (taken == 0 ? "" : ":")
        return switch kind {
        case .semaphore: "for \(title("semaphore", name, call)) (\(count)\(by))"
        case .lock: "for \(title("lock", name, call)) (taken\(by))"
        case .pool: "for a place in \(title("pool", name, call)) (\(count)\(by))"
        }
    }

    func account(_ names: TaskNames) -> Account {
        let (capacity, taken, waiting, holders) = shared.withLock {
            ($0.capacity, $0.holders.count, $0.waiters.count, $0.holders.first(100))
        }
        let figures = [
            Figure("capacity", capacity, "Permits that there are."),
            Figure("taken", taken, "Permits that are taken."),
            Figure("waiting", waiting, "Tasks that wait for a permit."),
        ]
        return Account(
            of: self, kind.rawValue, name, call, figures, holders: holders.map { $0.text(names) })
    }
}

/// What a report calls a meeting point: "semaphore 'db'", or by the place where it was made.
func title(_ kind: String, _ name: String?, _ call: Call) -> String {
    name.map { "\(kind) '\($0)'" } ?? "the \(kind) made at \(call.place)"
}

/// A task that has taken a permit, and the call in which it did.
struct Holder {
    /// Which it is, also when it has ended; nil where no task was.
    var task: TaskID?
    let call: Call
    /// Of a pool: whether it was cancelled as a whole since.
    var isCancelled = false

    /// As in "'handler of 10.0.0.2' at Chat.swift:40".
    func text(_ names: TaskNames) -> String {
        let name = task.flatMap { names[$0] }.map { "'\($0)'" } ?? "a task"
        return "\(name) at \(call.place)"
    }
}

/// The holders of permits, each at a place of its own.
///
///     holders   [ holder | – | holder | – ]
///                          └─── free ───┘
struct HolderTable: ~Copyable {
    private var places = OwnedArray<(holder: Holder, nextFree: Int)>()
    private var free = -1
    private(set) var count = 0
    /// Instead of the next free place, where there is a holder.
    private static let taken = -2

    /// Notes of all that they were cancelled.
    mutating func cancelAll() {
        for place in held { places[place].holder.isCancelled = true }
    }

    /// Whether that was noted of the one at a place.
    func isCancelled(_ place: Int) -> Bool { places[place].holder.isCancelled }

    private var held: [Int] { places.indices.filter { places[$0].nextFree == Self.taken } }

    /// So many of them at most, by their places.
    func first(_ limit: Int) -> [Holder] {
        var first: [Holder] = []
        for place in places.indices where places[place].nextFree == Self.taken {
            if first.count == limit { break }
            first.append(places[place].holder)
        }
        return first
    }

    /// Says that another task holds what has a place.
    mutating func setTask(_ task: TaskID?, at place: Int) { places[place].holder.task = task }

    @inline(__always)
    mutating func insert(_ holder: Holder) -> Int {
        count += 1
        let place = free
        if place < 0 {
            places.append((holder, Self.taken))
            return places.count - 1
        }
        free = places[place].nextFree
        places[place] = (holder, Self.taken)
        return place
    }

    @inline(__always)
    mutating func remove(_ place: Int) {
        count -= 1
        places[place].nextFree = free
        free = place
    }
}
