import Drivers
import Statistics
import Syscalls

/// Connections to one server that stay open, and are loaded for a slice of time now and then.
///
///     open │ silence │ slice: the first request … the last answer │ silence │ slice … │ close
///
/// It works on the calling thread, and only while a slice lasts: ten of these, each with a server
/// of its own, disturb each other by nothing but what the servers do in silence. A slice ends when
/// its last answer is in, so that nothing of it is left for the next one.
package final class HeldLoad {
    private let state: RunState
    private let driver: any Driver
    private var exchange: Exchange
    private var ready: [Readiness] = []
    private let look: () -> CInt?
    private var lookDue = Instant(nanoseconds: 0)

    /// Between two looks while it waits.
    private static let lookPause = Duration.milliseconds(20)

    /// What one slice saw.
    package struct Slice: Sendable {
        package var answered = 0
        /// Datagrams that were not answered; of streams none is lost.
        package var lost = 0
        /// From the first request to the last answer, in seconds.
        package var seconds = 0.0
        /// CPU time of this thread, in seconds.
        package var cpu = 0.0
        /// From planned to answered; empty in a closed loop.
        package var response = Latency()
        /// The share of the requests that were sent later than they were planned, because this
        /// thread was late.
        package var late = 0.0

        package init() {}

        /// Goes on with another slice.
        package mutating func add(_ other: Slice) {
            answered += other.answered
            lost += other.lost
            seconds += other.seconds
            cpu += other.cpu
            response.add(other.response)
            late = max(late, other.late)
        }

        /// Answers per second.
        package var rate: Double { seconds > 0 ? Double(answered) / seconds : 0 }
    }

    /// Why there are no connections any more, or no figures of them.
    package enum Failure: Error, Equatable {
        /// The server sent other bytes than it was sent.
        case wrongBytes(String)
        case failed(String)
        /// A look found this signal, which ends it.
        case interrupted(CInt)
    }

    /// Opens as many connections as the plan has and waits until all are up and the server has
    /// taken the last of them, which its answer shows.
    ///
    /// `look` is called every 20 ms while this works, for what must not wait until a slice is over;
    /// a signal that it gives ends the slice.
    package init(
        opening plan: LoadPlan, looking look: @escaping () -> CInt? = { nil }
    ) throws(Failure) {
        self.look = look
        do throws(Errno) {
            driver = try plan.driver.makeDriver()
            state = try RunState(plan: plan, workers: 1)
            exchange = try Exchange(
                state: state, driver: driver, numbers: 0..<plan.connections, silent: 0..<0)
        } catch {
            throw .failed("the generator could not start: \(error)")
        }
        RunningThread.wakeOnTime()
        try open(until: driver.now.advanced(by: plan.connectTimeout))
        try ask(plan.connections - 1..<plan.connections)
    }

    deinit { exchange.closeAll() }

    private func open(until deadline: Instant) throws(Failure) {
        var opening = Opening(
            state: state, worker: 0, count: exchange.table.count, from: driver.now)
        while state.connectedAt == nil {
            let now = driver.now
            opening.openDue(at: now, in: &exchange)
            if state.connectedAt != nil { return }
            if now >= deadline { state.failConnecting() }
            if state.hasConnectFailed {
                opening.cancelAll(in: &exchange)
                throw .failed("not all connections came up\(firstError)")
            }
            try wait(at: now, until: min(opening.due, deadline))
            for readiness in ready {
                guard let index = exchange.table.index(of: readiness.descriptor) else { continue }
                if exchange.table.connections[index].state == .connecting {
                    opening.finish(index, in: &exchange)
                } else {
                    exchange.serve(readiness)
                }
            }
        }
    }

    // Slices.

    /// Every connection asks again as soon as it has its answer.
    package func runBusy(for duration: Duration) throws(Failure) -> Slice {
        let now = driver.now
        exchange.begin(
            nil, on: exchange.table.count, from: now.nanoseconds,
            until: now.advanced(by: duration).nanoseconds)
        return try run(from: now) { exchange in exchange.sendFirst(0..<exchange.table.count) }
    }

    /// The first `count` connections are asked `rate` times a second in all, at random times.
    package func runPlanned(
        rate: Double, on count: Int, for duration: Duration, seed: UInt64
    ) throws(Failure) -> Slice {
        let now = driver.now
        let schedule = ArrivalSchedule(
            rate: rate, isPoisson: true, start: now.nanoseconds,
            random: SplitMix(seed: ~seed, stream: 0))
        exchange.begin(
            schedule, on: min(count, exchange.table.count), from: now.nanoseconds,
            until: now.advanced(by: duration).nanoseconds)
        exchange.tally.totals.pacing?.tolerance = max(100_000, Int64(1e8 / rate))
        return try run(from: now) { _ in }
    }

    /// Each connection asks once.
    package func runOnce() throws(Failure) -> Slice { try ask(0..<exchange.table.count) }

    @discardableResult
    private func ask(_ connections: Range<Int>) throws(Failure) -> Slice {
        let now = driver.now
        exchange.begin(nil, on: exchange.table.count, from: now.nanoseconds, until: .max)
        return try run(from: now) { exchange in
            exchange.sendFirst(connections)
            exchange.sendUntil = now.nanoseconds
        }
    }

    private func run(
        from began: Instant, _ send: (inout Exchange) -> Void
    ) throws(Failure) -> Slice {
        let cpu = RunningThread.cpuNanoseconds
        send(&exchange)
        let patience = state.plan.timeout
        let end = exchange.sendUntil
        let deadline = max(began, Instant(nanoseconds: end)).advanced(by: patience)
        var lost: Instant?
        var lastReady = began
        while exchange.isWhole, exchange.table.openRequests > 0 || !exchange.hasDealtAll {
            let now = driver.now
            if now >= deadline {
                guard exchange.isDatagram else {
                    throw .failed("an answer did not come within \(patience)")
                }
                exchange.endDatagrams()
                lost = lastReady
                break
            }
            try wait(at: now, until: min(deadline, exchange.dealDue(at: now)))
            if exchange.isDatagram, !ready.isEmpty { lastReady = driver.now }
            for (place, readiness) in ready.enumerated() {
                if place & 15 == 15, exchange.isOpenLoop {
                    _ = exchange.dispatch(at: driver.now.nanoseconds)
                }
                exchange.serve(readiness)
            }
        }
        // The time in which a lost datagram was waited for is none of the slice's.
        let ended = lost ?? driver.now
        exchange.maySend = false
        try check()
        return slice(of: began.nanoseconds(to: ended), cpu: RunningThread.cpuNanoseconds - cpu)
    }

    /// What was seen in so many nanoseconds.
    private func slice(of nanoseconds: Int64, cpu: Int64) -> Slice {
        var slice = Slice()
        slice.seconds = Double(nanoseconds) / 1e9
        slice.cpu = Double(cpu) / 1e9
        slice.answered = exchange.tally.moved.answered
        slice.lost = exchange.tally.totals.ledger.lost
        slice.response = exchange.tally.interval.response
        if let pacing = exchange.tally.totals.pacing, pacing.sent > 0 {
            slice.late = Double(pacing.late) / Double(pacing.sent)
        }
        return slice
    }

    private func wait(at now: Instant, until deadline: Instant) throws(Failure) {
        if now >= lookDue {
            if let signal = look() { throw .interrupted(signal) }
            lookDue = now.advanced(by: HeldLoad.lookPause)
        }
        ready.removeAll(keepingCapacity: true)
        do throws(Errno) {
            try driver.wait(until: min(deadline, lookDue), into: &ready)
        } catch {
            throw .failed("the generator could not go on: \(error)")
        }
    }

    private func check() throws(Failure) {
        let totals = exchange.tally.totals
        if let corruption = totals.corruptions.first {
            throw .wrongBytes(corruption.diagnosis)
        }
        let lost = exchange.table.count - exchange.table.upCount
        if lost > 0 { throw .failed("it lost \(lost) connections\(firstError)") }
    }

    private var firstError: String {
        exchange.tally.totals.errors.first.map { ": \($0.phase.rawValue) \($0.errno)" } ?? ""
    }
}

extension Exchange {
    /// Whether no connection was lost.
    fileprivate var isWhole: Bool { table.upCount == table.count }

    fileprivate mutating func sendFirst(_ connections: Range<Int>) {
        for index in connections where table.connections[index].state == .up { send(on: index) }
    }

    /// Sends what is planned for now, and says until when to wait for what comes next: shortly
    /// before, as the kernel wakes a thread late.
    fileprivate mutating func dealDue(at now: Instant) -> Instant {
        guard isOpenLoop else { return .never }
        _ = dispatch(at: now.nanoseconds)
        guard let planned = nextPlanned else { return .never }
        let early = Instant(nanoseconds: planned).advanced(byNanoseconds: -50_000)
        return early > now ? early : .past
    }

    @inline(__always)
    fileprivate mutating func serve(_ readiness: Readiness) {
        guard let index = table.index(of: readiness.descriptor),
            table.connections[index].state == .up
        else { return }
        if readiness.ready.contains(.readable) { receive(on: index) }
        if readiness.ready.contains(.writable), table.connections[index].state == .up {
            send(on: index)
        }
    }
}
