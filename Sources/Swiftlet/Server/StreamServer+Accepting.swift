import Syscalls

// Accepting: a task for each listener, which hands what it accepts over to the loop that is to
// serve it and never waits for that loop.
extension StreamServer {
    /// Accepts from every listener until one of them ends, and ends the others: nil after `stop`,
    /// otherwise the reason.
    func acceptAll(into doors: [Door], in call: Call) async -> IOError? {
        await withTaskGroup(of: IOError?.self) { group in
            for (place, listener) in listeners.enumerated() {
                let name = "acceptor of \(listener.address)"
                group.addTask(name: name, executorPreference: listener.socket.loop) {
                    await self.accept(at: place, into: doors, in: call)
                }
            }
            let failure = await group.next() ?? nil
            // Where another server accepts, the listener is that one's to close.
            if failure?.reason != .busy { closeListeners() }
            group.cancelAll()
            return failure
        }
    }

    /// Accepts from one listener until it must end.
    private func accept(at place: Int, into doors: [Door], in call: Call) async -> IOError? {
        let socket = listeners[place].socket
        // One listener has all loops; of several, each has its own.
        let places = listeners.count == 1 ? loops.indices : place..<place + 1
        var pause = Duration.milliseconds(10)
        while true {
            do throws(IOError) {
                let arrival = try await socket.accept(in: call)
                pause = .milliseconds(10)
                handOver(arrival, to: places, through: doors, of: socket.loop)
            } catch {
                if state.withLock({ $0.grace != nil }) { return nil }
                guard case .system(let errno) = error.reason,
                    errno.meansExhaustion || errno.concernsOneConnection
                else { return error }
                state.withLock { $0.statistics.acceptErrors += 1 }
                // Level-triggered readiness would report the waiting client for ever: wait for
                // better times.
                let reason = await rest(at: place, in: call) { $0.grace == nil ? pause : nil }
                if let reason, reason != .cancelled || Task.isCancelled {
                    return IOError(.accept, reason)
                }
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    /// Gives a connection to the loop that serves the fewest of those it may go to, or closes it
    /// when there are too many.
    private func handOver(
        _ arrival: Arrival, to places: Range<Int>, through doors: [Door], of loop: LoopExecutor
    ) {
        guard let place = admit(to: places) else { return loop.sockets.close(arrival.descriptor) }
        // A loop whose task was cancelled has shut its door.
        guard case .enqueued = doors[place].yield(arrival) else {
            return turnAway(arrival, from: place)
        }
    }

    /// Counts a connection in and says where it goes; nil when there are too many.
    private func admit(to places: Range<Int>) -> Int? {
        state.withLock { state in
            if let limit = options.maxConnections, state.statistics.open >= limit {
                state.statistics.refused += 1
                return nil
            }
            state.statistics.accepted += 1
            state.statistics.open += 1
            state.statistics.openMax = max(state.statistics.openMax, state.statistics.open)
            return state.spread.add(among: places)
        }
    }

    // MARK: Waiting

    /// Waits until the last handler has ended, or the grace is over, or the calling task is
    /// cancelled.
    func drain(in call: Call) async {
        let loop = listeners[0].socket.loop
        var end = Instant.never
        func left(_ state: State) -> Duration? {
            guard state.statistics.open > 0, let grace = state.grace else { return nil }
            let now = loop.now
            end = min(end, now.advanced(by: grace))
            return now.duration(to: end)
        }
        // A second `stop` ends the wait, and it goes on for what is left of it then.
        while await rest(at: 0, in: call, for: left) == .cancelled, !Task.isCancelled {}
    }

    /// Sleeps on a listener's loop for as long as `duration` says, or not at all when it says nil.
    ///
    /// `stop`, after it the end of the last handler, and the cancellation of the calling task cut
    /// it short; the reason is `.cancelled` then, and nil when the time has passed.
    private func rest(
        at place: Int, in call: Call, for duration: (State) -> Duration?
    ) async -> IOError.Reason? {
        let loop = listeners[place].socket.loop
        let rest: Task<Wakeup, Never>? = state.withLock { state in
            guard let duration = duration(state), duration > .zero else { return nil }
            state.rests[place] = loop.beginRest(for: duration, in: call)
            return state.rests[place]
        }
        guard let rest else { return nil }
        let reason = await awaitEnd(of: rest)
        state.withLock { $0.rests[place] = nil }
        return reason
    }
}
