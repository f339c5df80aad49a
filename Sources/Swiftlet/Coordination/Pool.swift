import Syscalls

/// At most so many tasks at the same time; whoever starts one more waits for a place.
///
/// ```swift
/// let pool = Pool(size: 10, name: "fetchers")
/// for address in addresses { try await pool.spawn { try await store(fetch(address)) } }
/// try await pool.join()
///
/// let pages = try await pool.map(addresses) { try await fetch($0) }
/// ```
///
/// Its tasks are started on the loop of the task that starts them, as by `spawn`.
public final class Pool: Sendable {
    private let places: Semaphore
    /// What cancels the task that has a place.
    private let cancels = Guarded<[Int: @Sendable () -> Void]>([:])
    private let joiners = Shared(WaitList())

    /// A pool without tasks.
    ///
    /// - Parameters:
    ///   - size: how many tasks it has at most; less than 1 is 1.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(
        size: Int, name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        places = Semaphore(capacity: size, name, Call(file, line), kind: .pool)
    }

    /// How many tasks it has at most; less than 1 is 1. It may change at any time; tasks that run
    /// go on.
    public var size: Int {
        get { places.capacity }
        set { places.capacity = newValue }
    }

    /// Whether a task could be started at once.
    var hasPlace: Bool { places.taken < places.capacity && places.waiting == 0 }

    /// How many tasks it has.
    public var count: Int { places.taken }

    /// Starts a task when there is a place for it.
    ///
    /// What it throws is said on standard error, as with `spawn`.
    ///
    /// - Parameters:
    ///   - name: what reports call the task.
    ///   - timeout: how long to wait for a place; nil is for ever.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what the task does.
    /// - Returns: the task, to await or to cancel.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled`, `.loopEnded`, or `.noLoop` outside
    ///   `EventLoop.run`.
    @discardableResult
    public func spawn<Value: Sendable>(
        name: String? = nil, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) async throws(IOError) -> Task<Value, any Error> {
        let call = Call(file, line)
        let loop = try EventLoop.require(.spawn)
        let place = try await places.acquirePlace(timeout: timeout, in: call)
        return try start(name, on: loop, at: place, in: call, body)
    }

    /// Starts a task if there is a place for it; nil if not.
    ///
    /// - Throws: `IOError` with `.loopEnded`, or `.noLoop` outside `EventLoop.run`.
    @discardableResult
    public func trySpawn<Value: Sendable>(
        name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) throws(IOError) -> Task<Value, any Error>? {
        let call = Call(file, line)
        let loop = try EventLoop.require(.spawn)
        let place = places.takePlace(in: call)
        return place < 0 ? nil : try start(name, on: loop, at: place, in: call, body)
    }

    private func start<Value: Sendable>(
        _ name: String?, on loop: EventLoop, at place: Int, in call: Call,
        _ body: @escaping @concurrent @Sendable () async throws -> Value
    ) throws(IOError) -> Task<Value, any Error> {
        do throws(IOError) {
            // The task cannot leave before it was entered: leaving takes the same lock.
            let (task, isCancelled) = try cancels.withLock { cancels throws(IOError) in
                let task = try loop.spawn(name: name, file: call.file, line: call.line) {
                    [self] in
                    defer { leave(place) }
                    places.passOn(place)
                    return try await body()
                }
                cancels[place] = { task.cancel() }
                return (task, places.isCancelled(place))
            }
            if isCancelled { task.cancel() }
            return task
        } catch {
            leave(place)
            throw error
        }
    }

    private func leave(_ place: Int) {
        cancels.withLock { $0[place] = nil }
        // It goes to the task that waits for one, if any does: then the pool has a task.
        places.giveBack(place)
        guard count == 0 else { return }
        var settled = Settled()
        joiners.withLock { $0.settleAll(.granted, in: &settled) }
        settled.resume()
    }

    // MARK: All of them

    /// Waits until the pool has no task, and no task waits for a place to start one.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func join(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        if count == 0 { return }
        _ = try await wait(to: .join, timeout: timeout, in: Call(file, line)) { waiter in
            joiners.withLock { joiners in
                if count == 0 { return waiter.pass() }
                joiners.append(waiter)
                return true
            }
        }
    }

    /// Cancels the tasks that the pool has; `join` waits for their end.
    public func cancel() {
        let cancels = cancels.withLock { cancels in
            // Between its place and its start a task is the pool's already.
            places.cancelHolders()
            return Array(cancels.values)
        }
        // Cancelling runs other people's code, which may want the pool.
        for cancel in cancels { cancel() }
    }
}

extension Pool: MeetingPoint {
    var lock: WordLock { joiners.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        "for \(title("pool", places.name, places.call)) to end, which has \(count) tasks"
    }

    func account(_ names: TaskNames) -> Account { places.account(names) }
}
