import Drivers
import Syscalls

// Serving: on each loop a task that takes in the connections which are handed over to it, and under
// it a task for each connection.
//
//     serve ─┬─ acceptors, one for each listener                  (StreamServer+Accepting.swift)
//            ├─ takes in on loop 0 ─┬─ handler
//            │                      └─ handler
//            └─ takes in on loop 1 ─── handler
//
// So cancelling `serve` cancels all of them, wherever they run, and it returns after the last one.
extension StreamServer {
    /// Where a loop's arrivals are put, by any thread.
    typealias Door = AsyncStream<Arrival>.Continuation

    /// Accepts and serves until all is over: nil after `stop`, otherwise the reason.
    func acceptAndServe(_ handler: @escaping ConnectionHandler, in call: Call) async -> IOError? {
        await withDiscardingTaskGroup { group in
            var doors: [Door] = []
            for (place, loop) in loops.enumerated() {
                let (arrivals, door) = AsyncStream.makeStream(of: Arrival.self)
                doors.append(door)
                group.addTask(name: "server of \(address)", executorPreference: loop.executor) {
                    await EventLoop.$taskLoop.withValue(loop) {
                        await self.takeIn(arrivals, at: place, handler)
                    }
                }
            }
            let failure = await acceptAll(into: doors, in: call)
            for door in doors { door.finish() }
            if failure == nil { await drain(in: call) }
            group.cancelAll()
            cancelHandlers()
            return failure
        }
    }

    /// Passes the cancellation of the group on to the tasks that are parked on their own
    /// connection.
    func cancelHandlers() {
        for loop in loops { loop.executor.post(.cancelHandlers(ObjectIdentifier(self))) }
    }

    /// Starts a handler on one loop for each connection that comes through its door.
    private func takeIn(
        _ arrivals: AsyncStream<Arrival>, at place: Int, _ handler: @escaping ConnectionHandler
    ) async {
        let loop = loops[place].executor
        let service = Service(of: self, at: place, with: handler)
        // Of tasks that may throw, though none does: the other kind of group wraps each closure.
        try? await withThrowingDiscardingTaskGroup { group in
            for await arrival in arrivals {
                // A loop that has ended takes nothing in.
                guard loop.isCurrent else {
                    turnAway(arrival, from: place)
                    continue
                }
                loop.state.statistics.connections += 1
                let connection = arrival.adopt(on: loop, idleTimeout: options.idleTimeout)
                // Reports look for the peer; a trace has only the names of tasks.
                let name = loop.state.witness.map { _ in "handler of \(arrival.peer)" }
                group.addTask(name: name, executorPreference: loop) {
                    await service.serve(connection)
                }
            }
        }
    }

    /// Closes a connection that was counted in and whose loop will not have it.
    func turnAway(_ arrival: Arrival, from place: Int) {
        loops[place].executor.sockets.close(arrival.descriptor)
        leave(place, hasFailed: false)
    }

    fileprivate func finish(_ connection: Connection, at place: Int, _ failure: (any Error)?) {
        connection.close()
        let failure = failure?.isOfEnding == true ? nil : failure
        leave(place, hasFailed: failure != nil)
        guard let failure else { return }
        if let onError = options.onError { return onError(failure, connection) }
        let name = "handler of \(connection.remoteAddress)"
        loops[place].executor.note(failure, of: name, in: state.withLock { $0.call })
    }

    /// Counts a connection out; the last one ends the wait for it.
    private func leave(_ place: Int, hasFailed: Bool) {
        let rests = state.withLock { state in
            state.spread.remove(from: place)
            state.statistics.open -= 1
            if hasFailed { state.statistics.handlerErrors += 1 }
            return state.grace != nil && state.statistics.open == 0 ? state.rests : []
        }
        for rest in rests { rest?.cancel() }
    }
}

/// What all handlers of a server on one loop share, so that a connection's task holds one reference
/// beside its connection.
private final class Service: Sendable {
    private let server: StreamServer
    private let place: Int
    private let handler: StreamServer.ConnectionHandler

    init(
        of server: StreamServer, at place: Int,
        with handler: @escaping StreamServer.ConnectionHandler
    ) {
        self.server = server
        self.place = place
        self.handler = handler
    }

    // Every idle connection is parked in here, so little is kept across the await: a task whose
    // frames fit its first slab, about a kilobyte, needs no second one.
    func serve(_ connection: Connection) async {
        do {
            let endsIdleReads = server.state.withLock { $0.endsIdleReads }
            connection.socket.beginOwning(
                for: ObjectIdentifier(server), endingIdleReads: endsIdleReads)
            try await handler(connection)
            server.finish(connection, at: place, nil)
        } catch {
            server.finish(connection, at: place, error)
        }
    }
}

/// A connection that was accepted and that no loop has taken in yet.
///
/// No task is parked on it and no driver knows of it, so it may go to any loop.
struct Arrival: Sendable {
    let descriptor: RawDescriptor
    let peer: SocketAddress

    /// Makes it a connection of `loop`. The caller is on that loop's thread.
    func adopt(on loop: LoopExecutor, idleTimeout: Duration?) -> Connection {
        let socket = Socket(adopting: descriptor, peer: peer, on: loop, idleTimeout: idleTimeout)
        // An option that a connection will not take does not make it a worse connection.
        if !peer.isUnix { try? loop.sockets.setOption(.noDelay, of: descriptor, to: 1) }
        return Connection(socket: socket)
    }
}

/// How a server's connections are spread over its loops, and which loop gets the next one.
///
/// A plain value: its owner guards it. A place is the index of a loop among the server's.
struct Spread {
    private struct Share {
        var open = 0
        var taken = 0
    }

    private var shares: [Share]

    init(over loops: Int) { shares = Array(repeating: Share(), count: loops) }

    /// Counts one more connection in, at the place with the fewest open ones, and says which.
    ///
    /// Of several such places it takes the one that has had the fewest until now: otherwise
    /// connections that come one after the other would all go to the first.
    mutating func add(among places: Range<Int>) -> Int {
        var best = places.lowerBound
        for place in places.dropFirst() {
            let (share, least) = (shares[place], shares[best])
            if (share.open, share.taken) < (least.open, least.taken) { best = place }
        }
        shares[best].open += 1
        shares[best].taken += 1
        return best
    }

    /// Counts a connection out.
    mutating func remove(from place: Int) { shares[place].open -= 1 }
}
