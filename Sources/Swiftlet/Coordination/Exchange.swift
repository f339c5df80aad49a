import Syscalls

/// What is inside a channel and a queue: elements that were put in and not taken out, and the tasks
/// that wait on either side.
///
///     putters  [ waiter, cell ]      backlog  [ cell cell cell ]      takers  [ waiter ]
///
/// It orders cells and never touches an element, so it is the same for all types. What is made for
/// each type, in the user's program, is only what fills a cell and what takes the element out
/// (below). Between the two calls that each of these makes the lock is held: no code of the user's
/// runs there, an element is only moved.
@usableFromInline
final class Exchange: Sendable {
    private let shared: Shared<State>
    private let kind: Kind
    private let name: String?
    private let call: Call
    /// Whether inspection tells of it when no task waits.
    private let isListed: Bool

    /// What it is to those that read reports.
    enum Kind: String {
        case channel, queue
    }

    struct State: ~Copyable {
        let capacity: Int
        var isClosed = false
        var cells: Cells
        var backlog: Backlog
        /// How to copy an element for those that only look at it.
        let copy: @Sendable (_ cell: Cell, _ empty: Cell) -> Void
        /// How many elements were put in and not reported as done.
        var unfinished = 0
        /// Those that want an element; the backlog is empty then.
        let takers = WaitList()
        /// Each with the cell of its element; the backlog is full then.
        let putters = WaitList()
        /// Those that wait until all has been done.
        let joiners = WaitList()
        /// Those that go on when the lock has been given back.
        var settled = Settled()
    }

    init<Element: ~Copyable>(
        of type: Element.Type, _ kind: Kind, capacity: Int, order: Backlog.Order = .fifo,
        name: String?, call: Call, isListed: Bool,
        copy: @escaping @Sendable (_ cell: Cell, _ empty: Cell) -> Void = { _, _ in }
    ) {
        shared = Shared(
            State(
                capacity: capacity, cells: Cells(for: type), backlog: Backlog(order: order),
                copy: copy))
        self.kind = kind
        self.name = name
        self.call = call
        self.isListed = isListed
        if isListed { Roster.enter(self) }
    }

    deinit { if isListed { Roster.leave(ObjectIdentifier(self)) } }

    /// Runs `body` with the lock held, and lets those go on that it has settled.
    @inline(__always)
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        shared.lock.lock()
        let state = shared.state
        let result = body(&state.pointee)
        unlock().resume()
        return result
    }

    // MARK: Putting in

    /// Takes the lock and a cell for an element; no cell and no lock when it is closed.
    @usableFromInline
    func beginPut() -> Cell {
        shared.lock.lock()
        let state = shared.state
        if !state.pointee.isClosed { return state.pointee.cells.take() }
        shared.lock.unlock()
        return .none
    }

    /// Puts in the cell that was filled since, and gives the lock back; false when there is no
    /// place.
    @usableFromInline
    func endPut(_ cell: Cell) -> Bool {
        let state = shared.state
        let isIn = state.pointee.offer(cell)
        unlock().resume()
        return isIn
    }

    /// Waits until there is a place for the element in a cell.
    @usableFromInline
    func waitToPut(
        _ cell: Cell, _ operation: IOError.Operation, timeout: Duration?, in call: Call
    ) async throws(IOError) {
        _ = try await wait(to: operation, timeout: timeout, in: call) { waiter in
            change { state in
                if state.isClosed { return waiter.pass(.closed) }
                if state.offer(cell) { return waiter.pass() }
                waiter.record.value = cell.address
                state.putters.append(waiter)
                return true
            }
        }
    }

    // MARK: Taking out

    /// Takes the lock and the cell of the next element, or of a copy of it; no cell and no lock
    /// when there is none.
    @usableFromInline
    func beginTake(_ operation: IOError.Operation) -> Cell {
        shared.lock.lock()
        let state = shared.state
        let cell = state.pointee.next(to: operation)
        if cell.isNone { shared.lock.unlock() }
        return cell
    }

    /// Takes back a cell whose element was taken out since, and gives the lock back.
    @usableFromInline
    func endTake(_ cell: Cell) {
        let state = shared.state
        state.pointee.cells.giveBack(cell)
        unlock().resume()
    }

    /// Waits for the cell of the next element; no cell when it is closed and nothing is left.
    @usableFromInline
    func waitToTake(
        _ operation: IOError.Operation, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Cell {
        do throws(IOError) {
            let address = try await wait(to: operation, timeout: timeout, in: call) { waiter in
                change { state in
                    let cell = state.next(to: operation)
                    if !cell.isNone { return waiter.pass(.granted, cell.address) }
                    if state.isClosed { return waiter.pass(.closed) }
                    state.takers.append(waiter)
                    return true
                }
            }
            return Cell(address: address)
        } catch {
            if error.reason == .closed { return .none }
            throw error
        }
    }

    /// Takes back a cell whose element was taken out, without the lock.
    @usableFromInline
    func giveBack(_ cell: Cell) { shared.withLock { $0.cells.giveBack(cell) } }

    // MARK: What has been done

    /// Notes that an element has been done; false when all have been.
    func finishOne() -> Bool {
        change { state in
            guard state.unfinished > 0 else { return false }
            state.finish(1)
            return true
        }
    }

    /// Waits until all that was put in has been done.
    func join(timeout: Duration?, in call: Call) async throws(IOError) {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        if unfinished == 0 { return }
        _ = try await wait(to: .join, timeout: timeout, in: call) { waiter in
            shared.withLock { state in
                if state.unfinished == 0 { return waiter.pass() }
                state.joiners.append(waiter)
                return true
            }
        }
    }

    // MARK: The end, and what it is

    /// Lets nothing more come in; what waits to be put in never will.
    func close() {
        change { state in
            state.isClosed = true
            state.takers.settleAll(.closed, in: &state.settled)
            state.putters.settleAll(.closed, in: &state.settled)
        }
    }

    /// Takes all elements out that are there now, and counts them as done.
    func removeAll() -> CellList {
        change { state in
            var removed = CellList()
            while state.backlog.count > 0 { removed.append(state.backlog.popFirst()) }
            while state.backlog.count < state.capacity, state.admitPutter() {}
            state.finish(min(removed.count, state.unfinished))
            return removed
        }
    }

    var isClosed: Bool { shared.withLock { $0.isClosed } }
    var capacity: Int { shared.withLock { $0.capacity } }
    /// How many elements were put in and not taken out.
    var count: Int { shared.withLock { $0.backlog.count } }
    /// How many elements were put in and not reported as done.
    var unfinished: Int { shared.withLock { $0.unfinished } }
}

// What happens to cells, with the lock held.
extension Exchange.State {
    /// Gives an element to the taker that has waited longest, and shows it to those before that
    /// only look; or puts it into the backlog. False when there is no place.
    @inline(__always)
    fileprivate mutating func offer(_ cell: Cell) -> Bool {
        while let taker = takers.first {
            if case .peek = taker.record.operation {
                settled.grant(taker, copy(of: cell).address)
                continue
            }
            guard settled.grant(taker, cell.address) else { continue }
            unfinished += 1
            return true
        }
        guard backlog.count < capacity else { return false }
        unfinished += 1
        backlog.insert(cell)
        return true
    }

    /// The cell of the next element, or of a copy of it; none when there is none. When one is taken
    /// out, the next one comes in that waits to be.
    @inline(__always)
    fileprivate mutating func next(to operation: IOError.Operation) -> Cell {
        if backlog.count == 0 {
            // Without capacity it comes from the hand of the putter.
            while let putter = putters.first {
                let cell = Cell(address: putter.record.value)
                if settled.grant(putter, cell.address) { return cell }
            }
            return .none
        }
        if case .peek = operation { return copy(of: backlog.first) }
        let cell = backlog.popFirst()
        _ = admitPutter()
        return cell
    }

    private mutating func copy(of cell: Cell) -> Cell {
        let empty = cells.take()
        copy(cell, empty)
        return empty
    }

    /// Lets the element in that has waited longest to be put in; false when none waits. There is a
    /// place.
    @inline(__always)
    fileprivate mutating func admitPutter() -> Bool {
        while let putter = putters.first {
            let cell = Cell(address: putter.record.value)
            guard settled.grant(putter, cell.address) else { continue }
            unfinished += 1
            backlog.insert(cell)
            return true
        }
        return false
    }

    fileprivate mutating func finish(_ count: Int) {
        unfinished -= count
        if unfinished == 0 { joiners.settleAll(.granted, in: &settled) }
    }
}

// What `select` does, which holds the locks of all that it waits at.
extension Exchange {
    /// What becomes of an attempt that may not wait.
    enum Attempt {
        case done(Cell)
        case closed
        case nothing
    }

    /// Takes a cell for an element that is to be put in when there is a place; without the lock.
    @usableFromInline
    func takeCell() -> Cell { shared.withLock { $0.cells.take() } }

    /// Puts in the element of `cell`, or takes the next one out if there is no cell.
    func attempt(_ operation: IOError.Operation, with cell: Cell) -> Attempt {
        let state = shared.state
        if !cell.isNone {
            if state.pointee.isClosed { return .closed }
            return state.pointee.offer(cell) ? .done(cell) : .nothing
        }
        let next = state.pointee.next(to: operation)
        if !next.isNone { return .done(next) }
        return state.pointee.isClosed ? .closed : .nothing
    }

    /// Enters a waiter for the same.
    func enter(_ waiter: Waiter, with cell: Cell) {
        let state = shared.state
        waiter.record.value = cell.address
        if cell.isNone {
            state.pointee.takers.append(waiter)
        } else {
            state.pointee.putters.append(waiter)
        }
    }

    /// Gives the lock back, and returns those that were settled: they go on when no lock is held.
    @inline(__always)
    func unlock() -> Settled {
        let state = shared.state
        let settled = state.pointee.settled
        state.pointee.settled = Settled()
        shared.lock.unlock()
        return settled
    }
}

extension Exchange: MeetingPoint {
    var lock: WordLock { shared.lock }

    func purpose(of operation: IOError.Operation, _ names: TaskNames) -> String {
        let (capacity, putters, unfinished) = shared.withLock {
            ($0.capacity, $0.putters.count, $0.unfinished)
        }
        let title = title(kind.rawValue, name, call)
        let isFull = "of \(capacity) elements, which is full: \(putters) wait"
        return switch operation {
        case .send: "to send to \(title), \(isFull)"
        case .put: "to put into \(title), \(isFull)"
        case .join: "for \(title): \(unfinished) elements are not done"
        case .receive: "to receive from \(title), which is empty"
        default: "to \(operation.rawValue) from \(title), which is empty"
        }
    }

    func account(_ names: TaskNames) -> Account {
        let isChannel = kind == .channel
        let figures = shared.withLock { state in
            var figures = [
                Figure("elements", state.backlog.count, "Elements that were put in and not got."),
                Figure(
                    isChannel ? "waiting_senders" : "waiting_putters", state.putters.count,
                    isChannel ? "Tasks that wait to send." : "Tasks that wait to put in."),
                Figure(
                    isChannel ? "waiting_receivers" : "waiting_takers", state.takers.count,
                    isChannel ? "Tasks that wait to receive." : "Tasks that wait to get or peek."),
                Figure("closed", state.isClosed ? 1 : 0, "Whether it is closed, 1 or 0."),
            ]
            if !isChannel {
                let help = "Elements that are not reported as done."
                figures.insert(Figure("unfinished", state.unfinished, help), at: 1)
            }
            if state.capacity < .max {
                let help = "Elements that it holds at most."
                figures.insert(Figure("capacity", state.capacity, help), at: 0)
            }
            return figures
        }
        return Account(of: self, kind.rawValue, name, call, figures)
    }
}

// What is made for each type.
extension Exchange {
    /// Puts an element in, and waits until there is a place for it.
    @inlinable
    @inline(__always)
    func put<Element: ~Copyable>(
        _ element: consuming Element, _ operation: IOError.Operation, timeout: Duration?,
        in call: Call
    ) async throws(IOError) {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        let cell = beginPut()
        if cell.isNone { throw IOError(operation, .closed) }
        cell.fill(with: element)
        if endPut(cell) { return }
        do throws(IOError) {
            try await waitToPut(cell, operation, timeout: timeout, in: call)
        } catch {
            drop(Element.self, in: cell)
            throw error
        }
    }

    /// Puts an element in if that needs no waiting, and says whether it did; if not, the element is
    /// dropped.
    @inlinable
    func tryPut<Element: ~Copyable>(_ element: consuming Element) -> Bool {
        let cell = beginPut()
        if cell.isNone { return false }
        cell.fill(with: element)
        if endPut(cell) { return true }
        drop(Element.self, in: cell)
        return false
    }

    /// Takes the next element out, or a copy of it, and waits until there is one; nil when it is
    /// closed and nothing is left.
    @inlinable
    @inline(__always)
    func take<Element: ~Copyable>(
        _ type: Element.Type, _ operation: IOError.Operation, timeout: Duration?, in call: Call
    ) async throws(IOError) -> sending Element? {
        if !EventLoop.spend() { await EventLoop.giveWay() }
        if let element = tryTake(type, operation) { return element }
        let cell = try await waitToTake(operation, timeout: timeout, in: call)
        if cell.isNone { return nil }
        let element = cell.take(type)
        giveBack(cell)
        return element
    }

    /// Takes the next element out, or a copy of it; nil if there is none.
    @inlinable
    @inline(__always)
    func tryTake<Element: ~Copyable>(
        _ type: Element.Type, _ operation: IOError.Operation
    ) -> sending Element? {
        let cell = beginTake(operation)
        if cell.isNone { return nil }
        let element = cell.take(type)
        endTake(cell)
        return element
    }

    /// Takes out all elements that are there now, and drops them.
    func dropAll<Element: ~Copyable>(_ type: Element.Type) {
        var removed = removeAll()
        while !removed.isEmpty { drop(type, in: removed.popFirst()) }
    }

    /// Ends an element that was not put in, or was taken out in its cell.
    @inlinable
    func drop<Element: ~Copyable>(_ type: Element.Type, in cell: Cell) {
        // Its end may be code of the user's, which may not run under the lock.
        _ = cell.take(type)
        giveBack(cell)
    }
}
