import Drivers
import Statistics
import Syscalls

/// One thread of a run: a driver, a share of the connections, and the phases that it goes through.
///
///     connecting → warming up → measuring → draining → closing → ended
///          └──────────┴─────────────┴───────────┴──→   interrupted, nothing left, or it failed
///
/// A turn looks at the clock once, moves on to the next phase if it is time, sends what is planned
/// for now, waits, and then serves what is ready. Overdue requests are given up and figures
/// published ten times a second, so neither costs a message anything. Here is the loop; the phases
/// are in `Worker+Phases.swift`.
struct Worker: ~Copyable {
    enum Phase { case connecting, warmingUp, measuring, draining, closing, ended }

    let state: RunState
    let driver: any Driver
    let desk: WorkerDesk
    let index: Int
    /// The share of the whole load that this worker makes, 0 to 1.
    let share: Double
    var exchange: Exchange
    var opening: Opening
    var phase = Phase.connecting
    var interval: IntervalClock
    var warming: Warming
    /// When to give up what is still open, and what the server has not closed.
    var drainUntil = Instant.never
    var closeUntil = Instant.never
    var result = WorkerResult()
    /// What the thread had used, and what had moved, when measuring began.
    var usageAtStart = IntervalClock.Usage()
    var windowFrom = Instant.never
    var movedAtStart = Measurement.Window()
    var hasEndedMeasuring = false

    /// A worker with its share of the connections, none of them open yet.
    static func make(
        state: RunState, index: Int, driver: any Driver
    ) throws(Errno) -> Worker {
        let (plan, workers) = (state.plan, state.desks.count)
        let active = Statistics.share(of: plan.connections, for: index, among: workers)
        let idle = Statistics.share(of: plan.idle, for: index, among: workers)
        try driver.setInterest(.readable, in: state.desks[index].wake.raw)
        let exchange = try Exchange(
            state: state, driver: driver,
            numbers: Worker.numbers(active, from: plan.firstConnection),
            silent: Worker.numbers(idle, from: plan.firstConnection + plan.connections))
        return Worker(state: state, index: index, driver: driver, exchange: exchange)
    }

    private init(
        state: RunState, index: Int, driver: any Driver, exchange: consuming Exchange
    ) {
        self.state = state
        self.driver = driver
        self.index = index
        desk = state.desks[index]
        let plan = state.plan
        share = Double(exchange.table.loadedCount) / Double(plan.connections)
        if plan.rate == nil, plan.ramp > .zero { exchange.activeCount = 0 }
        let now = driver.now
        opening = Opening(state: state, worker: index, count: exchange.table.count, from: now)
        let shortest = min(plan.timeout, plan.connectTimeout, plan.lifetime ?? plan.timeout)
            .wholeNanoseconds
        interval = IntervalClock(
            interval: max(1_000_000, min(100_000_000, shortest / 8)),
            origin: state.origin.nanoseconds,
            now: now.nanoseconds
        )
        warming = Warming(plan)
        self.exchange = exchange
    }

    private static func numbers(_ range: Range<Int>, from first: Int) -> Range<Int> {
        first + range.lowerBound..<first + range.upperBound
    }

    /// Runs on the calling thread until its part of the run is over.
    consuming func run() -> WorkerResult {
        RunningThread.wakeOnTime()
        var ready: [Readiness] = []
        var now = driver.now
        while true {
            let (deadline, isIdle) = step(at: now)
            if phase == .ended { break }
            ready.removeAll(keepingCapacity: true)
            do throws(Errno) {
                try driver.wait(until: deadline, into: &ready)
            } catch {
                exchange.note(.socket, error.name, on: 0)
                state.failConnecting()
                state.failRun()
                break
            }
            let woken = driver.now
            noticeStop(from: now, to: woken)
            if ready.isEmpty {
                if isIdle, deadline == .past { interval.spun += now.nanoseconds(to: woken) }
                now = woken
                continue
            }
            for (count, readiness) in ready.enumerated() {
                if count & 15 == 15 { keepPace() }
                serve(readiness)
            }
            now = driver.now
            noticeStop(from: woken, to: now)
            exchange.tally.totals.lag.record(woken.nanoseconds(to: now))
        }
        finish()
        return result
    }

    /// Sends what has come due while a long batch is being served: a thousand answers that arrive
    /// together take milliseconds, and planned times do not wait for them.
    private mutating func keepPace() {
        // Before measuring, a request that counts could be taken for one that does not; and where
        // requests open connections, the rest of the batch could be about an old socket's number.
        guard exchange.schedule != nil, phase != .warmingUp, !state.plan.connectsPerRequest
        else { return }
        _ = exchange.dispatch(at: driver.now.nanoseconds)
    }

    /// A wait ends with the interval at the latest, and what is ready is served in far less than a
    /// second: when a turn took longer, this thread did not run.
    ///
    /// While connections are opened nothing is measured that a stop could spoil.
    @inline(__always)
    private mutating func noticeStop(from before: Instant, to after: Instant) {
        let gap = before.nanoseconds(to: after)
        if gap > 1_000_000_000, phase != .connecting { noteStop(of: gap) }
    }

    private mutating func noteStop(of gap: Int64) {
        guard let stop = IntervalClock.stop(within: gap, working: interval.cpuUsed) else { return }
        result.stopped = max(result.stopped, stop)
    }

    @inline(__always)
    private mutating func serve(_ readiness: Readiness) {
        guard let index = exchange.table.index(of: readiness.descriptor) else {
            if readiness.descriptor == desk.wake.raw { desk.wake.clear() }
            return
        }
        guard exchange.table.connections[index].state == .up else {
            if exchange.table.connections[index].state == .closing {
                exchange.readStray(on: index)
            } else {
                opening.finish(index, in: &exchange)
            }
            return
        }
        if readiness.ready.contains(.readable) { exchange.receive(on: index) }
        if readiness.ready.contains(.writable), exchange.table.connections[index].state == .up {
            exchange.send(on: index)
        }
    }

    /// Does what the clock, the schedule and the other threads ask for; says until when to wait,
    /// and whether nothing was sent.
    private mutating func step(at now: Instant) -> (deadline: Instant, isIdle: Bool) {
        if now.nanoseconds >= interval.due { closeInterval(at: now) }
        if state.interruption != nil { interrupt(at: now) }
        advance(at: now)
        exchange.resumeReading(at: now.nanoseconds)
        opening.reopenDue(at: now.nanoseconds, in: &exchange)
        guard exchange.schedule != nil, phase != .ended else { return (nextDue, true) }
        let dealt = exchange.dispatch(at: now.nanoseconds)
        // Where each request opens its connection, these have just got theirs.
        opening.reopenDue(at: now.nanoseconds, in: &exchange)
        return (min(nextDue, nextSend(after: now)), dealt == 0)
    }

    /// When there is something to do that no socket tells.
    private var nextDue: Instant {
        let life = min(exchange.slices.next, opening.reopeningDue(in: exchange))
        return min(Instant(nanoseconds: min(interval.due, life)), nextMark)
    }

    /// Until when to wait for the next planned time.
    ///
    /// The kernel wakes a thread some 20 us late, and now and then 50 us: what is left is spent
    /// looking at the clock and the sockets.
    private func nextSend(after now: Instant) -> Instant {
        guard let planned = exchange.nextPlanned else { return .never }
        switch state.plan.pace {
        case .sleep: return Instant(nanoseconds: planned)
        case .hybrid:
            let early = Instant(nanoseconds: planned).advanced(byNanoseconds: -50_000)
            return early > now ? early : .past
        case .spin: return .past
        }
    }
}
