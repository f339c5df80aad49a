import Syscalls

/// Something that has happened or has not, for any number of tasks to wait for.
///
/// ```swift
/// let isReady = Event(name: "ready")
/// try spawn { try await prepare(); isReady.set() }
/// try await isReady.wait(timeout: .seconds(5))
/// ```
///
/// Tasks of any loop, and of none, may use it.
public final class Event: Sendable {
    private let shared = Shared(State())
    private let name: String?
    private let call: Call

    private struct State: ~Copyable {
        var isSet = false
        let waiters = WaitList()
    }

    /// An event that has not happened.
    ///
    /// - Parameters:
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line) {
        self.name = name
        call = Call(file, line)
    }

    /// Whether it has happened.
    public var isSet: Bool { shared.withLock { $0.isSet } }

    /// Notes that it has happened; every task that waits for it goes on.
    public func set() {
        var settled = Settled()
        shared.withLock { state in
            state.isSet = true
            state.waiters.settleAll(.granted, in: &settled)
        }
        settled.resume()
    }

    /// Notes that it is to happen again. A task for which it has happened goes on all the same.
    public func clear() { shared.withLock { $0.isSet = false } }

    /// Waits until it has happened.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func wait(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        if isSet { return }
        _ = try await wait(to: .wait, timeout: timeout, in: Call(file, line)) { waiter in
            shared.withLock { state in
                if state.isSet { return waiter.pass() }
                state.waiters.append(waiter)
                return true
            }
        }
    }
}

extension Event: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        "for \(title("event", name, call))"
    }

    func account(_ names: TaskNames) -> Account {
        let (isOver, waiting) = shared.withLock { ($0.isSet, $0.waiters.count) }
        let figures = [
            Figure("set", isOver ? 1 : 0, "Whether it has happened, 1 or 0."),
            Figure("waiting", waiting, "Tasks that wait for it."),
        ]
        return Account(of: self, "event", name, call, figures)
    }
}

/// A value or an error that comes once, for any number of tasks to wait for.
///
/// ```swift
/// let answer = Promise<String>(name: "answer")
/// try spawn { answer.fulfill(try await ask()) }
/// print(try await answer.value())
/// ```
///
/// Tasks of any loop, and of none, may use it. One that nobody keeps any more does not tell those
/// that wait for it: fulfil it, or let it fail.
public final class Promise<Value: Sendable>: Sendable {
    private let shared = Shared(State())
    private let name: String?
    private let call: Call

    private struct State: ~Copyable {
        var result: Result<Value, any Error>?
        let waiters = WaitList()
    }

    /// A promise that is open.
    ///
    /// - Parameters:
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line) {
        self.name = name
        call = Call(file, line)
    }

    /// What came; nil as long as the promise is open.
    public var result: Result<Value, any Error>? { shared.withLock { $0.result } }

    /// Gives the value to all that wait, now and later.
    ///
    /// - Returns: whether it was the first; what comes later is dropped.
    @discardableResult
    public func fulfill(_ value: Value) -> Bool { resolve(with: .success(value)) }

    /// Throws the error from all that wait, now and later.
    ///
    /// - Returns: whether it was the first; what comes later is dropped.
    @discardableResult
    public func fail(_ error: any Error) -> Bool { resolve(with: .failure(error)) }

    /// Does either.
    ///
    /// - Returns: whether it was the first; what comes later is dropped.
    @discardableResult
    public func resolve(with result: Result<Value, any Error>) -> Bool {
        var settled = Settled()
        let isFirst = shared.withLock { state in
            guard state.result == nil else { return false }
            state.result = result
            state.waiters.settleAll(.granted, in: &settled)
            return true
        }
        settled.resume()
        return isFirst
    }

    /// Waits for the value.
    ///
    /// - Throws: the error that the promise failed with, or `IOError` with `.timedOut`,
    ///   `.cancelled` or `.loopEnded`, only where it waits.
    public func value(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws -> Value {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        if let result { return try result.get() }
        _ = try await wait(to: .wait, timeout: timeout, in: Call(file, line)) { waiter in
            shared.withLock { state in
                if state.result != nil { return waiter.pass() }
                state.waiters.append(waiter)
                return true
            }
        }
        guard let result else { preconditionFailure("a promise lost its result") }
        return try result.get()
    }
}

extension Promise: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        "for \(title("promise", name, call))"
    }

    func account(_ names: TaskNames) -> Account {
        let (isOver, waiting) = shared.withLock { ($0.result != nil, $0.waiters.count) }
        let figures = [
            Figure("resolved", isOver ? 1 : 0, "Whether it has its result, 1 or 0."),
            Figure("waiting", waiting, "Tasks that wait for it."),
        ]
        return Account(of: self, "promise", name, call, figures)
    }
}
