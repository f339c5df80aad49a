import Drivers
import Statistics
import Syscalls

/// One thread of a run: a driver, a share of the connections, and the stages that it goes through.
///
///     connecting → warming up → measuring → draining → ended
///          └──────────┴─────────────┴───────────┴──→   interrupted, nothing left, or it failed
///
/// A turn looks at the clock once, moves on to the next stage if it is time, and then serves what
/// is ready. Overdue requests are swept and figures published ten times a second, so neither costs
/// a message anything.
struct Worker: ~Copyable {
    private enum Stage { case connecting, warmingUp, measuring, draining, ended }

    private let state: RunState
    private let desk: WorkerDesk
    private let driver: any Driver
    private var exchange: Exchange
    private var opening: Opening
    private var stage = Stage.connecting
    private var sweepDue: Instant
    private let sweepInterval: Int64
    /// When to give up what is still open.
    private var drainUntil = Instant.never
    private var result = WorkerResult()
    private var cpuAtStart: Int64 = 0
    private var hasEndedMeasuring = false

    init(state: RunState, index: Int, driver: any Driver) throws(Errno) {
        self.state = state
        self.driver = driver
        desk = state.desks[index]
        let workers = state.desks.count
        let plan = state.plan
        let numbers = share(of: plan.connections, for: index, among: workers)
        exchange = Exchange(state: state, driver: driver, numbers: numbers)
        let now = driver.now
        opening = Opening(
            plan: plan,
            worker: index,
            of: workers,
            count: numbers.count,
            from: now
        )
        let shortest = min(plan.timeout, plan.connectTimeout).wholeNanoseconds
        sweepInterval = max(1_000_000, min(100_000_000, shortest / 8))
        sweepDue = now.advanced(byNanoseconds: sweepInterval)
        try driver.setInterest(.readable, in: desk.wake.raw)
    }

    /// Runs on the calling thread until its part of the run is over.
    consuming func run() -> WorkerResult {
        var ready: [Readiness] = []
        while true {
            let deadline = step(at: driver.now)
            if stage == .ended { break }
            ready.removeAll(keepingCapacity: true)
            do throws(Errno) {
                try driver.wait(until: deadline, into: &ready)
            } catch {
                exchange.note(.socket, error.name, on: 0)
                state.connectHasFailed()
                break
            }
            for readiness in ready { serve(readiness) }
        }
        finish()
        return result
    }

    @inline(__always)
    private mutating func serve(_ readiness: Readiness) {
        guard let index = exchange.table.index(of: readiness.descriptor) else {
            if readiness.descriptor == desk.wake.raw { desk.wake.clear() }
            return
        }
        guard exchange.table.connections[index].state == .up else {
            return opening.finish(index, in: &exchange, state)
        }
        if readiness.ready.contains(.readable) { exchange.receive(on: index) }
        if readiness.ready.contains(.writable), exchange.table.connections[index].state == .up {
            exchange.send(on: index)
        }
    }

    // Stages.

    /// Does what the clock and the other threads ask for, and says until when to wait.
    private mutating func step(at now: Instant) -> Instant {
        if now >= sweepDue { sweep(at: now) }
        if state.interruption != nil { interrupt(at: now) }
        if stage == .connecting { connect(at: now) }
        if stage == .warmingUp { warmUp(at: now) }
        if stage == .measuring { measure(at: now) }
        if stage == .draining { drain(at: now) }
        return min(sweepDue, nextMark)
    }

    /// When the clock next changes something.
    private var nextMark: Instant {
        switch stage {
        case .connecting: min(opening.due, drainUntil)
        case .warmingUp: state.measureFrom ?? .never
        case .measuring: Instant(nanoseconds: exchange.sendUntil)
        case .draining: drainUntil
        case .ended: .past
        }
    }

    private mutating func sweep(at now: Instant) {
        if stage == .connecting { opening.failOverdue(at: now, in: &exchange, state) }
        exchange.retireOverdue(at: now)
        publish()
        sweepDue = now.advanced(byNanoseconds: sweepInterval)
    }

    private mutating func connect(at now: Instant) {
        if state.connectedAt != nil {
            stage = .warmingUp
            return
        }
        // What came up and was lost before the start is missing just the same.
        if exchange.table.upCount < exchange.tally.connects.ok { state.connectHasFailed() }
        if state.hasConnectFailed {
            opening.stop()
            if drainUntil == .never { drainUntil = now.advanced(by: state.plan.drain) }
            if opening.attemptsOpen == 0 || now >= drainUntil { stage = .ended }
            return
        }
        opening.openDue(at: now, in: &exchange, state)
        if state.connectedAt != nil { stage = .warmingUp }
    }

    /// Sends from the start, and opens the measured time when the warm-up is over.
    private mutating func warmUp(at now: Instant) {
        let isTime = now >= state.measureFrom ?? .never
        if isTime { beginMeasuring(at: now) }
        if !exchange.maySend { beginSending() }
        if exchange.table.upCount == 0 {
            result.lostAllConnections = true
            stage = .ended
        }
    }

    private mutating func beginSending() {
        exchange.maySend = true
        for index in 0..<exchange.table.count where exchange.table.connections[index].state == .up {
            exchange.send(on: index)
        }
    }

    private mutating func beginMeasuring(at now: Instant) {
        stage = .measuring
        exchange.tally.connects.lostEarly = exchange.tally.connects.ok - exchange.table.upCount
        state.measuringHasBegun()
        result.measuredFrom = now
        cpuAtStart = RunningThread.cpuNanoseconds
        exchange.tally.countsFrom = now.nanoseconds
        exchange.requestsLeft = state.takeRequests()
        exchange.sendUntil = (state.measureUntil ?? .never).nanoseconds
    }

    private mutating func measure(at now: Instant) {
        let isTime = now.nanoseconds >= exchange.sendUntil
        let isSpent = !exchange.maySend && exchange.table.openRequests == 0
        if isTime || isSpent {
            beginDraining(at: now)
        } else if exchange.table.upCount == 0 {
            result.lostAllConnections = true
            beginDraining(at: now)
        }
    }

    private mutating func beginDraining(at now: Instant) {
        exchange.maySend = false
        endMeasuring(at: now)
        drainUntil = now.advanced(by: state.plan.drain)
        stage = .draining
    }

    /// Closes the measured time of this worker, the first time that it is called.
    private mutating func endMeasuring(at now: Instant) {
        guard !hasEndedMeasuring else { return }
        hasEndedMeasuring = true
        state.measuringHasEnded(at: now)
        guard let from = result.measuredFrom else { return }
        result.measuredUntil = now
        let cpu = Double(RunningThread.cpuNanoseconds - cpuAtStart) / 1e9
        let elapsed = Double(from.nanoseconds(to: now)) / 1e9
        result.usage = Measurement.ThreadUsage(
            cpu: cpu,
            busy: elapsed > 0 ? min(1, cpu / elapsed) : 0
        )
    }

    private mutating func drain(at now: Instant) {
        if exchange.table.openRequests == 0 || now >= drainUntil { stage = .ended }
    }

    /// Somebody wants the run to end: there is nothing to drain before the first request.
    private mutating func interrupt(at now: Instant) {
        guard stage != .draining, stage != .ended else { return }
        result.wasInterrupted = true
        if stage == .connecting {
            stage = .ended
        } else {
            beginDraining(at: now)
        }
    }

    // The end.

    private mutating func finish() {
        let now = driver.now
        endMeasuring(at: now)
        result.ended = now
        opening.cancelAll(in: &exchange)
        exchange.closeAll()
        if result.measuredFrom != nil { state.giveBack(requests: exchange.requestsLeft) }
        desk.published.withLock { $0.take(exchange) }
        exchange.tally.closeInterval()
        result.tally = exchange.tally
    }

    /// Shows how far this worker is, unless somebody is just looking: then with the next sweep.
    private mutating func publish() {
        let hasPublished: Void? = desk.published.withLockIfAvailable { $0.take(exchange) }
        if hasPublished != nil { exchange.tally.closeInterval() }
    }
}

extension Published {
    fileprivate mutating func take(_ exchange: borrowing Exchange) {
        connectionsUp = exchange.table.upCount
        answered = exchange.tally.ledger.answered
        errors = exchange.tally.errors.rows
        interval.add(exchange.tally.interval)
    }
}

/// What a worker leaves behind.
struct WorkerResult: Sendable {
    var tally = Tally()
    var usage: Measurement.ThreadUsage?
    /// Nil when it never came to measure.
    var measuredFrom: Instant?
    var measuredUntil: Instant?
    var ended = Instant.now
    /// Whether it ended because none of its connections was left.
    var lostAllConnections = false
    /// Whether it ended because somebody asked for it.
    var wasInterrupted = false
}
