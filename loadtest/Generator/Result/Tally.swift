import Statistics
import Syscalls

/// What one worker counts. Nobody else touches it until the worker has ended.
///
///     a request   planned ── send delay ──→ sent ──── service ────→ answered
///                 planned ──────────────── response ─────────────→ answered
///
/// A request counts where it was planned: one of the warm-up stays with the warm-up when its answer
/// comes later, and one of the measured time counts although it is answered while draining. Errors
/// and connections count whenever they happen.
struct Tally: Sendable {
    var ledger = Ledger()
    var bytes = Measurement.Bytes()
    var pacing = Measurement.Pacing()
    var connects = Measurement.Connects()
    var connectTimes = Histogram()
    var errors = ErrorLog()
    var corruptions: [Corruption] = []
    var lag = Histogram()

    /// What was answered since the interval was closed last; the totals do not have it yet.
    var interval = Interval()
    private(set) var response = Latency()
    private(set) var service = Latency()
    private(set) var sendDelay = Latency()
    private(set) var warmup = Latency()
    private(set) var slowReaders = Latency()
    private(set) var timeline = Timeline()
    private var errorsInTimeline = 0

    /// Requests that were planned from then on count: the start of the measured time, or never so
    /// far.
    var countsFrom = Int64.max
    /// Whether requests are planned before they are sent, so that there are three clocks.
    let isPlanned: Bool

    /// How many corruptions are kept in full; the rest is counted.
    static let corruptionsKept = 10

    init(isPlanned: Bool = false) { self.isPlanned = isPlanned }

    /// The histograms that are filled while an interval lasts.
    struct Interval: Sendable {
        var response = Histogram()
        var service = Histogram()
        var sendDelay = Histogram()
        var warmup = Histogram()
    }

    /// What became of a request that got no answer.
    enum Failure { case corrupt, timedOut, reset, closedEarly, unanswered }

    /// Counts a request's way out.
    @inline(__always)
    mutating func begin(planned: Int64, at time: Int64, size: Int, isSlow: Bool) {
        guard planned >= countsFrom else { return }
        ledger.scheduled += 1
        bytes.out += size
        if isPlanned, !isSlow { interval.sendDelay.record(time - planned) }
    }

    /// Counts how a planned time was met when its request was dealt to a connection.
    mutating func pace(lateness: Int64, becauseBusy isBusy: Bool) {
        if lateness <= pacing.tolerance {
            pacing.onTime += 1
        } else if isBusy {
            pacing.busy += 1
        } else {
            pacing.late += 1
        }
    }

    /// Counts an answer that was complete at `time`.
    @inline(__always)
    mutating func answer(
        _ request: Connection.Request, at time: Int64, size: Int, isVerified: Bool, isSlow: Bool
    ) -> Bool {
        guard request.planned >= countsFrom else {
            if !isSlow { interval.warmup.record(time - request.planned) }
            return false
        }
        if isSlow {
            slowReaders.answered.record(time - request.planned)
        } else {
            interval.service.record(time - request.sent)
            if isPlanned { interval.response.record(time - request.planned) }
        }
        ledger.answered += 1
        bytes.in += size
        if isVerified { bytes.verified += size }
        return true
    }

    /// Counts an open request that will not be answered; its age is what is known of it.
    mutating func fail(
        _ request: Connection.Request, at time: Int64, as failure: Failure, isSlow: Bool
    ) {
        guard request.planned >= countsFrom else {
            if !isSlow { warmup.censored.record(time - request.planned) }
            return
        }
        switch failure {
        case .corrupt: ledger.corrupt += 1
        case .timedOut: ledger.timedOut += 1
        case .reset: ledger.reset += 1
        case .closedEarly: ledger.closedEarly += 1
        case .unanswered: ledger.unanswered += 1
        }
        if isSlow { return slowReaders.censored.record(time - request.planned) }
        service.censored.record(time - request.sent)
        if isPlanned { response.censored.record(time - request.planned) }
    }

    /// Counts requests that were planned, about then, and never sent.
    mutating func neverSent(planned: Int64, at time: Int64, count: Int = 1, isSlow: Bool = false) {
        guard planned >= countsFrom else { return }
        ledger.scheduled += count
        ledger.neverSent += count
        if isSlow { return slowReaders.censored.record(time - planned, times: count) }
        response.censored.record(time - planned, times: count)
        sendDelay.censored.record(time - planned, times: count)
    }

    /// Moves what the interval holds to where it stays; it began at `time`, in nanoseconds from
    /// the start of the run, and took `cpu` nanoseconds of the thread.
    mutating func closeInterval(from time: Int64, cpu: Int64) {
        service.answered.add(interval.service)
        response.answered.add(interval.response)
        sendDelay.answered.add(interval.sendDelay)
        warmup.answered.add(interval.warmup)
        let errorCount = errors.count
        let latencies = isPlanned ? interval.response : interval.service
        timeline.add(latencies, errors: errorCount - errorsInTimeline, cpu: cpu, at: time)
        timeline.add(interval.warmup, errors: 0, cpu: 0, at: time)
        errorsInTimeline = errorCount
        interval.clear()
    }

    /// Adds what another worker counted; both have closed their intervals.
    mutating func add(_ other: Tally) {
        ledger.add(other.ledger)
        bytes.add(other.bytes)
        pacing.add(other.pacing)
        response.add(other.response)
        service.add(other.service)
        sendDelay.add(other.sendDelay)
        warmup.add(other.warmup)
        slowReaders.add(other.slowReaders)
        timeline.add(other.timeline)
        lag.add(other.lag)
        connects.add(other.connects)
        connectTimes.add(other.connectTimes)
        errors.add(other.errors)
        corruptions.append(
            contentsOf: other.corruptions.prefix(Tally.corruptionsKept - corruptions.count))
    }
}

extension Tally.Interval {
    mutating func clear() {
        response.clear()
        service.clear()
        sendDelay.clear()
        warmup.clear()
    }
}

/// Errors by kind, in the order in which the kinds first appeared.
struct ErrorLog: Sendable {
    private(set) var rows: [ErrorRow] = []

    var count: Int { rows.reduce(0) { $0 + $1.count } }

    init() {}

    /// Puts the rows of two logs together, of which the second began `offset` seconds later.
    init(_ some: [ErrorRow], _ others: [ErrorRow], offset: Double = 0) {
        for row in some { add(row) }
        for var row in others {
            row.firstSeen += offset
            add(row)
        }
        rows.sort { $0.firstSeen < $1.firstSeen }
    }

    mutating func note(
        _ phase: ErrorRow.Phase,
        _ name: String,
        connection: Int,
        seconds: Double
    ) {
        add(
            ErrorRow(
                phase: phase,
                errno: name,
                count: 1,
                firstSeen: seconds,
                exampleConnection: connection
            )
        )
    }

    mutating func add(_ other: ErrorLog) {
        for row in other.rows { add(row) }
        rows.sort { $0.firstSeen < $1.firstSeen }
    }

    private mutating func add(_ row: ErrorRow) {
        guard
            let index = rows.firstIndex(where: { $0.phase == row.phase && $0.errno == row.errno })
        else {
            rows.append(row)
            return
        }
        rows[index].count += row.count
        guard row.firstSeen < rows[index].firstSeen else { return }
        rows[index].firstSeen = row.firstSeen
        rows[index].exampleConnection = row.exampleConnection
    }
}
