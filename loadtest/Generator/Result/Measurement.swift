import Statistics
import Syscalls

/// What a run saw: everything that a report is made of, as plain values.
///
/// What the workers counted is read as if it stood here: `run.ledger` is `run.totals.ledger`.
@dynamicMemberLookup
package struct Measurement: Sendable {
    /// What the workers counted, all of them together.
    package var totals = Totals()
    package var phases = Phases()
    /// What moved inside the measured time; nil when nothing was measured.
    package var window: Window?
    /// Answers by connection, without those that are silent or read slowly on purpose.
    package var served = Served()
    /// One for each thread of the generator, over the measured time.
    package var threads: [ThreadUsage] = []
    /// What the kernel counted on this machine, from the start of the run to its end.
    package var kernel: KernelCounts?
    /// The server's part, when the plan names its process.
    package var server: ServerUsage?
    /// Why the run ended before its time, if it did.
    package var ending = Ending.completed

    package init() {}

    package subscript<Value>(dynamicMember path: WritableKeyPath<Totals, Value>) -> Value {
        get { totals[keyPath: path] }
        // In place: a histogram has 40 kB, which are not to be copied to add one.
        _modify { yield &totals[keyPath: path] }
    }

    package enum Ending: Sendable, Equatable {
        case completed
        /// A signal asked for the end; what was measured until then is here.
        case interrupted(signal: Int32)
        /// No connection was left to measure with.
        case allConnectionsLost
        /// Fewer connections came up than were asked for, so nothing was measured.
        case connectFailed
        /// A thread of the generator could not go on; its error is among the errors.
        case generatorFailed
    }

    package struct Connects: Record, Equatable {
        package var tried = 0
        package var ok = 0
        package var failed = 0
        /// Attempts that were given up because the run had ended before they had.
        package var cancelled = 0
        /// Of those that came up, the ones that were gone before the measured time began.
        package var lostEarly = 0
        /// Of those that came up, the ones that took the place of an earlier one.
        package var reopened = 0
        /// Attempts that were connected to themselves: nothing listened, and the kernel chose the
        /// target's port for the client's side.
        package var selfConnects = 0
        /// Of those that failed, the ones that found no free port on their local address.
        package var portShortages = 0
        package init() {}

        package static let fields: [Field<Self>] = [
            .count("tried", \.tried), .count("ok", \.ok), .count("failed", \.failed),
            .count("cancelled", \.cancelled), .count("lost_early", \.lostEarly),
            .count("reopened", \.reopened), .count("self", \.selfConnects),
            .count("port_shortages", \.portShortages),
        ]

        package var isBalanced: Bool { tried == ok + failed + cancelled }
    }

    /// Bytes of the measured requests.
    package struct Bytes: Record, Equatable {
        package var out = 0
        package var `in` = 0
        package var verified = 0
        /// Received beyond what was asked for: the server answers more than it was sent.
        package var surplus = 0
        package init() {}

        package static let fields: [Field<Self>] = [
            .count("out", \.out), .count("in", \.in), .count("verified", \.verified),
            .count("surplus", \.surplus),
        ]
    }

    /// Answers that were datagrams and did not come as they should, in the measured time. What was
    /// lost stands in the ledger.
    package struct Datagrams: Record, Equatable {
        /// Answers to requests that had been answered.
        package var duplicated = 0
        /// Of the answers in the ledger, those that came behind one to a later request of the same
        /// connection (RFC 4737, 3).
        package var reordered = 0
        /// Of the lost requests in the ledger, those that were answered after they had been given
        /// up.
        package var late = 0
        package init() {}

        package static let fields: [Field<Self>] = [
            .count("duplicated", \.duplicated), .count("reordered", \.reordered),
            .count("late", \.late),
        ]
    }

    /// What moved inside the measured time, whenever it was planned: what the server did in it. The
    /// CPU times are of the same time.
    ///
    /// The ledger and the latencies belong to the requests that were *planned* in the measured
    /// time, whenever they were answered: two different things when the server is behind.
    package struct Window: Record, Equatable {
        /// From the first thread's look at the clock to the last one's.
        package var seconds = 0.0
        package var answered = 0
        package var bytesIn = 0
        package var bytesOut = 0
        package init() {}

        package static let fields: [Field<Self>] = [
            Field("seconds", \.seconds, .number, adding: takeLarger),
            .count("answered", \.answered), .count("bytes_in", \.bytesIn),
            .count("bytes_out", \.bytesOut),
        ]

        /// What moved since an earlier look.
        func since(_ start: Window) -> Window {
            var moved = self
            moved.answered -= start.answered
            moved.bytesIn -= start.bytesIn
            moved.bytesOut -= start.bytesOut
            return moved
        }
    }

    /// How long each phase took, in seconds.
    package struct Phases: Record, Equatable {
        package var connect = 0.0
        package var warmup = 0.0
        package var measured = 0.0
        package var drain = 0.0
        /// Whether the load had become steady when measuring began; nil when it was
        /// not asked.
        package var isSteady: Bool?
        /// The longest time, in seconds, for which a thread of the generator was stopped (Ctrl-Z, a
        /// suspended machine); 0 when none was for longer than a second.
        package var stopped = 0.0
        /// Seconds from the start of the run to the end of the last tenth of a second in which
        /// something was answered; nil when nothing was.
        package var lastAnswer: Double?
        package init() {}

        /// Of several parts the longest, so that the rate is never more than the sum of the rates.
        package static let fields: [Field<Self>] = [
            Field("connect_s", \.connect, .number, adding: takeLarger),
            Field("warmup_s", \.warmup, .number, adding: takeLarger),
            Field("measured_s", \.measured, .number, adding: takeLarger),
            Field("drain_s", \.drain, .number, adding: takeLarger),
            Field("steady", \.isSteady, .optional(.flag), adding: takeWorse),
            Field("stopped_s", \.stopped, .number, adding: takeLarger),
            Field("last_answer_s", \.lastAnswer, .optional(.number)) { last, other in
                last = last.map { max($0, other ?? 0) } ?? other
            },
        ]

        /// Steady is only what all found so.
        @Sendable private static func takeWorse(_ isSteady: inout Bool?, _ other: Bool?) {
            isSteady =
                isSteady == false || other == false ? false : isSteady == other ? isSteady : nil
        }

        /// Seconds from the start of the run to the start of the measured time.
        package var beforeMeasuring: Double { connect + warmup }
    }

    /// How the planned times of an open loop were met, in the measured time.
    package struct Pacing: Record, Equatable {
        /// Requests that were sent within the tolerance of their planned time.
        package var onTime = 0
        /// Requests that were sent later because every connection was busy.
        package var busy = 0
        /// Requests that were sent later because the generator was.
        package var late = 0
        /// The tolerance: a tenth of the mean gap, at least 100 us; in nanoseconds.
        package var tolerance: Int64 = 100_000
        package init() {}

        package static let fields: [Field<Self>] = [
            .count("on_time", \.onTime), .count("busy", \.busy), .count("late", \.late),
            Field("tolerance_s", \.tolerance, .seconds, adding: takeLarger),
        ]

        package var sent: Int { onTime + busy + late }
    }

    /// Counters of the kernel that say what no call does (/proc/net/netstat, /proc/net/snmp).
    package struct KernelCounts: Record, Equatable {
        /// Connections that found a listen queue full.
        package var listenOverflows = 0
        /// Connections that a listener dropped, for this or another reason.
        package var listenDrops = 0
        /// Segments sent again, and segments sent.
        package var retransmits = 0
        package var segments = 0
        /// Datagrams that found the receive buffer of their socket full.
        package var datagramOverflows = 0
        /// The share of CPU time that the hypervisor gave to others, 0 to 1.
        package var stolen = 0.0
        /// The share of the run for which the limit of our control group held its processes.
        package var throttled = 0.0
        package init() {}

        /// Each part has a machine of its own; the share that was stolen is that of the worst.
        package static let fields: [Field<Self>] = [
            .count("listen_overflows", \.listenOverflows), .count("listen_drops", \.listenDrops),
            .count("retransmits", \.retransmits), .count("segments", \.segments),
            .count("datagram_overflows", \.datagramOverflows),
            Field("stolen_share", \.stolen, .number, adding: takeLarger),
            Field("throttled_share", \.throttled, .number, adding: takeLarger),
        ]
    }

    package struct ThreadUsage: Record, Equatable {
        /// Seconds of CPU in the measured time, user and system together.
        package var cpu = 0.0
        /// The share of the measured time that the thread was running and not just looking at the
        /// clock, 0 to 1.
        package var busy = 0.0
        /// Tenths of a second in which it was busy for at least 85 % and 95 %, as shares of all.
        package var above85 = 0.0
        package var above95 = 0.0
        package init() {}
        package init(cpu: Double, busy: Double) {
            self.cpu = cpu
            self.busy = busy
        }

        package static let fields: [Field<Self>] = [
            Field("cpu_s", \.cpu, .number), Field("busy", \.busy, .number),
            Field("above_85", \.above85, .number), Field("above_95", \.above95, .number),
        ]
    }

    package struct ServerUsage: Record, Equatable {
        /// Seconds of CPU in the measured time, user and system, all threads together.
        package var cpu = 0.0
        /// Bytes resident before the first connection.
        package var residentBefore = 0
        /// Bytes resident when all connections were up and nothing had been sent yet.
        package var residentConnected = 0
        /// Bytes resident at the end of the measured time.
        package var residentAfter = 0
        package init() {}
        package init(cpu: Double, residentBefore: Int, residentConnected: Int, residentAfter: Int) {
            self.cpu = cpu
            self.residentBefore = residentBefore
            self.residentConnected = residentConnected
            self.residentAfter = residentAfter
        }

        /// Its memory; documents keep its time with that of the threads.
        package static let fields: [Field<Self>] = [
            .count("server_before", \.residentBefore),
            .count("server_connected", \.residentConnected),
            .count("server_after", \.residentAfter),
        ]
    }

    /// Whether a wrong or a surplus byte was seen.
    ///
    /// More than `ledger.corrupt`: a surplus byte may come after its request has been answered.
    package var sawWrongBytes: Bool {
        totals.ledger.corrupt > 0 || !totals.corruptions.isEmpty
    }

    /// Answers inside the measured time. A document from before they were counted has those to the
    /// requests of the measured time instead.
    package var answeredInWindow: Int { window?.answered ?? totals.ledger.answered }

    /// Whether anything was answered since measuring began.
    package var wasAnswered: Bool { totals.ledger.answered > 0 || answeredInWindow > 0 }

    /// Answers per second of the measured time, whenever their requests were planned; 0 when there
    /// was none.
    package var rate: Double {
        let seconds = window?.seconds ?? phases.measured
        return seconds > 0 ? Double(answeredInWindow) / seconds : 0
    }

    /// Requests that were planned for each second of the measured time; 0 when there was none.
    package var offeredRate: Double {
        phases.measured > 0 ? Double(totals.ledger.scheduled) / phases.measured : 0
    }

    /// Everything that went wrong: errors of connections, requests without an answer at the end,
    /// and requests that were never sent.
    package var failures: Int {
        totals.errors.occurrences + totals.ledger.unanswered + totals.ledger.neverSent
    }

    /// CPU seconds of the server for an answer of the measured time; nil when it is not known.
    package var serverCPUPerRequest: Double? {
        guard let server, answeredInWindow > 0 else { return nil }
        return server.cpu / Double(answeredInWindow)
    }

    /// CPU seconds of the generator's threads for an answer of the measured time; nil without one.
    package var clientCPUPerRequest: Double? {
        guard answeredInWindow > 0 else { return nil }
        return threads.reduce(0) { $0 + $1.cpu } / Double(answeredInWindow)
    }
}

/// What became of requests: nothing is dropped in silence, the outcomes add up.
package struct Ledger: Record, Equatable {
    package var scheduled = 0
    package var answered = 0
    /// A byte of the echo was wrong, or there was one too many.
    package var corrupt = 0
    package var timedOut = 0
    package var reset = 0
    package var closedEarly = 0
    /// Still open when the run ended.
    package var unanswered = 0
    /// Planned, but never sent: no connection had a place for them in time.
    package var neverSent = 0
    /// Datagrams without an answer: within the timeout in a closed loop, and else by the end of the
    /// run.
    package var lost = 0

    package init() {}

    package static let fields: [Field<Self>] = [
        .count("scheduled", \.scheduled), .count("answered", \.answered),
        .count("corrupt", \.corrupt), .count("timed_out", \.timedOut), .count("reset", \.reset),
        .count("closed_early", \.closedEarly), .count("unanswered", \.unanswered),
        .count("never_sent", \.neverSent), .count("lost", \.lost),
    ]

    package var isBalanced: Bool { scheduled == answered + failed }

    /// Requests that did not get their answer.
    package var failed: Int {
        corrupt + timedOut + reset + closedEarly + unanswered + neverSent + lost
    }
}

/// Errors of one kind.
package struct ErrorRow: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable {
        case socket, connect, write, read, close, verify
    }

    package var phase = Phase.socket
    /// "ECONNRESET", or where no call failed: "timeout" and "incomplete" (part of an answer came in
    /// time), "lost" (a datagram was not answered), "eof" and "no_eof" (an end of the stream that
    /// should not be, or should), "mismatch", "surplus" and "early" (bytes that are wrong, too
    /// many, or came before they were sent).
    package var errno = ""
    package var count = 0
    /// Seconds from the start of the run to the first one.
    package var firstSeen = 0.0
    /// The number of a connection that met it.
    package var exampleConnection = 0

    package init() {}

    package init(
        phase: Phase,
        errno: String,
        count: Int,
        firstSeen: Double,
        exampleConnection: Int
    ) {
        self.phase = phase
        self.errno = errno
        self.count = count
        self.firstSeen = firstSeen
        self.exampleConnection = exampleConnection
    }
}

/// The first wrong byte on a connection.
package struct Corruption: Sendable, Equatable {
    package var connection = 0
    /// Bytes of the stream before it.
    package var offset = 0
    /// Up to 16 bytes that should have come; empty when the byte is a surplus one.
    package var expected: [UInt8] = []
    /// What came instead.
    package var got: [UInt8] = []
    /// What it looks like, in words: "the stream is shifted by 4,096 bytes: …"; empty when nothing
    /// is recognised.
    package var diagnosis = ""

    package init() {}

    package init(
        connection: Int, offset: Int, expected: [UInt8], got: [UInt8], diagnosis: String = ""
    ) {
        self.connection = connection
        self.offset = offset
        self.expected = expected
        self.got = got
        self.diagnosis = diagnosis
    }
}

/// What a live view shows, taken while the run goes on.
package struct Progress: Sendable {
    package enum Phase: String, Sendable { case connecting, warmup, measuring, draining, done }

    package var phase: Phase
    /// Seconds since the phase began.
    package var elapsed: Double
    package var connectionsUp = 0
    /// Requests that wait for their answer.
    package var inFlight = 0
    /// Answered requests of the measured time so far.
    package var answered = 0
    /// Errors so far, by kind.
    package var errors: [ErrorRow] = []
    /// CPU seconds of each thread of the generator since the run began.
    package var threadCPU: [Double] = []
    /// What ended since the previous look.
    package var latencies = Latencies()
    /// What of it was answered, the warm-up included.
    package var response = Histogram()

    package init(phase: Phase, elapsed: Double) {
        self.phase = phase
        self.elapsed = elapsed
    }
}
