import Drivers
import Syscalls

// Serving: for each socket a task that receives, and under it a task for each handler.
//
//     serve ─┬─ receives on socket 0 ─┬─ handler
//            │                        └─ handler
//            └─ receives on socket 1 ─── handler
//
// So cancelling `serve` cancels all of them, and it returns after the last one. A task that
// receives owns its socket, as a handler its connection: the server passes on to it what ends it.
extension DatagramServer {
    /// What a server runs.
    enum Handler: Sendable {
        case eachDatagram(DatagramHandler)
        case eachPeer(PeerHandler)
    }

    func serve(with handler: Handler, in call: Call) async throws(IOError) {
        let isSecond = state.withLock { state in
            if state.isServing { return true }
            state.isServing = true
            state.call = call
            return false
        }
        if isSecond { throw IOError(.receive, .busy) }
        Roster.enter(self, on: sockets[0].socket.loop)
        defer {
            Roster.leave(self)
            state.withLock { $0.isServing = false }
            for socket in sockets { socket.close() }
        }
        let failure = await withTaskCancellationHandler {
            await self.serveAll(with: handler, in: call)
        } onCancel: {
            self.cancelReceivers()
        }
        if let failure { throw failure }
    }

    /// Serves on every socket until one of them fails, and ends the others: nil after `stop`.
    private func serveAll(with handler: Handler, in call: Call) async -> IOError? {
        await withTaskGroup(of: IOError?.self) { group in
            for (place, socket) in sockets.enumerated() {
                let name = "server of \(socket.localAddress)"
                group.addTask(name: name, executorPreference: socket.loop.executor) {
                    await EventLoop.$taskLoop.withValue(socket.loop) {
                        await self.serve(at: place, with: handler, in: call)
                    }
                }
            }
            for await failure in group {
                guard let failure else { continue }
                group.cancelAll()
                cancelReceivers()
                return failure
            }
            return nil
        }
    }

    /// Passes a cancellation on to the tasks that receive.
    private func cancelReceivers() {
        for socket in sockets { socket.socket.loop.post(.cancelHandlers(ObjectIdentifier(self))) }
    }

    /// Receives on one socket and runs handlers; returns after the last one.
    private func serve(at place: Int, with handler: Handler, in call: Call) async -> IOError? {
        let socket = sockets[place]
        let loop = socket.loop.executor
        return await withDiscardingTaskGroup { handlers in
            let failure = await self.receive(at: place, in: call) { datagram in
                guard let work = self.work(for: datagram, at: place, handler) else { return }
                // Reports look for the peer; a trace has only the names of tasks.
                let name = loop.state.witness.map { _ in "handler of \(datagram.sender)" }
                handlers.addTask(name: name, executorPreference: loop) { await work() }
            }
            if failure == nil { await self.drain(at: place, in: call) }
            handlers.cancelAll()
            return failure
        }
    }

    // MARK: Receiving

    /// Receives until `stop`, which is nil, or until it must end.
    private func receive(
        at place: Int, in call: Call, _ take: (Datagram) -> Void
    ) async -> IOError? {
        let socket = sockets[place]
        let loop = socket.socket.loop
        guard loop.isCurrent else { return IOError(.receive, .loopEnded) }
        socket.socket.beginOwning(for: ObjectIdentifier(self), endingIdleReads: isStopping)
        var pause = Pause()
        while !isStopping {
            do throws(IOError) {
                let datagram = try await socket.receiveHere(timeout: nil, in: call)
                pause = Pause()
                state.withLock { $0.statistics.received += 1 }
                take(datagram)
            } catch {
                // That is what a socket reads whose server stops.
                if error.reason == .endOfStream { return nil }
                // A number that names no socket will not do so again.
                guard case .system(let errno) = error.reason, errno != .badDescriptor else {
                    return error
                }
                state.withLock { $0.statistics.receiveErrors += 1 }
                // That is news of what was sent. Anything else would be said again at once.
                if errno == .connectionRefused { continue }
                let reason = await rest(at: place, in: call) { state in
                    state.grace == nil ? pause.next() : nil
                }
                if let reason, reason != .cancelled || Task.isCancelled {
                    return IOError(.receive, reason)
                }
            }
        }
        return nil
    }

    // MARK: Handlers

    /// What is to be run for a datagram; nil when there is nothing: it waits for a handler that
    /// runs already, or is dropped.
    private func work(
        for datagram: Datagram, at place: Int, _ handler: Handler
    ) -> (@Sendable () async -> Void)? {
        switch handler {
        case .eachDatagram(let handler):
            guard admit() else { return nil }
            return { await self.run(for: datagram.sender) { try await handler(datagram) } }
        case .eachPeer(let handler):
            guard let peer = peer(of: datagram, at: place) else { return nil }
            return {
                await self.run(for: peer.address) {
                    // Also when it throws: what still comes is for the next one.
                    defer { self.forget(peer, at: place) }
                    try await handler(peer)
                }
            }
        }
    }

    /// Counts a handler in; false when there are too many, and the datagram is dropped.
    private func admit() -> Bool {
        state.withLock { state in
            guard state.statistics.open < options.maxHandlers else {
                state.statistics.dropped += 1
                return false
            }
            state.statistics.open += 1
            state.statistics.openMax = max(state.statistics.openMax, state.statistics.open)
            return true
        }
    }

    /// Gives a datagram to its peer, and returns that if it has no handler yet.
    private func peer(of datagram: Datagram, at place: Int) -> DatagramPeer? {
        // All Unix sockets without a name would be one peer, and no answer would reach any.
        if datagram.sender == .unnamed {
            state.withLock { $0.statistics.dropped += 1 }
            return nil
        }
        if let peer = state.withLock({ $0.peers[place][datagram.sender] }) {
            if peer.put(datagram) { return nil }
            // Full, or its handler is at its end.
            guard peer.inbox.isClosed else {
                state.withLock { $0.statistics.dropped += 1 }
                return nil
            }
        }
        guard admit() else { return nil }
        let peer = DatagramPeer(
            of: datagram, waitingAtMost: options.maxWaiting, options.idleTimeout)
        _ = peer.put(datagram)
        state.withLock { state in
            state.peers[place][peer.address] = peer
            // A handler that begins after `stop` has this datagram alone.
            if state.grace != nil { peer.inbox.close() }
        }
        return peer
    }

    /// Counts a peer out whose handler has ended, and what it had not received.
    private func forget(_ peer: DatagramPeer, at place: Int) {
        peer.inbox.close()
        var left = 0
        while peer.inbox.tryReceive() != nil { left += 1 }
        state.withLock { state in
            state.statistics.dropped += left
            if state.peers[place][peer.address] === peer {
                state.peers[place][peer.address] = nil
            }
        }
    }

    /// Runs a handler, and counts it out; the last one ends the wait for it.
    private func run(
        for peer: SocketAddress, _ body: @concurrent @Sendable () async throws -> Void
    ) async {
        var failure: (any Error)?
        do {
            try await body()
        } catch {
            if !error.isOfEnding { failure = error }
        }
        let hasFailed = failure != nil
        let (rests, call) = state.withLock { state in
            state.statistics.open -= 1
            if hasFailed { state.statistics.handlerErrors += 1 }
            let isLast = state.grace != nil && state.statistics.open == 0
            return (isLast ? state.rests : [], state.call)
        }
        for rest in rests { rest?.cancel() }
        guard let failure else { return }
        if let onError = options.onError { return onError(failure, peer) }
        EventLoop.current?.executor.note(failure, of: "handler of \(peer)", in: call)
    }

    // MARK: Waiting

    /// Waits until the last handler has ended, or the grace is over, or the calling task is
    /// cancelled.
    private func drain(at place: Int, in call: Call) async {
        let loop = sockets[place].socket.loop
        var end = Instant.never
        // A second `stop` ends the wait, and it goes on for what is left of it then.
        func left(_ state: State) -> Duration? {
            guard state.statistics.open > 0, let grace = state.grace else { return nil }
            let now = loop.now
            end = min(end, now.advanced(by: grace))
            return now.duration(to: end)
        }
        while await rest(at: place, in: call, for: left) == .cancelled, !Task.isCancelled {}
    }

    /// Sleeps for as long as `duration` says, or not at all when it says nil; `stop`, the end of
    /// the last handler, and cancellation cut it short.
    private func rest(
        at place: Int, in call: Call, for duration: (State) -> Duration?
    ) async -> IOError.Reason? {
        let rest: Task<Wakeup, Never>? = state.withLock { state in
            guard let duration = duration(state), duration > .zero else { return nil }
            state.rests[place] = sockets[place].socket.loop.beginRest(for: duration, in: call)
            return state.rests[place]
        }
        guard let rest else { return nil }
        let reason = await awaitEnd(of: rest)
        state.withLock { $0.rests[place] = nil }
        return reason
    }
}
