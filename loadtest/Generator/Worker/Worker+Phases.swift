import Drivers
import Statistics
import Syscalls

// The phases of a worker, and what moves it from one to the next.
extension Worker {
    /// Moves on, through as many phases as it is time for.
    mutating func advance(at now: Instant) {
        if phase == .connecting { connect(at: now) }
        if phase == .warmingUp { warmUp(at: now) }
        if phase == .measuring { measure(at: now) }
        if phase == .draining { drain(at: now) }
        if phase == .closing { close(at: now) }
    }

    /// When the clock next changes something.
    var nextMark: Instant {
        switch phase {
        case .connecting: min(opening.due, drainUntil)
        case .warmingUp: min(state.measureFrom ?? .never, nextActivation)
        case .measuring: Instant(nanoseconds: exchange.sendUntil)
        case .draining: drainUntil
        case .closing: closeUntil
        case .ended: .past
        }
    }

    /// Gives up what is overdue, and shows how far this worker is.
    mutating func closeInterval(at now: Instant) {
        opening.failOverdue(at: now, in: &exchange)
        exchange.retireOverdue(at: now)
        exchange.retireAged(at: now)
        if phase == .warmingUp { lookWhetherSteady(at: now) }
        let (from, cpu) = interval.end(at: now.nanoseconds)
        let (end, total) = (state.origin.nanoseconds(to: now), interval.total.cpu)
        // One worker is enough to look at the server.
        if index == 0, let used = state.serverTime() {
            exchange.tally.totals.timeline.add(serverCPU: used, at: from)
        }
        desk.published.withLock { published in
            exchange.tally.closeInterval(
                from: from, to: end, cpu: cpu, adding: &published.latencies)
            published.take(exchange, cpu: total)
        }
    }

    private mutating func connect(at now: Instant) {
        if state.connectedAt != nil {
            phase = .warmingUp
            return
        }
        // What came up and was lost before the start is missing just the same.
        if exchange.table.upCount < exchange.tally.totals.connects.ok { state.failConnecting() }
        if state.hasConnectFailed {
            opening.stop()
            if drainUntil == .never { drainUntil = now.advanced(by: state.plan.drain) }
            if opening.attemptsOpen == 0 || now >= drainUntil { phase = .ended }
            return
        }
        opening.openDue(at: now, in: &exchange)
        if state.connectedAt != nil { phase = .warmingUp }
    }

    // Warming up.

    /// Sends from the start, and opens the measured time when the warm-up is over.
    private mutating func warmUp(at now: Instant) {
        let isTime = now >= state.measureFrom ?? .never
        if isTime { beginMeasuring(at: now) }
        if !exchange.maySend { beginSending() }
        activate(at: now)
        if isDeserted(at: now) {
            result.lostAllConnections = true
            phase = .ended
        }
    }

    private mutating func beginSending() {
        exchange.maySend = true
        let plan = state.plan
        exchange.mayReopen = plan.reopens
        if plan.connectsPerRequest { exchange.closeForRequests() }
        guard let rate = plan.rate else { return sendFirst(0..<exchange.activeCount) }
        let gap = 1e9 / rate
        exchange.tally.totals.pacing?.tolerance = max(100_000, Int64(gap / 10))
        exchange.schedule = ArrivalSchedule(
            rate: rate * share,
            isPoisson: plan.arrivals == .poisson,
            start: (state.connectedAt ?? driver.now).nanoseconds,
            ramp: plan.ramp.wholeNanoseconds,
            phase: (Double(index) + 0.5) / Double(state.desks.count),
            // Not the numbers that the pieces of a request are drawn from.
            random: SplitMix(seed: ~plan.seed, stream: exchange.table.number(of: 0))
        )
    }

    /// Closed loop: lets more connections take part while the load grows.
    private mutating func activate(at now: Instant) {
        let (active, count) = (exchange.activeCount, exchange.table.loadedCount)
        guard active < count, let start = state.connectedAt else { return }
        let share = Double(start.nanoseconds(to: now)) / Double(state.plan.ramp.wholeNanoseconds)
        let wanted = min(count, Int(share * Double(count)) + 1)
        guard wanted > active else { return }
        exchange.activeCount = wanted
        sendFirst(active..<wanted)
    }

    private var nextActivation: Instant {
        let (active, count) = (exchange.activeCount, exchange.table.loadedCount)
        guard active < count, let start = state.connectedAt else { return .never }
        let share = Double(active) / Double(count)
        return start.advanced(
            byNanoseconds: Int64(share * Double(state.plan.ramp.wholeNanoseconds)) + 1)
    }

    private mutating func sendFirst(_ indices: Range<Int>) {
        for index in indices {
            switch exchange.table.connections[index].state {
            case .up: exchange.send(on: index)
            case .closed where state.plan.connectsPerRequest:
                exchange.offerForRequest(index, at: driver.now.nanoseconds)
            case .unopened, .connecting, .closing, .closed: break
            }
        }
    }

    /// Whether nothing is left to measure with, and nothing will come.
    ///
    /// A run that has no end but its requests is not to wait for ever for one connection.
    private func isDeserted(at now: Instant) -> Bool {
        let plan = state.plan
        guard exchange.table.loadedUpCount == 0 else { return false }
        guard plan.reopens else { return exchange.table.closingCount == 0 }
        let patience = plan.timeout.wholeNanoseconds + plan.connectTimeout.wholeNanoseconds
        return plan.duration == nil && exchange.lastUp < now.nanoseconds - patience
    }

    private mutating func lookWhetherSteady(at now: Instant) {
        guard case .auto = state.plan.warmup, index == 0, state.measureFrom == nil,
            let start = state.warmFrom, now >= start
        else { return }
        let answered = exchange.tally.interval.warmup.answered
        guard
            let isSteady = warming.take(
                answered, at: now.nanoseconds, since: start.nanoseconds)
        else { return }
        // A little later, so that every worker hears of it in time.
        state.endWarmUp(at: now.advanced(byNanoseconds: 5_000_000), isSteady: isSteady)
    }

    // Measuring.

    private mutating func beginMeasuring(at now: Instant) {
        phase = .measuring
        if !state.plan.reopens {
            let connects = exchange.tally.totals.connects
            exchange.tally.totals.connects.lostEarly = connects.ok - exchange.table.upCount
        }
        state.noteMeasuringBegun()
        // Planned times count from the very instant; a closed loop's from this look at the clock.
        let from = exchange.isOpenLoop ? state.measureFrom ?? now : now
        result.measuredFrom = from
        usageAtStart = usage(at: now)
        (windowFrom, movedAtStart) = (now, exchange.tally.moved)
        exchange.tally.countsFrom = from.nanoseconds
        exchange.requestsLeft = state.takeRequests()
        exchange.sendUntil = (state.measureUntil ?? .never).nanoseconds
    }

    private mutating func measure(at now: Instant) {
        let isTime = now.nanoseconds >= exchange.sendUntil
        // Where nothing gives a lost datagram up, its answer is waited for while draining.
        let isWaiting =
            exchange.table.openRequests > 0 && !(exchange.isDatagram && exchange.isOpenLoop)
        let isSpent = !exchange.maySend && !isWaiting && exchange.requestsOpening == 0
        if isTime || isSpent {
            beginDraining(at: now)
        } else if isDeserted(at: now) {
            result.lostAllConnections = true
            beginDraining(at: now)
        }
    }

    private mutating func beginDraining(at now: Instant) {
        // What was planned before the end is still sent: it belongs to the measured time.
        exchange.sendUntil = min(exchange.sendUntil, now.nanoseconds)
        if !exchange.isOpenLoop {
            exchange.maySend = false
            exchange.mayReopen = false
        }
        endMeasuring(at: now)
        drainUntil = now.advanced(by: patience)
        phase = .draining
    }

    /// Closes the measured time of this worker, the first time that it is called.
    private mutating func endMeasuring(at now: Instant) {
        guard !hasEndedMeasuring else { return }
        hasEndedMeasuring = true
        state.noteMeasuringEnded(at: now)
        guard let from = result.measuredFrom else { return }
        let until = exchange.isOpenLoop ? min(now.nanoseconds, exchange.sendUntil) : now.nanoseconds
        result.measuredUntil = Instant(nanoseconds: max(until, from.nanoseconds))
        let elapsed = Double(windowFrom.nanoseconds(to: now)) / 1e9
        result.usage = usage(at: now).since(usageAtStart, elapsed: elapsed)
        result.window = (windowFrom, now, exchange.tally.moved.since(movedAtStart))
    }

    /// What the thread used so far; closes the interval under way.
    private mutating func usage(at now: Instant) -> IntervalClock.Usage {
        closeInterval(at: now)
        return interval.total
    }

    private mutating func drain(at now: Instant) {
        let isDone =
            exchange.table.openRequests == 0 && exchange.requestsOpening == 0
            && exchange.hasDealtAll
        let isLost = exchange.table.loadedUpCount == 0 && !exchange.mayReopen
        guard isDone || isLost && exchange.requestsOpening == 0 || now >= drainUntil else { return }
        exchange.countNeverSent(at: now.nanoseconds)
        exchange.maySend = false
        opening.cancelAll(in: &exchange)
        exchange.beginClosing()
        closeUntil = now.advanced(by: patience)
        phase = .closing
    }

    /// Waits for the server's end on connections where that is how they close.
    private mutating func close(at now: Instant) {
        if exchange.table.closingCount == 0 || now >= closeUntil { phase = .ended }
    }

    /// Ends the run early: what is under way has a second more.
    mutating func interrupt(at now: Instant) {
        guard !result.wasInterrupted else { return }
        result.wasInterrupted = true
        switch phase {
        case .connecting: phase = .ended
        case .warmingUp, .measuring: beginDraining(at: now)
        case .draining, .closing, .ended:
            drainUntil = min(drainUntil, now.advanced(by: patience))
            closeUntil = min(closeUntil, now.advanced(by: patience))
        }
    }

    /// How long to wait for answers and for the server's end: at most a second when interrupted.
    private var patience: Duration {
        result.wasInterrupted ? min(state.plan.drain, .seconds(1)) : state.plan.drain
    }

    // The end.

    mutating func finish() {
        let now = driver.now
        endMeasuring(at: now)
        result.ended = now
        opening.cancelAll(in: &exchange)
        exchange.countNeverSent(at: now.nanoseconds)
        exchange.closeAll()
        if result.measuredFrom != nil { state.giveBack(requests: exchange.requestsLeft) }
        closeInterval(at: now)
        for index in 0..<exchange.table.loadedCount
        where !exchange.table.connections[index].isSlow {
            result.served.record(exchange.table.connections[index].answered)
        }
        result.tally = exchange.tally
    }
}

extension Published {
    fileprivate mutating func take(_ exchange: borrowing Exchange, cpu: Int64) {
        connectionsUp = exchange.table.upCount
        inFlight = exchange.table.openRequests
        answered = exchange.tally.totals.ledger.answered
        errors = exchange.tally.totals.errors
        self.cpu = cpu
    }
}

/// What a worker leaves behind.
struct WorkerResult: Sendable {
    var tally = Tally()
    var served = Served()
    var usage: Measurement.ThreadUsage?
    /// Nil when it never came to measure.
    var measuredFrom: Instant?
    var measuredUntil: Instant?
    /// What moved in the measured time, from its first look at the clock to its last.
    var window: (from: Instant, until: Instant, moved: Measurement.Window)?
    var ended = Instant.now
    /// The longest stop of more than a second, in seconds.
    var stopped = 0.0
    /// Whether it ended because none of its connections was left.
    var lostAllConnections = false
    /// Whether a signal ended it.
    var wasInterrupted = false
}
