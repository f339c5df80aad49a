import Syscalls

/// Waits for the first of several things, does it, and leaves the others as they are.
///
/// ```swift
/// enum Next { case line(String?), said, input, late }
///
/// switch try await select(
///     .receive(lines) { .line($0) }, .send(answers, answer, then: .said),
///     .readable(connection, then: .input), .after(.seconds(5), then: .late))
/// {
/// case .line(let line): …
/// case .said: …
/// case .input: let bytes = try await connection.read()
/// case .late: …
/// }
/// ```
///
/// Of several channels and queues that are ready it takes each in its turn, so none is starved. A
/// connection is looked at when none of them is, and a time that passes in that moment may come
/// first: where a channel may never be empty, read from the connection in a task of its own. A
/// server that stops does not end a handler that waits here before its grace is over. What is not
/// chosen is untouched: no element is taken or given, and nothing is lost by a cancellation either.
/// A channel that is closed is ready to be received from, and gives nil.
///
/// An array of choices that is used again and again is made once; then a call that need not wait
/// allocates nothing.
///
/// - Parameters:
///   - choices: what to wait for.
///   - file: the file of the call, for reports.
///   - line: the line of the call.
/// - Returns: what the choice makes of it.
/// - Throws: `IOError` with `.cancelled` or `.loopEnded`, only where it waits; with `.closed` for
///   what is to be sent; what `read` and `write` throw of a connection.
public func select<Result>(
    _ choices: Choice<Result>..., file: SourceFile = #fileID, line: UInt32 = #line
) async throws(IOError) -> Result {
    try await select(choices, file: file, line: line)
}

/// As above, of an array of choices.
@inlinable
public func select<Result>(
    _ choices: [Choice<Result>], file: SourceFile = #fileID, line: UInt32 = #line
) async throws(IOError) -> Result {
    if !EventLoop.spend() { await EventLoop.giveWay() }
    let start = Selection.turn(among: choices.count)
    var index = start
    for _ in 0..<choices.count {
        if let result = choices[index].takeAtOnce() { return result }
        index = index + 1 < choices.count ? index + 1 : 0
    }
    return try await selectLater(choices, from: start, in: Call(file, line))
}

/// Waits for the first of several things of which none was ready.
@inline(never)
@usableFromInline
func selectLater<Result>(
    _ choices: [Choice<Result>], from start: Int, in call: Call
) async throws(IOError) -> Result {
    let cells = choices.map { $0.begin() }
    let selection = Selection(
        zip(choices, cells).map { Selection.Arm(kind: $0.kind, cell: $1) }, start: start, in: call)
    do throws(IOError) {
        let (chosen, cell) = try await selection.wait()
        for (index, choice) in choices.enumerated() where index != chosen {
            choice.drop(cells[index])
        }
        return choices[chosen].finish(cell)
    } catch {
        for (choice, cell) in zip(choices, cells) { choice.drop(cell) }
        throw error
    }
}

/// One of the things of which `select` waits for the first, and what it makes of it.
public struct Choice<Result> {
    let kind: Selection.Kind
    /// Does it if that needs no waiting; nil if not.
    @usableFromInline let takeAtOnce: () -> Result?
    /// Takes a cell for what is to be put in; none for anything else.
    let begin: () -> Cell
    /// What it makes of the cell that was chosen.
    let finish: (Cell) -> Result
    /// Ends what is in a cell that was not.
    let drop: (Cell) -> Void

    @usableFromInline
    init(
        _ kind: Selection.Kind, takeAtOnce: @escaping () -> Result?,
        begin: @escaping () -> Cell = { .none }, finish: @escaping (Cell) -> Result,
        drop: @escaping (Cell) -> Void = { _ in }
    ) {
        self.kind = kind
        self.takeAtOnce = takeAtOnce
        self.begin = begin
        self.finish = finish
        self.drop = drop
    }

    /// Receives from a channel; `transform` gets nil when it is closed and nothing is left in it.
    @inlinable
    public static func receive<Element: ~Copyable>(
        _ channel: Channel<Element>, _ transform: @escaping (consuming sending Element?) -> Result
    ) -> Choice {
        take(Element.self, from: channel.exchange, of: channel, .receive, transform)
    }

    /// Takes the first element of a queue; `transform` gets nil when it is closed and empty.
    @inlinable
    public static func get<Element>(
        _ queue: Queue<Element>, _ transform: @escaping (consuming sending Element?) -> Result
    ) -> Choice {
        take(Element.self, from: queue.exchange, of: queue, .get, transform)
    }

    /// Sends an element to a channel.
    @inlinable
    public static func send<Element: Sendable>(
        _ channel: Channel<Element>, _ element: Element, then result: Result
    ) -> Choice {
        put(element, into: channel.exchange, of: channel, .send, result)
    }

    /// Puts an element into a queue.
    @inlinable
    public static func put<Element>(
        _ queue: Queue<Element>, _ element: Element, then result: Result
    ) -> Choice {
        put(element, into: queue.exchange, of: queue, .put, result)
    }

    /// Waits until there is something to read, or the stream has ended. No other task may read
    /// meanwhile.
    public static func readable(_ connection: Connection, then result: Result) -> Choice {
        let socket = connection.socket
        return Choice(
            .socket(socket, .read),
            takeAtOnce: { socket.hasUnread ? result : nil }, finish: { _ in result })
    }

    /// Waits until there may be room to write. No other task may write meanwhile.
    public static func writable(_ connection: Connection, then result: Result) -> Choice {
        Choice(
            .socket(connection.socket, .write),
            takeAtOnce: { nil }, finish: { _ in result })
    }

    /// Waits for a time; the shortest of several counts. A channel or queue that is ready comes
    /// before a time of zero.
    public static func after(_ duration: Duration, then result: Result) -> Choice {
        Choice(.time(duration), takeAtOnce: { nil }, finish: { _ in result })
    }

    // What is in a channel or queue ends with it: so a choice keeps it, its `owner`, too.

    @inlinable
    static func take<Element: ~Copyable>(
        _ type: Element.Type, from exchange: Exchange, of owner: AnyObject,
        _ operation: IOError.Operation,
        _ transform: @escaping (consuming sending Element?) -> Result
    ) -> Choice {
        Choice(.exchange(exchange, operation)) {
            defer { withExtendedLifetime(owner) {} }
            guard let element = exchange.tryTake(type, operation) else { return nil }
            return transform(element)
        } finish: { cell in
            if cell.isNone { return transform(nil) }
            let element = cell.take(type)
            exchange.giveBack(cell)
            return transform(element)
        }
    }

    @inlinable
    static func put<Element: Sendable>(
        _ element: Element, into exchange: Exchange, of owner: AnyObject,
        _ operation: IOError.Operation, _ result: Result
    ) -> Choice {
        Choice(
            .exchange(exchange, operation),
            takeAtOnce: {
                defer { withExtendedLifetime(owner) {} }
                return exchange.tryPut(element) ? result : nil
            },
            begin: {
                let cell = exchange.takeCell()
                cell.fill(with: element)
                return cell
            },
            finish: { _ in result },
            drop: { exchange.drop(Element.self, in: $0) })
    }
}

/// A call of `select` that waits: a meeting point with one waiter, and for each channel and queue a
/// waiter there, whose grant settles the one here (`Settled.choose`). For each connection a task
/// watches.
///
/// It looks for what is ready, and enters its waiters, with the locks of all its channels and
/// queues held at once: so two calls that are each other's first choice find one another, and one
/// of them settles both. They are taken in the order of their addresses, and its own is taken last.
@usableFromInline
final class Selection: MeetingPoint {
    @usableFromInline
    enum Kind: Sendable {
        case exchange(Exchange, IOError.Operation)
        case socket(Socket, Direction)
        case time(Duration)
    }

    struct Arm: Sendable {
        let kind: Kind
        /// The element that is to be put in.
        let cell: Cell
    }

    struct State: ~Copyable {
        /// That of the whole.
        let waiters = WaitList()
        /// One at each channel and queue, until the call is over.
        var members: [(waiter: Waiter, exchange: Exchange)] = []
        var watchers: [Task<Void, Never>] = []
        /// What was done; no cell where a channel was closed.
        var done = Cell.none
        var isClosed = false
        /// What a connection threw that was chosen.
        var failure: IOError?
    }

    private let arms: [Arm]
    private let start: Int
    private let call: Call
    private let shared = Shared(State())

    init(_ arms: [Arm], start: Int, in call: Call) {
        self.arms = arms
        self.start = start
        self.call = call
    }

    /// Waits for the first, and returns its place and the cell that came of it.
    func wait() async throws(IOError) -> (chosen: Int, cell: Cell) {
        var chosen = 0
        do throws(IOError) {
            chosen = try await wait(to: .select, timeout: shortest?.duration, in: call) { waiter in
                let waits = enter(waiter)
                if waits { watch() }
                return waits
            }
        } catch {
            await leave()
            guard error.reason == .timedOut, let shortest else { throw error }
            return (shortest.place, .none)
        }
        await leave()
        let (cell, isClosed, failure) = shared.withLock { ($0.done, $0.isClosed, $0.failure) }
        if let failure { throw failure }
        if isClosed, case .exchange(_, let operation) = arms[chosen].kind, !arms[chosen].cell.isNone
        {
            throw IOError(operation, .closed)
        }
        return (chosen, cell)
    }

    /// The first time that passes, and its place.
    private var shortest: (place: Int, duration: Duration)? {
        var shortest: (place: Int, duration: Duration)?
        for (place, arm) in arms.enumerated() {
            guard case .time(let duration) = arm.kind else { continue }
            if let known = shortest, known.duration <= duration { continue }
            shortest = (place, duration)
        }
        return shortest
    }

    // MARK: Channels and queues

    /// Does the first thing that is ready and returns false; or enters a waiter for each.
    private func enter(_ waiter: Waiter) -> Bool {
        let exchanges = lockAll()
        defer {
            let settled = exchanges.map { $0.unlock() }
            for settled in settled { settled.resume() }
        }
        for offset in arms.indices {
            let place = (start + offset) % arms.count
            guard case .exchange(let exchange, let operation) = arms[place].kind else { continue }
            switch exchange.attempt(operation, with: arms[place].cell) {
            case .nothing: continue
            case .done(let cell): note(cell, isClosed: false)
            case .closed: note(.none, isClosed: true)
            }
            return waiter.pass(.granted, place)
        }
        let end = shared.withLock { $0.waiters.enterAlone(waiter, under: lock) }
        for (place, arm) in arms.enumerated() {
            guard case .exchange(let exchange, let operation) = arm.kind else { continue }
            let member = Waiter.make()
            member.record.operation = operation
            member.record.select = end
            member.record.choice = place
            exchange.enter(member, with: arm.cell)
            shared.withLock { $0.members.append((member, exchange)) }
        }
        return true
    }

    /// Takes the locks of all channels and queues, each once.
    private func lockAll() -> [Exchange] {
        var exchanges: [Exchange] = []
        for arm in arms {
            guard case .exchange(let exchange, _) = arm.kind else { continue }
            if !exchanges.contains(where: { $0 === exchange }) { exchanges.append(exchange) }
        }
        exchanges.sort { $0.lock.address < $1.lock.address }
        for exchange in exchanges { exchange.lock.lock() }
        return exchanges
    }

    private func note(_ cell: Cell, isClosed: Bool) {
        shared.withLock { state in
            state.done = cell
            state.isClosed = isClosed
        }
    }

    /// Takes its waiters out of all lists, and ends the watching.
    private func leave() async {
        let (members, watchers) = shared.withLock { ($0.members, $0.watchers) }
        for (member, exchange) in members {
            exchange.lock.lock()
            let outcome = member.record.outcome
            if outcome == .waiting { member.unlink() }
            exchange.unlock().resume()
            switch outcome {
            case .granted: note(Cell(address: member.record.value), isClosed: false)
            case .closed: note(.none, isClosed: true)
            default: break
            }
            member.free()
        }
        for watcher in watchers { watcher.cancel() }
        for watcher in watchers { await watcher.value }
    }

    // MARK: Connections

    /// Starts a task for each connection that waits for it and settles the whole.
    private func watch() {
        for (place, arm) in arms.enumerated() {
            guard case .socket(let socket, let direction) = arm.kind else { continue }
            let call = call
            let watcher = Task(executorPreference: socket.loop) {
                do throws(IOError) {
                    try await socket.waitUntilReady(for: direction, in: call)
                    self.choose(place, nil)
                } catch {
                    if error.reason != .cancelled { self.choose(place, error) }
                }
            }
            shared.withLock { $0.watchers.append(watcher) }
        }
    }

    /// Settles the whole with a connection that is ready or has failed, if it still waits.
    private func choose(_ place: Int, _ failure: IOError?) {
        var settled = Settled()
        shared.withLock { state in
            guard let waiter = state.waiters.first else { return }
            state.failure = failure
            settled.grant(waiter, place)
        }
        settled.resume()
    }

    // MARK: Reports

    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        let purposes = arms.compactMap { arm in
            switch arm.kind {
            case .exchange(let exchange, let operation): exchange.purpose(of: operation, names)
            case .socket(let socket, .read): "to read from \(socket.peer)"
            case .socket(let socket, .write): "to write to \(socket.peer)"
            case .time: nil
            }
        }
        return purposes.isEmpty ? "for nothing" : purposes.joined(separator: ", or ")
    }

    func account(_ names: TaskNames) -> Account {
        let figures = [Figure("choices", arms.count, "Things of which it waits for the first.")]
        return Account(of: self, "select", nil, call, figures)
    }
}

extension Selection {
    /// The place with which a choice among so many begins: each in its turn, or as the seed of a
    /// simulation decides.
    @usableFromInline
    static func turn(among count: Int) -> Int {
        if count < 2 { return 0 }
        let turn = LoopExecutor.withTurning { loop in
            if let witness = loop.state.witness { return witness.choose(below: count) }
            loop.state.selections &+= 1
            return Int(loop.state.selections % UInt(count))
        }
        return turn ?? .random(in: 0..<count)
    }
}

// What a task does that watches a connection.
extension Socket {
    /// Whether bytes were received that were not read yet; only its loop's thread can tell.
    fileprivate var hasUnread: Bool {
        loop.isCurrent && loop.state.table.isOpen(id) && loop.state.table.hasUnread(id)
    }

    /// Waits until a read or a write may make progress.
    fileprivate func waitUntilReady(
        for direction: Direction, in call: Call
    ) async throws(IOError) {
        try await loop.perform { () async throws(IOError) in
            guard self.loop.isCurrent else {
                throw IOError(direction == .read ? .read : .write, .loopEnded)
            }
            switch direction {
            case .read: try await self.waitUntilReadable(in: call)
            case .write: try await self.waitUntilWritable(in: call)
            }
        }
    }
}
