import Syscalls

/// A way from tasks that send to tasks that receive, for elements in their order.
///
/// ```swift
/// let lines = Channel<String>(capacity: 16, name: "lines")
/// try spawn {
///     defer { lines.close() }
///     while let line = try await connection.readLine() { try await lines.send(line) }
/// }
/// for try await line in lines { print(line) }
/// ```
///
/// Of at most `capacity` elements that were sent and not received; with 0, which is the default,
/// `send` returns when a task has received. A full channel lets senders wait, an empty one
/// receivers, each in the order in which they came. An element goes to exactly one receiver.
///
/// Tasks of any loop, and of none, may use it. An element is given away by sending it, so it need
/// not be `Sendable`, nor copyable.
///
/// A cancellation or a timeout loses nothing: a `send` that throws has not sent, and a `receive`
/// that throws has not received. An element that was given to a receiver before the cancellation
/// came is returned by the call, and the next one that would wait throws.
public final class Channel<Element: ~Copyable>: Sendable {
    private let shared: Shared<State>
    private let name: String?
    private let call: Call
    /// Whether inspection tells of it when no task waits.
    private let isListed: Bool

    fileprivate struct State: ~Copyable {
        let capacity: Int
        var isClosed = false
        var slots = Slots<Element>()
        /// What was sent and not received; no receiver waits then.
        var buffer = SlotList()
        let receivers = WaitList()
        /// Each with the slot of its element; the buffer is full then.
        let senders = WaitList()
    }

    /// An open channel.
    ///
    /// - Parameters:
    ///   - capacity: how many elements it holds; less than 0 is 0.
    ///   - name: what reports call it; without one, by the place of this call.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    public convenience init(
        capacity: Int = 0, name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) {
        self.init(capacity: capacity, name, Call(file, line), isListed: name != nil)
    }

    init(capacity: Int, _ name: String?, _ call: Call, isListed: Bool) {
        shared = Shared(State(capacity: Swift.max(0, capacity)))
        self.name = name
        self.call = call
        self.isListed = isListed
        if isListed { Roster.enter(self) }
    }

    deinit {
        if isListed { Roster.leave(ObjectIdentifier(self)) }
        let state = shared.state
        // No task is in a call, so what is left is in the buffer.
        while !state.pointee.buffer.isEmpty {
            _ = state.pointee.slots.take(state.pointee.popBuffer())
        }
    }

    // MARK: Sending

    /// Sends an element, and waits until there is a place for it.
    ///
    /// - Throws: `IOError` with `.closed`, `.timedOut`, `.cancelled` or `.loopEnded`; the latter
    ///   three only where it waits.
    public func send(
        _ element: consuming sending Element, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        if !EventLoop.spend() { await Task.yield() }
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        if state.pointee.isClosed {
            shared.lock.unlock()
            throw IOError(.send, .closed)
        }
        let slot = state.pointee.slots.put(element)
        let isSent = state.pointee.offer(slot, in: &settled)
        shared.lock.unlock()
        settled.resume()
        if !isSent { try await send(slot, timeout: timeout, in: Call(file, line)) }
    }

    /// Sends an element if that needs no waiting, and says whether it did; if not, the element is
    /// dropped.
    public func trySend(_ element: consuming sending Element) -> Bool {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        guard !state.pointee.isClosed, state.pointee.hasPlace else {
            shared.lock.unlock()
            return false
        }
        let slot = state.pointee.slots.put(element)
        _ = state.pointee.offer(slot, in: &settled)
        shared.lock.unlock()
        settled.resume()
        return true
    }

    /// Waits until there is a place for the element in a slot.
    private func send(_ slot: Int, timeout: Duration?, in call: Call) async throws(IOError) {
        do throws(IOError) {
            _ = try await wait(to: .send, timeout: timeout, in: call) { waiter in
                var settled = Settled()
                defer { settled.resume() }
                return shared.withLock { state in
                    if state.isClosed { return waiter.pass(.closed) }
                    if state.offer(slot, in: &settled) { return waiter.pass() }
                    waiter.record.value = slot
                    state.senders.append(waiter)
                    return true
                }
            }
        } catch {
            shared.lock.lock()
            let state = shared.state
            let unsent = state.pointee.slots.take(slot)
            shared.lock.unlock()
            // Its end may be code of the user's.
            _ = consume unsent
            throw error
        }
    }

    // MARK: Receiving

    /// Receives the next element, and waits until there is one.
    ///
    /// - Returns: the element; nil when the channel is closed and nothing is left in it.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func receive(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> sending Element? {
        if !EventLoop.spend() { await Task.yield() }
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        let slot = state.pointee.next(in: &settled)
        if slot >= 0 {
            let element = state.pointee.slots.take(slot)
            shared.lock.unlock()
            settled.resume()
            return element
        }
        shared.lock.unlock()
        return try await receiveLater(timeout: timeout, in: Call(file, line))
    }

    /// Receives the next element if there is one; nil if not.
    public func tryReceive() -> sending Element? {
        var settled = Settled()
        shared.lock.lock()
        let state = shared.state
        let slot = state.pointee.next(in: &settled)
        if slot < 0 {
            shared.lock.unlock()
            return nil
        }
        let element = state.pointee.slots.take(slot)
        shared.lock.unlock()
        settled.resume()
        return element
    }

    private func receiveLater(
        timeout: Duration?, in call: Call
    ) async throws(IOError) -> sending Element? {
        let slot: Int
        do throws(IOError) {
            slot = try await wait(to: .receive, timeout: timeout, in: call) { waiter in
                var settled = Settled()
                defer { settled.resume() }
                return shared.withLock { state in
                    let slot = state.next(in: &settled)
                    if slot >= 0 { return waiter.pass(.granted, slot) }
                    if state.isClosed { return waiter.pass(.closed) }
                    state.receivers.append(waiter)
                    return true
                }
            }
        } catch {
            if error.reason == .closed { return nil }
            throw error
        }
        shared.lock.lock()
        let state = shared.state
        defer { shared.lock.unlock() }
        return state.pointee.slots.take(slot)
    }

    // MARK: Closing

    /// Closes the channel: nothing more is sent, and what it holds can still be received.
    ///
    /// A sender that waits throws `.closed`, and has not sent.
    public func close() {
        var settled = Settled()
        shared.withLock { state in
            state.isClosed = true
            state.receivers.settleAll(.closed, in: &settled)
            state.senders.settleAll(.closed, in: &settled)
        }
        settled.resume()
    }

    /// Whether it was closed.
    public var isClosed: Bool { shared.withLock { $0.isClosed } }

    /// How many elements it holds: those that were sent and not received.
    public var count: Int { shared.withLock { $0.buffer.count } }

    /// How many elements it holds at most.
    public var capacity: Int { shared.withLock { $0.capacity } }
}

// What happens to slots, with the lock held.
extension Channel.State where Element: ~Copyable {
    /// Whether an element needs no waiting.
    fileprivate var hasPlace: Bool { buffer.count < capacity || !receivers.isEmpty }

    /// Gives an element to the receiver that has waited longest, or puts it into the buffer; false
    /// when there is no place.
    fileprivate mutating func offer(_ slot: Int, in settled: inout Settled) -> Bool {
        if let receiver = receivers.first {
            settled.grant(receiver, slot)
            return true
        }
        // Where senders wait, the buffer is full.
        guard buffer.count < capacity else { return false }
        slots.append(slot, to: &buffer)
        return true
    }

    /// Takes out the slot of the next element, and lets the sender go on that has waited longest;
    /// -1 when there is none.
    fileprivate mutating func next(in settled: inout Settled) -> Int {
        guard !buffer.isEmpty else {
            guard let sender = senders.first else { return -1 }
            let slot = sender.record.value
            settled.grant(sender, slot)
            return slot
        }
        let slot = popBuffer()
        if let sender = senders.first {
            slots.append(sender.record.value, to: &buffer)
            settled.grant(sender, sender.record.value)
        }
        return slot
    }

    fileprivate mutating func popBuffer() -> Int { slots.popFirst(from: &buffer) }
}

extension Channel: MeetingPoint where Element: ~Copyable {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        let title = title("channel", name, call)
        if operation == .receive { return "to receive from \(title), which is empty" }
        let (capacity, senders) = shared.withLock { ($0.capacity, $0.senders.count) }
        return "to send to \(title), of \(capacity) elements, which is full: \(senders) wait"
    }

    func account(_ names: TaskNames) -> Account {
        let (isClosed, capacity, count, senders, receivers) = shared.withLock {
            ($0.isClosed, $0.capacity, $0.buffer.count, $0.senders.count, $0.receivers.count)
        }
        let figures = [
            Figure("capacity", capacity, "Elements that the channel holds at most."),
            Figure("elements", count, "Elements that were sent and not received."),
            Figure("waiting_senders", senders, "Tasks that wait to send."),
            Figure("waiting_receivers", receivers, "Tasks that wait to receive."),
            Figure("closed", isClosed ? 1 : 0, "Whether it is closed, 1 or 0."),
        ]
        return Account(of: self, "channel", name, call, figures)
    }
}

extension Channel: AsyncSequence {
    /// Receives until the channel is closed and nothing is left in it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let channel: Channel

        /// Receives the next element; nil when the channel is closed and nothing is left in it.
        public mutating func next() async throws(IOError) -> Element? {
            try await channel.receive()
        }

        /// As above, whatever actor the caller is on.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(IOError) -> Element? {
            try await channel.receive()
        }
    }

    /// What a `for try await` loop receives from.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(channel: self) }
}
