import Statistics
import Syscalls

/// What one worker counts. Nobody else touches it until the worker has ended.
///
/// Only requests that were sent in the measured time count: those of the warm-up, even when their
/// answer comes later, do not. Failures of connections count whenever they happen.
struct Tally: Sendable {
    var ledger = Ledger()
    var bytes = Measurement.Bytes()
    var latency = Histogram()
    /// What was answered since the worker last published; `latency` does not have it yet.
    var interval = Histogram()
    var connects = Measurement.Connects()
    var connectTimes = Histogram()
    var errors = ErrorLog()
    var corruptions: [Corruption] = []

    /// Requests that were sent from then on count: the start of the measured time, or never so far.
    var countsFrom = Int64.max

    /// How many corruptions are kept in full; the rest is counted.
    static let corruptionsKept = 10

    /// What became of a request that got no answer.
    enum Failure { case corrupt, timedOut, reset, closedEarly, unanswered }

    /// Counts a request's way out.
    @inline(__always)
    mutating func begin(_ count: Int, at time: Int64, size: Int) {
        guard time >= countsFrom else { return }
        ledger.scheduled += count
        bytes.out += count * size
    }

    /// Counts an answer that was complete at `time`.
    @inline(__always)
    mutating func answer(sent: Int64, at time: Int64, size: Int, verified: Int) {
        guard sent >= countsFrom else { return }
        interval.record(time - sent)
        ledger.answered += 1
        bytes.in += size
        bytes.verified += verified
    }

    /// Counts requests without an answer.
    mutating func fail(_ count: Int, as failure: Failure) {
        switch failure {
        case .corrupt: ledger.corrupt += count
        case .timedOut: ledger.timedOut += count
        case .reset: ledger.reset += count
        case .closedEarly: ledger.closedEarly += count
        case .unanswered: ledger.unanswered += count
        }
    }

    /// Moves what the interval holds to where it stays.
    mutating func closeInterval() {
        latency.add(interval)
        interval.clear()
    }

    /// Adds what another worker counted; both have closed their intervals.
    mutating func add(_ other: Tally) {
        ledger.add(other.ledger)
        bytes.add(other.bytes)
        latency.add(other.latency)
        connects.add(other.connects)
        connectTimes.add(other.connectTimes)
        errors.add(other.errors)
        corruptions.append(
            contentsOf: other.corruptions.prefix(Tally.corruptionsKept - corruptions.count)
        )
    }
}

/// Errors by kind, in the order in which the kinds first appeared.
struct ErrorLog: Sendable {
    private(set) var rows: [ErrorRow] = []

    var count: Int { rows.reduce(0) { $0 + $1.count } }

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

extension Ledger {
    fileprivate mutating func add(_ other: Ledger) {
        scheduled += other.scheduled
        answered += other.answered
        corrupt += other.corrupt
        timedOut += other.timedOut
        reset += other.reset
        closedEarly += other.closedEarly
        unanswered += other.unanswered
    }
}

extension Measurement.Bytes {
    fileprivate mutating func add(_ other: Measurement.Bytes) {
        out += other.out
        `in` += other.in
        verified += other.verified
        surplus += other.surplus
        shortReads += other.shortReads
        partialWrites += other.partialWrites
    }
}

extension Measurement.Connects {
    fileprivate mutating func add(_ other: Measurement.Connects) {
        tried += other.tried
        ok += other.ok
        failed += other.failed
        cancelled += other.cancelled
        lostEarly += other.lostEarly
    }
}
