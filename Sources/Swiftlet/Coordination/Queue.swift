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

    @usableFromInline let exchange: Exchange

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
        exchange = Exchange(
            of: Element.self, .queue, capacity: Swift.max(1, capacity ?? .max),
            order: order.ofCells, name: name, call: Call(file, line), isListed: name != nil
        ) { cell, empty in
            let element: UnsafeMutablePointer<Element> = cell.pointer()
            empty.fill(with: element.pointee)
        }
    }

    // No task is in a call, so what is left was put in.
    deinit { exchange.dropAll(Element.self) }

    // MARK: Putting in

    /// Puts an element in, and waits until there is a place for it.
    ///
    /// - Throws: `IOError` with `.closed`, `.timedOut`, `.cancelled` or `.loopEnded`; the latter
    ///   three only where it waits.
    @inlinable
    @inline(__always)
    public func put(
        _ element: Element, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await exchange.put(element, .put, timeout: timeout, in: Call(file, line))
    }

    /// Puts an element in if that needs no waiting, and says whether it did.
    @inlinable
    public func tryPut(_ element: Element) -> Bool { exchange.tryPut(element) }

    // MARK: Taking out

    /// Takes the first element out, and waits until there is one.
    ///
    /// - Returns: the element; nil when the queue is closed and empty.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    @inlinable
    @inline(__always)
    public func get(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Element? {
        try await exchange.take(Element.self, .get, timeout: timeout, in: Call(file, line))
    }

    /// The first element, which stays; waits until there is one.
    ///
    /// - Returns: the element; nil when the queue is closed and empty.
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    @inlinable
    public func peek(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> Element? {
        try await exchange.take(Element.self, .peek, timeout: timeout, in: Call(file, line))
    }

    /// Takes the first element out if there is one; nil if not.
    @inlinable
    public func tryGet() -> Element? { exchange.tryTake(Element.self, .get) }

    /// The first element, which stays; nil if there is none.
    @inlinable
    public func tryPeek() -> Element? { exchange.tryTake(Element.self, .peek) }

    // MARK: What has been done

    /// Reports that an element which was taken out has been done.
    ///
    /// - Throws: `IOError` with `.outOfRange(-1)` when more are reported than were put in: so many
    ///   would be left to do.
    public func taskDone() throws(IOError) {
        if !exchange.finishOne() { throw IOError(.join, .outOfRange(-1)) }
    }

    /// Waits until as many elements were reported as done as were put in.
    ///
    /// - Throws: `IOError` with `.timedOut`, `.cancelled` or `.loopEnded`; only where it waits.
    public func join(
        timeout: Duration? = nil, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        try await exchange.join(timeout: timeout, in: Call(file, line))
    }

    // MARK: The end, and what it is

    /// Closes the queue: nothing more comes in, and what it holds can still be taken out.
    ///
    /// A task that waits to put something in throws `.closed`.
    public func close() { exchange.close() }

    /// Drops what the queue holds, and counts it as done. What waits to be put in comes in then.
    public func removeAll() { exchange.dropAll(Element.self) }

    /// Whether it was closed.
    public var isClosed: Bool { exchange.isClosed }

    /// How many elements it holds.
    public var count: Int { exchange.count }

    /// How many elements were put in and not reported as done.
    public var unfinished: Int { exchange.unfinished }
}

extension Queue.Order {
    /// The same of the cells that elements are in.
    fileprivate var ofCells: Backlog.Order {
        switch self {
        case .fifo: .fifo
        case .lifo: .lifo
        case .priority(let areOrdered):
            .priority { left, right in
                let left: UnsafeMutablePointer<Element> = left.pointer()
                let right: UnsafeMutablePointer<Element> = right.pointer()
                return areOrdered(left.pointee, right.pointee)
            }
        }
    }
}

extension Queue: AsyncSequence {
    /// Takes elements out until the queue is closed and empty.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let queue: Queue

        init(_ queue: Queue) { self.queue = queue }

        /// Takes the first element out; nil when the queue is closed and empty.
        @inlinable
        public mutating func next() async throws(IOError) -> Element? { try await queue.get() }

        /// As above, whatever actor the caller is on.
        @inlinable
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(IOError) -> Element? {
            try await queue.get()
        }
    }

    /// What a `for try await` loop takes elements from.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
