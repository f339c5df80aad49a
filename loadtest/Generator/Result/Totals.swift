import Statistics

/// What workers count: each has its own, and the measurement has their sum.
///
/// A request has three instants: when it was planned, when its first byte was handed to the kernel,
/// and when the last byte of its echo was there. In a closed loop it is planned when it is sent.
///
/// Counts and bins add exactly; quantiles follow from the sum and are never averaged. The latencies
/// are read as if they stood here: `totals.response` is `totals.latencies.response`.
@dynamicMemberLookup
package struct Totals: Sendable {
    /// What became of every request that was scheduled in the measured time.
    package var ledger = Ledger()
    package var connects = Measurement.Connects()
    package var bytes = Measurement.Bytes()
    package var datagrams = Measurement.Datagrams()
    /// Reads that ended inside a reply: legal, but worth knowing.
    package var shortReads = 0
    /// Writes of which the kernel took only a part.
    package var partialWrites = 0
    /// How the planned times were met; nil in a closed loop.
    package var pacing: Measurement.Pacing?

    package var latencies = Latencies()
    /// Time from the start of each successful connect to the connection being up.
    package var connectTimes = Histogram()
    /// How long a turn of the generator's loops took: what was ready waited that long at most.
    package var lag = Histogram()

    /// One row for each phase and error number that was met, in order of first appearance.
    package var errors: [ErrorRow] = []
    /// The first ten connections whose echo was wrong.
    package var corruptions: [Corruption] = []
    /// What happened when, from the start of the run on, the warm-up included.
    package var timeline = Timeline()

    package init() {}

    package subscript(dynamicMember path: WritableKeyPath<Latencies, Latency>) -> Latency {
        get { latencies[keyPath: path] }
        // In place, as in Measurement.
        _modify { yield &latencies[keyPath: path] }
    }

    /// How many corruptions are kept in full; the rest is counted.
    static let corruptionsKept = 10

    /// The counters, as documents have them.
    package static let counts: [Field<Totals>] =
        Ledger.fields.within(\.ledger) + [
            .group("connects", Measurement.Connects.fields.within(\.connects)),
            .group("bytes", Measurement.Bytes.fields.within(\.bytes)),
            .group("datagrams", Measurement.Datagrams.fields.within(\.datagrams)),
            .count("short_reads", \.shortReads), .count("partial_writes", \.partialWrites),
        ]

    /// Adds what another one counted, which began `offset` nanoseconds after this one.
    package mutating func add(_ other: Totals, offset: Int64 = 0) {
        for field in Totals.counts { field.add(&self, other) }
        pacing.add(other.pacing)
        latencies.add(other.latencies)
        connectTimes.add(other.connectTimes)
        lag.add(other.lag)
        errors.add(other.errors, offset: Double(offset) / 1e9)
        corruptions = Array((corruptions + other.corruptions).prefix(Totals.corruptionsKept))
        timeline.add(other.timeline, offset: offset)
    }
}

extension Measurement {
    /// Adds what another part of the run saw, which began `offset` nanoseconds after this one.
    package mutating func add(_ other: Measurement, offset: Int64 = 0) {
        totals.add(other.totals, offset: offset)
        window.add(other.window)
        phases.add(other.phases)
        served.add(other.served)
        threads += other.threads
        kernel.add(other.kernel)
        let cpu = (server?.cpu ?? 0) + (other.server?.cpu ?? 0)
        server.add(other.server)
        server?.cpu = cpu
        if ending == .completed { ending = other.ending }
    }
}

extension Optional where Wrapped: Record {
    /// Takes what both have together, or what one of them has.
    fileprivate mutating func add(_ other: Wrapped?) {
        guard let other else { return }
        if self == nil { self = other } else { self?.add(other) }
    }
}

/// Leaves the larger of two in the place of the first.
@Sendable func takeLarger<Value: Comparable>(_ value: inout Value, _ other: Value) {
    value = max(value, other)
}

/// Errors by kind, in the order in which the kinds first appeared.
extension [ErrorRow] {
    /// Errors of all kinds.
    package var occurrences: Int { reduce(0) { $0 + $1.count } }

    /// The same by what happened.
    package var kinds: ErrorKinds {
        reduce(into: ErrorKinds()) { $0[$1.kind] += $1.count }
    }

    /// Counts an error.
    mutating func note(_ phase: ErrorRow.Phase, _ name: String, connection: Int, seconds: Double) {
        add(
            ErrorRow(
                phase: phase, errno: name, count: 1, firstSeen: seconds,
                exampleConnection: connection))
    }

    /// Adds the rows of another part, which began `offset` seconds after this one.
    mutating func add(_ others: [ErrorRow], offset: Double = 0) {
        for var row in others {
            row.firstSeen += offset
            add(row)
        }
        sort { $0.firstSeen < $1.firstSeen }
    }

    private mutating func add(_ row: ErrorRow) {
        let known = firstIndex { $0.phase == row.phase && $0.errno == row.errno }
        guard let known else { return append(row) }
        self[known].count += row.count
        guard row.firstSeen < self[known].firstSeen else { return }
        self[known].firstSeen = row.firstSeen
        self[known].exampleConnection = row.exampleConnection
    }
}

extension ErrorRow {
    /// What happened, without the call that met it.
    package var kind: ErrorKinds.Kind {
        switch errno {
        case "lost": .lost
        case "mismatch", "surplus", "early": .wrong
        case "timeout", "incomplete", "ETIMEDOUT": phase == .connect ? .unconnected : .timedOut
        case "ECONNRESET", "EPIPE", "eof", "no_eof": phase == .connect ? .unconnected : .broken
        default: phase == .connect || phase == .socket ? .unconnected : .other
        }
    }
}
