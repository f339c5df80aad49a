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
    var totals = Totals()
    /// What ended since the interval was closed last; the totals do not have it yet.
    var interval = Latencies()
    private var errorsInTimeline = 0
    private var kindsInTimeline = ErrorKinds()
    /// What moved since the start of the run, the warm-up included.
    private(set) var moved = Measurement.Window()
    /// When the last interval ended in which something was answered, in nanoseconds from the start
    /// of the run; nil before the first answer.
    private(set) var lastAnswer: Int64?
    private var answeredBefore = 0

    /// Requests that were planned from then on count: the start of the measured time, or never so
    /// far.
    var countsFrom = Int64.max
    /// Whether requests are planned before they are sent, so that there are three clocks.
    let isPlanned: Bool

    init(isPlanned: Bool = false) {
        self.isPlanned = isPlanned
        totals.pacing = isPlanned ? Measurement.Pacing() : nil
    }

    /// What became of a request that got no answer.
    enum Failure { case corrupt, timedOut, reset, closedEarly, unanswered, lost }

    /// Counts a request's way out.
    @inline(__always)
    mutating func begin(planned: Int64, at time: Int64, size: Int, isSlow: Bool) {
        moved.bytesOut += size
        guard planned >= countsFrom else { return }
        totals.ledger.scheduled += 1
        totals.bytes.out += size
        if isPlanned, !isSlow { interval.sendDelay.answered.record(time - planned) }
    }

    /// Counts how a planned time was met when its request was dealt to a connection.
    mutating func pace(lateness: Int64, becauseBusy isBusy: Bool) {
        guard let tolerance = totals.pacing?.tolerance else { return }
        if lateness <= tolerance {
            totals.pacing?.onTime += 1
        } else if isBusy {
            totals.pacing?.busy += 1
        } else {
            totals.pacing?.late += 1
        }
    }

    /// Counts an answer that was complete at `time`.
    @inline(__always)
    mutating func answer(
        _ request: Connection.Request, at time: Int64, size: Int, isVerified: Bool, isSlow: Bool
    ) -> Bool {
        moved.answered += 1
        moved.bytesIn += size
        guard request.planned >= countsFrom else {
            if !isSlow { interval.warmup.answered.record(time - request.planned) }
            return false
        }
        if isSlow {
            interval.slowReaders.answered.record(time - request.planned)
        } else {
            interval.service.answered.record(time - request.sent)
            if isPlanned { interval.response.answered.record(time - request.planned) }
        }
        totals.ledger.answered += 1
        totals.bytes.in += size
        if isVerified { totals.bytes.verified += size }
        return true
    }

    /// Counts an open request that will not be answered; its age is what is known of it.
    mutating func fail(
        _ request: Connection.Request, at time: Int64, as failure: Failure, isSlow: Bool
    ) {
        guard request.planned >= countsFrom else {
            if !isSlow { interval.warmup.censored.record(time - request.planned) }
            return
        }
        switch failure {
        case .corrupt: totals.ledger.corrupt += 1
        case .timedOut: totals.ledger.timedOut += 1
        case .reset: totals.ledger.reset += 1
        case .closedEarly: totals.ledger.closedEarly += 1
        case .unanswered: totals.ledger.unanswered += 1
        case .lost: totals.ledger.lost += 1
        }
        if isSlow { return interval.slowReaders.censored.record(time - request.planned) }
        interval.service.censored.record(time - request.sent)
        if isPlanned { interval.response.censored.record(time - request.planned) }
    }

    /// Counts requests that were planned, about then, and never sent.
    mutating func neverSent(planned: Int64, at time: Int64, count: Int = 1, isSlow: Bool = false) {
        guard planned >= countsFrom else { return }
        totals.ledger.scheduled += count
        totals.ledger.neverSent += count
        let age = time - planned
        if isSlow { return interval.slowReaders.censored.record(age, times: count) }
        interval.response.censored.record(age, times: count)
        interval.sendDelay.censored.record(age, times: count)
    }

    /// Moves what the interval holds to the totals and to what is shown of it; it lasted from
    /// `time` to `end`, in nanoseconds from the start of the run, and took `cpu` nanoseconds of the
    /// thread.
    mutating func closeInterval(
        from time: Int64, to end: Int64, cpu: Int64, adding shown: inout Latencies
    ) {
        if moved.answered > answeredBefore { lastAnswer = end }
        answeredBefore = moved.answered
        // Requests that are planned when they are sent have the service as their response.
        if !isPlanned { interval.response.add(interval.service) }
        totals.latencies.add(interval)
        shown.add(interval)
        let (errors, kinds) = (totals.errors.occurrences - errorsInTimeline, totals.errors.kinds)
        totals.timeline.add(
            interval.response.answered, errors: errors, kinds: kinds.since(kindsInTimeline),
            cpu: cpu, at: time)
        totals.timeline.add(interval.warmup.answered, errors: 0, cpu: 0, at: time)
        errorsInTimeline += errors
        kindsInTimeline = kinds
        interval.clear()
    }
}
