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
    @usableFromInline let exchange: Exchange

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
        exchange = Exchange(
            of: Element.self, .channel, capacity: Swift.max(0, capacity), name: name, call: call,
            isListed: isListed)
    }

    // No task is in a call, so what is left was sent.
    deinit { exchange.dropAll(Element.self) }

    /// Sends an element, and waits until there is a place for it.
    ///
    /// - Throws: `IOError` with `.closed`, `.timedOut`, `.cancelled` or `.loopEnded`; the latter
    ///   three only where it waits.
    @inlinable
    @inline(__always)
    public func send(
        _ element: consuming sending Element, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await exchange.put(element, .send, timeout: timeout, in: Call(file, line))
    }

    /// Sends an element if that needs no waiting, and says whether it did; if not, the element is
    /// dropped.
    @inlinable
    public func trySend(_ element: consuming sending Element) -> Bool { exchange.tryPut(element) }

    /// Receives the next element, and waits until there is one.
    ///
    /// - Returns: the element; nil when the channel is closed and nothing is left in it.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    @inlinable
    @inline(__always)
    public func receive(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> sending Element? {
        try await exchange.take(
            Element.self, .receive, timeout: timeout, in: Call(file, line))
    }

    /// Receives the next element if there is one; nil if not.
    @inlinable
    public func tryReceive() -> sending Element? { exchange.tryTake(Element.self, .receive) }

    /// Closes the channel: nothing more is sent, and what it holds can still be received.
    ///
    /// A sender that waits throws `.closed`, and has not sent.
    public func close() { exchange.close() }

    /// Whether it was closed.
    public var isClosed: Bool { exchange.isClosed }

    /// How many elements it holds: those that were sent and not received.
    public var count: Int { exchange.count }

    /// How many elements it holds at most.
    public var capacity: Int { exchange.capacity }
}

extension Channel: AsyncSequence {
    /// Receives until the channel is closed and nothing is left in it.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let channel: Channel

        init(_ channel: Channel) { self.channel = channel }

        /// Receives the next element; nil when the channel is closed and nothing is left in it.
        @inlinable
        public mutating func next() async throws(IOError) -> Element? {
            try await channel.receive()
        }

        /// As above, whatever actor the caller is on.
        @inlinable
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(IOError) -> Element? {
            try await channel.receive()
        }
    }

    /// What a `for try await` loop receives from.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
