import Syscalls

/// Elements that tasks put in and take out in an order of the user's choice, with an account of
/// what has been done.
///
/// ```swift
/// let jobs = Queue<Job>(.priority { $0.urgency > $1.urgency }, capacity: 100, name: "jobs")
/// try spawn {
///     while let job = try await jobs.get() {
///         try await perform(job)
///         try jobs.taskDone()
///     }
/// }
/// for job in all { try await jobs.put(job) }
/// try await jobs.join()
/// jobs.close()
/// ```
///
/// A `Channel` with an order, with `peek`, and with `join`, which waits until all has been done.
/// Tasks of any loop, and of none, may use it. Those that wait are served in the order in which
/// they came; a cancellation or a timeout loses no element, as with a channel.
public final class Queue<Element: Sendable>: Sendable {
    /// Which element comes out first.
    public enum Order: Sendable {
        /// The one that was put in first.
        case fifo
        /// The one that was put in last.
        case lifo
        /// The one that comes before all others by a comparison, as `sort(by:)` takes it; of equals
        /// the one that was put in first. It is called under the queue's lock, so it may not use
        /// the queue.
        case priority(by: @Sendable (Element, Element) -> Bool)
    }

    private let shared: Shared<State>
    private let name: String?
    private let call: Call

    fileprivate struct State: ~Copyable {
        let capacity: Int
        var isClosed = false
        var backlog: Backlog<Element>
        /// Elements that were put in and not reported as done.
        var unfinished = 0
        /// Those that get and those that peek; the queue is empty then.
        let takers = WaitList()
        /// Each with the slot of its element; the queue is full then.
        let putters = WaitList()
        let joiners = WaitList()
    }

    /// An empty queue.
    ///
    /// - Parameters:
    ///   - order: which element comes out first.
    ///   - capacity: how many elements it holds; less than 1 is 1, and nil is any number.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public init(
        _ order: Order = .fifo, capacity: Int? = nil, name: String? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        shared = Shared(
            State(capacity: Swift.max(1, capacity ?? .max), backlog: Backlog(order: order)))
        self.name = name
        call = Call(file, line)
        if name != nil { Roster.enter(self) }
    }

    // MARK: Putting in

    /// Puts an element in, and waits until there is a place for it.
    ///
    /// - Throws: `IOError` with `.closed`, `.timedOut`, `.cancelled` or `.loopEnded`; the latter
    ///   three only where it waits.
    public func put(
        _ element: Element, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        if !EventLoop.spend() { await Task.yield() }
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        if state.pointee.isClosed {
            shared.lock.unlock()
            throw IOError(.put, .closed)
        }
        let slot = state.pointee.backlog.slots.put(element)
        let isIn = state.pointee.offer(slot, in: &settled)
        shared.lock.unlock()
        settled.resume()
        if !isIn { try await put(slot, timeout: timeout, in: Call(file, line)) }
    }

    /// Puts an element in if that needs no waiting, and says whether it did.
    public func tryPut(_ element: Element) -> Bool {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        let isPossible = !state.pointee.isClosed && !state.pointee.isFull
        if isPossible {
            let slot = state.pointee.backlog.slots.put(element)
            _ = state.pointee.offer(slot, in: &settled)
        }
        shared.lock.unlock()
        settled.resume()
        return isPossible
    }

    private func put(_ slot: Int, timeout: Duration?, in call: Call) async throws(IOError) {
        do throws(IOError) {
            _ = try await wait(to: .put, timeout: timeout, in: call) { waiter in
                var settled = Settled()
                defer { settled.resume() }
                return shared.withLock { state in
                    if state.isClosed { return waiter.pass(.closed) }
                    if state.offer(slot, in: &settled) { return waiter.pass() }
                    waiter.record.value = slot
                    state.putters.append(waiter)
                    return true
                }
            }
        } catch {
            _ = takeElement(slot)
            throw error
        }
    }

    // MARK: Taking out

    /// Takes the first element out, and waits until there is one.
    ///
    /// - Returns: the element; nil when the queue is closed and empty.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func get(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Element? {
        try await take(to: .get, timeout: timeout, in: Call(file, line))
    }

    /// The first element, which stays; waits until there is one.
    ///
    /// - Returns: the element; nil when the queue is closed and empty.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func peek(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Element? {
        try await take(to: .peek, timeout: timeout, in: Call(file, line))
    }

    /// Takes the first element out if there is one; nil if not.
    public func tryGet() -> Element? { takeAtOnce(to: .get) }

    /// The first element, which stays; nil if there is none.
    public func tryPeek() -> Element? { takeAtOnce(to: .peek) }

    private func takeAtOnce(to operation: IOError.Operation) -> Element? {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        let slot = state.pointee.next(to: operation, in: &settled)
        let element = slot < 0 ? nil : state.pointee.backlog.slots.take(slot)
        shared.lock.unlock()
        settled.resume()
        return element
    }

    private func take(
        to operation: IOError.Operation, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Element? {
        if !EventLoop.spend() { await Task.yield() }
        if let element = takeAtOnce(to: operation) { return element }
        do throws(IOError) {
            let slot = try await wait(to: operation, timeout: timeout, in: call) { waiter in
                var settled = Settled()
                defer { settled.resume() }
                return shared.withLock { state in
                    let slot = state.next(to: operation, in: &settled)
                    if slot >= 0 { return waiter.pass(.granted, slot) }
                    if state.isClosed { return waiter.pass(.closed) }
                    state.takers.append(waiter)
                    return true
                }
            }
            return takeElement(slot)
        } catch {
            if error.reason == .closed { return nil }
            throw error
        }
    }

    private func takeElement(_ slot: Int) -> Element {
        shared.lock.lock()
        let state = shared.state
        defer { shared.lock.unlock() }
        return state.pointee.backlog.slots.take(slot)
    }

    // MARK: What has been done

    /// Reports that an element which was taken out has been done.
    ///
    /// - Throws: `IOError` with `.outOfRange(-1)` when more are reported than were put in: so many
    ///   would be left to do.
    public func taskDone() throws(IOError) {
        var settled = Settled()
        let isTooMuch = shared.withLock { state in
            guard state.unfinished > 0 else { return true }
            state.finish(1, in: &settled)
            return false
        }
        settled.resume()
        if isTooMuch { throw IOError(.join, .outOfRange(-1)) }
    }

    /// Waits until as many elements were reported as done as were put in.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func join(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        if !EventLoop.spend() { await Task.yield() }
        if unfinished == 0 { return }
        _ = try await wait(to: .join, timeout: timeout, in: Call(file, line)) { waiter in
            shared.withLock { state in
                if state.unfinished == 0 { return waiter.pass() }
                state.joiners.append(waiter)
                return true
            }
        }
    }

    // MARK: The end, and what it is

    /// Closes the queue: nothing more comes in, and what it holds can still be taken out.
    ///
    /// A task that waits to put something in throws `.closed`.
    public func close() {
        var settled = Settled()
        shared.withLock { state in
            state.isClosed = true
            state.takers.settleAll(.closed, in: &settled)
            state.putters.settleAll(.closed, in: &settled)
        }
        settled.resume()
    }

    /// Drops what the queue holds, and counts it as done. What waits to be put in comes in then.
    public func removeAll() {
        var settled = Settled()
        // The end of an element may be code of the user's: it comes after the lock.
        var dropped: [Element] = []
        shared.withLock { $0.removeAll(into: &dropped, in: &settled) }
        settled.resume()
    }

    /// Whether it was closed.
    public var isClosed: Bool { shared.withLock { $0.isClosed } }

    /// How many elements it holds.
    public var count: Int { shared.withLock { $0.backlog.count } }

    /// How many elements were put in and not reported as done.
    public var unfinished: Int { shared.withLock { $0.unfinished } }

    deinit {
        if name != nil { Roster.leave(ObjectIdentifier(self)) }
        let state = shared.state
        // No task is in a call, so what is left is in the backlog.
        while state.pointee.backlog.count > 0 {
            _ = state.pointee.backlog.slots.take(state.pointee.backlog.popFirst())
        }
    }
}

// What happens to slots, with the lock held.
extension Queue.State {
    fileprivate var isFull: Bool { backlog.count >= capacity }

    /// Puts an element in, and serves those that wait for one; false when there is no place.
    fileprivate mutating func offer(_ slot: Int, in settled: inout Settled) -> Bool {
        if isFull { return false }
        backlog.insert(slot)
        unfinished += 1
        while backlog.count > 0, let taker = takers.first {
            let slot = next(to: taker.record.operation, in: &settled)
            settled.grant(taker, slot)
        }
        return true
    }

    /// The slot of the first element, or of a copy of it; -1 when there is none. Where one is taken
    /// out, the next one comes in that waits to be.
    fileprivate mutating func next(
        to operation: IOError.Operation, in settled: inout Settled
    ) -> Int {
        if backlog.count == 0 { return -1 }
        if operation == .peek { return backlog.copyFirst() }
        let slot = backlog.popFirst()
        admitPutter(in: &settled)
        return slot
    }

    /// Moves all elements that are there now out of the queue, and counts them as done.
    fileprivate mutating func removeAll(into elements: inout [Element], in settled: inout Settled) {
        let count = backlog.count
        elements.reserveCapacity(count)
        while backlog.count > 0 { elements.append(backlog.slots.take(backlog.popFirst())) }
        while !isFull, !putters.isEmpty { admitPutter(in: &settled) }
        finish(Swift.min(count, unfinished), in: &settled)
    }

    /// Lets the element in that has waited longest to be put in, if any does; there is a place.
    private mutating func admitPutter(in settled: inout Settled) {
        guard let putter = putters.first else { return }
        backlog.insert(putter.record.value)
        unfinished += 1
        settled.grant(putter, putter.record.value)
    }

    fileprivate mutating func finish(_ count: Int, in settled: inout Settled) {
        unfinished -= count
        if unfinished == 0 { joiners.settleAll(.granted, in: &settled) }
    }
}

extension Queue: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        let title = title("queue", name, call)
        let (capacity, putters, unfinished) = shared.withLock {
            ($0.capacity, $0.putters.count, $0.unfinished)
        }
        return switch operation {
        case .put: "to put into \(title), of \(capacity) elements, which is full: \(putters) wait"
        case .join: "for \(title): \(unfinished) elements are not done"
        default: "to \(operation.rawValue) from \(title), which is empty"
        }
    }

    func account(_ names: TaskNames) -> Account {
        let figures = shared.withLock { state in
            [
                Figure("elements", state.backlog.count, "Elements that were put in and not got."),
                Figure("unfinished", state.unfinished, "Elements that are not reported as done."),
                Figure("waiting_putters", state.putters.count, "Tasks that wait to put in."),
                Figure("waiting_takers", state.takers.count, "Tasks that wait to get or to peek."),
                Figure("closed", state.isClosed ? 1 : 0, "Whether it is closed, 1 or 0."),
            ]
                + (state.capacity == .max
                    ? []
                    : [Figure("capacity", state.capacity, "Elements that it holds at most.")])
        }
        return Account(of: self, "queue", name, call, figures)
    }
}

extension Queue: AsyncSequence {
    /// Takes elements out until the queue is closed and empty.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let queue: Queue

        /// Takes the first element out; nil when the queue is closed and empty.
        public mutating func next() async throws(IOError) -> Element? { try await queue.get() }

        /// As above, whatever actor the caller is on.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(IOError) -> Element? {
            try await queue.get()
        }
    }

    /// What a `for try await` loop takes elements from.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: self) }
}

/// The elements of a queue in their order: a list for the first two orders, a binary heap for the
/// third.
struct Backlog<Element: Sendable>: ~Copyable {
    let order: Queue<Element>.Order
    var slots = Slots<Element>()
    private var list = SlotList()
    /// By order, and among equals by sequence.
    private var heap: [(slot: Int, sequence: Int)] = []
    private var sequence = 0

    init(order: Queue<Element>.Order) { self.order = order }

    var count: Int { list.count + heap.count }

    /// Puts a slot in where its element belongs.
    mutating func insert(_ slot: Int) {
        switch order {
        case .fifo: slots.append(slot, to: &list)
        case .lifo: slots.prepend(slot, to: &list)
        case .priority:
            sequence += 1
            heap.append((slot, sequence))
            siftUp()
        }
    }

    /// Takes out the first slot; there is one.
    mutating func popFirst() -> Int {
        guard case .priority = order else { return slots.popFirst(from: &list) }
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return first.slot
    }

    /// A slot with a copy of the first element; there is one.
    mutating func copyFirst() -> Int {
        let element = slots.copy(of: heap.first?.slot ?? list.first)
        return slots.put(element)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        guard case .priority(let areOrdered) = order else { return false }
        let (left, right) = (heap[left], heap[right])
        if slots.isOrdered(left.slot, right.slot, by: areOrdered) { return true }
        if slots.isOrdered(right.slot, left.slot, by: areOrdered) { return false }
        return left.sequence < right.sequence
    }

    private mutating func siftUp() {
        var place = heap.count - 1
        while place > 0, isBefore(place, (place - 1) / 2) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func siftDown() {
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
            guard isBefore(child, place) else { return }
            heap.swapAt(child, place)
            place = child
        }
    }
}
