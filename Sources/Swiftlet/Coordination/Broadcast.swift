import Syscalls

/// A way from tasks that send to all that have subscribed: each sees each element.
///
/// ```swift
/// let news = Broadcast<String>(capacity: 64, name: "news")
/// try await StreamServer.serve(on: ":7788") { connection in
///     for try await delivery in news.subscribe() {
///         switch delivery {
///         case .element(let text): try await connection.write(text)
///         case .missed(let count): try await connection.write("\(count) missed\n")
///         }
///     }
/// }
/// ```
///
/// Sending never waits. The last `capacity` elements are kept for those that are slow; a
/// subscription that is slower still is told how many it has missed, and goes on with the oldest
/// that is kept. Tasks of any loop, and of none, may use it.
public final class Broadcast<Element: Sendable>: Sendable {
    fileprivate let shared: Shared<State>
    private let name: String?
    private let call: Call

    fileprivate struct State: ~Copyable {
        let capacity: Int
        /// The last ones, each at its number modulo the capacity; none without subscriptions.
        var kept: [Element] = []
        /// How many were sent since there were subscriptions.
        var sent = 0
        /// The number of the next element of each subscription.
        var cursors: [Int: Int] = [:]
        var serial = 0
        var isClosed = false
        let waiters = WaitList()
    }

    /// What a subscription gets.
    public enum Delivery: Sendable {
        /// The next element.
        case element(Element)
        /// So many elements were sent that are not kept any more.
        case missed(Int)
    }

    /// A broadcast without subscriptions.
    ///
    /// - Parameters:
    ///   - capacity: how many elements are kept for those that are slow; less than 1 is 1.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(
        capacity: Int, name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        shared = Shared(State(capacity: max(1, capacity)))
        self.name = name
        call = Call(file, line)
        if name != nil { Roster.enter(self) }
    }

    deinit { if name != nil { Roster.leave(ObjectIdentifier(self)) } }

    /// Sends an element to all that have subscribed; what is sent after the closing is dropped.
    ///
    /// - Returns: how many have subscribed.
    @discardableResult
    public func send(_ element: Element) -> Int {
        var settled = Settled()
        var last = Optional(element)
        let count = shared.withLock { state in
            guard !state.isClosed, !state.cursors.isEmpty else { return 0 }
            state.keep(&last)
            state.waiters.settleAll(.granted, in: &settled)
            return state.cursors.count
        }
        settled.resume()
        return count
    }

    /// Ends all subscriptions, each when it has received what is kept for it.
    public func close() {
        var settled = Settled()
        shared.withLock { state in
            state.isClosed = true
            state.waiters.settleAll(.closed, in: &settled)
        }
        settled.resume()
    }

    /// A subscription to what is sent from now on. It ends with its last reference.
    public func subscribe() -> Subscription {
        let number = shared.withLock { state in
            state.serial += 1
            state.cursors[state.serial] = state.sent
            return state.serial
        }
        return Subscription(of: self, number)
    }

    private func end(_ number: Int) {
        var unread: [Element] = []
        shared.withLock { $0.end(number, keeping: &unread) }
    }

    /// A place in what is sent, for one task at a time.
    public final class Subscription: Sendable, AsyncSequence {
        private let broadcast: Broadcast
        private let number: Int

        fileprivate init(of broadcast: Broadcast, _ number: Int) {
            self.broadcast = broadcast
            self.number = number
        }

        deinit { broadcast.end(number) }

        /// Receives the next element, or how many were missed; waits until one is sent.
        ///
        /// - Returns: either; nil when the broadcast is closed and nothing is left.
        /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
        public func receive(
            timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
        ) async throws(IOError) -> Delivery? {
            if !EventLoop.spend() { await EventLoop.giveWay() }
            while true {
                if let delivery = tryReceive() { return delivery }
                do throws(IOError) {
                    try await waitForNews(timeout: timeout, in: Call(file, line))
                } catch {
                    if error.reason == .closed { return nil }
                    throw error
                }
                // Another task that receives here may have been quicker.
            }
        }

        private func waitForNews(timeout: Duration?, in call: Call) async throws(IOError) {
            _ = try await broadcast.wait(to: .receive, timeout: timeout, in: call) { waiter in
                broadcast.shared.withLock { state in
                    if state.hasNews(for: number) { return waiter.pass() }
                    if state.isClosed { return waiter.pass(.closed) }
                    state.waiters.append(waiter)
                    return true
                }
            }
        }

        /// Receives what is there; nil when that is nothing.
        public func tryReceive() -> Delivery? {
            broadcast.shared.withLock { $0.next(for: number) }
        }

        /// Receives until the broadcast is closed.
        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let subscription: Subscription

            /// Receives the next element, or how many were missed; nil at the end.
            public mutating func next() async throws(IOError) -> Delivery? {
                try await subscription.receive()
            }

            /// As above, whatever actor the caller is on.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(IOError) -> Delivery? {
                try await subscription.receive()
            }
        }

        /// What a `for try await` loop receives from.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }
    }
}

extension Broadcast.State {
    /// Keeps an element, and leaves in its place the one that is kept no longer: its end may be
    /// code of the user's, which may not run under the lock.
    fileprivate mutating func keep(_ element: inout Element?) {
        guard let next = element.take() else { return }
        if kept.count < capacity {
            kept.append(next)
        } else {
            element = kept[sent % capacity]
            kept[sent % capacity] = next
        }
        sent += 1
    }

    /// Ends a subscription; what is kept is left to the caller when it was the last one.
    fileprivate mutating func end(_ number: Int, keeping unread: inout [Element]) {
        cursors[number] = nil
        guard cursors.isEmpty else { return }
        swap(&kept, &unread)
        sent = 0
    }

    fileprivate func hasNews(for number: Int) -> Bool { cursors[number, default: sent] < sent }

    fileprivate mutating func next(for number: Int) -> Broadcast.Delivery? {
        guard let cursor = cursors[number], cursor < sent else { return nil }
        let oldest = sent - kept.count
        if cursor < oldest {
            cursors[number] = oldest
            return .missed(oldest - cursor)
        }
        cursors[number] = cursor + 1
        return .element(kept[cursor % capacity])
    }
}

extension Broadcast: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        "to receive from \(title("broadcast", name, call))"
    }

    func account(_ names: TaskNames) -> Account {
        let (capacity, subscriptions, kept, waiting) = shared.withLock {
            ($0.capacity, $0.cursors.count, $0.kept.count, $0.waiters.count)
        }
        let figures = [
            Figure("capacity", capacity, "Elements that are kept at most for the slow."),
            Figure("kept", kept, "Elements that are kept."),
            Figure("subscriptions", subscriptions, "Subscriptions that there are."),
            Figure("waiting", waiting, "Tasks that wait to receive."),
        ]
        return Account(of: self, "broadcast", name, call, figures)
    }
}
