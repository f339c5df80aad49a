import Statistics
import Syscalls

/// What a run saw: everything that a report is made of, as plain values.
///
/// A request has three instants: when it was planned, when its first byte was handed to the kernel,
/// and when the last byte of its echo was there. In a closed loop it is planned when it is sent.
package struct Measurement: Sendable {
    /// What became of every request that was scheduled in the measured time.
    package var ledger = Ledger()
    /// From planned to answered: what a user waits.
    package var response = Latency()
    /// From sent to answered: what the server takes.
    package var service = Latency()
    /// From planned to sent; empty in a closed loop.
    package var sendDelay = Latency()
    /// Response of the requests of ramp and warm-up, which are in none of the above.
    package var warmup = Latency()
    /// Response on connections that read slowly on purpose, which is in none of the above.
    package var slowReaders = Latency()
    /// How the planned times were met; nil in a closed loop.
    package var pacing: Pacing?
    /// Time from the start of each successful connect to the connection being up.
    package var connectTimes = Histogram()
    package var connects = Connects()
    package var bytes = Bytes()
    /// One row for each phase and error number that was met, in order of first appearance.
    package var errors: [ErrorRow] = []
    /// The first ten connections whose echo was wrong.
    package var corruptions: [Corruption] = []
    package var phases = Phases()
    /// Answers by connection, without those that are silent or read slowly on purpose.
    package var served = Served()
    /// What happened when, from the start of the run on, the warm-up included.
    package var timeline = Timeline()
    /// One for each thread of the generator, over the measured time.
    package var threads: [ThreadUsage] = []
    /// How long a turn of the generator's loops took: what was ready waited that long at most.
    package var lag = Histogram()
    /// What the kernel counted on this machine, from the start of the run to its end.
    package var kernel: KernelCounts?
    /// The server's part, when the plan names its process.
    package var server: ServerUsage?
    /// Why the run ended before its time, if it did.
    package var ending = Ending.completed

    package init() {}

    package enum Ending: Sendable, Equatable {
        case completed
        /// A signal asked for the end; what was measured until then is here.
        case interrupted(signal: Int32)
        /// No connection was left to measure with.
        case allConnectionsLost
        /// Fewer connections came up than were asked for, so nothing was measured.
        case connectFailed
    }

    package struct Connects: Sendable, Equatable {
        package var tried = 0
        package var ok = 0
        package var failed = 0
        /// Attempts that were given up because the run had ended before they had.
        package var cancelled = 0
        /// Of those that came up, the ones that were gone before the measured time began.
        package var lostEarly = 0
        /// Of those that came up, the ones that took the place of an earlier one.
        package var reopened = 0
        /// Attempts that met themselves: nobody listened, and the kernel chose the target's port.
        package var selfConnects = 0
        package init() {}

        package var isBalanced: Bool { tried == ok + failed + cancelled }
    }

    /// Bytes of the measured requests, and oddities that are legal but worth knowing.
    package struct Bytes: Sendable, Equatable {
        package var out = 0
        package var `in` = 0
        package var verified = 0
        /// Received beyond what was asked for: the server answers more than it was sent.
        package var surplus = 0
        /// Reads that ended inside a reply.
        package var shortReads = 0
        /// Writes of which the kernel took only a part.
        package var partialWrites = 0
        package init() {}
    }

    /// How long each phase took, in seconds.
    package struct Phases: Sendable, Equatable {
        package var connect = 0.0
        package var warmup = 0.0
        package var measured = 0.0
        package var drain = 0.0
        /// Whether the load had become steady when measuring began; nil when nobody looked.
        package var isSteady: Bool?
        /// The longest time, in seconds, for which a thread of the generator was stopped (Ctrl-Z, a
        /// suspended machine); 0 when none was for longer than a second.
        package var stopped = 0.0
        package init() {}

        /// Seconds from the start of the run to the start of the measured time.
        package var beforeMeasuring: Double { connect + warmup }
    }

    /// How the planned times of an open loop were met, in the measured time.
    package struct Pacing: Sendable, Equatable {
        /// Requests that were sent within the tolerance of their planned time.
        package var onTime = 0
        /// Requests that were sent later because every connection was busy.
        package var busy = 0
        /// Requests that were sent later because the generator was.
        package var late = 0
        /// The tolerance: a tenth of the mean gap, at least 100 us; in nanoseconds.
        package var tolerance: Int64 = 100_000
        package init() {}

        package var sent: Int { onTime + busy + late }
    }

    /// Counters of the kernel that say what no call does (/proc/net/netstat, /proc/net/snmp).
    package struct KernelCounts: Sendable, Equatable {
        /// Connections that found a listen queue full.
        package var listenOverflows = 0
        /// Connections that a listener dropped, for this or another reason.
        package var listenDrops = 0
        /// Segments sent again, and segments sent.
        package var retransmits = 0
        package var segments = 0
        /// The share of CPU time that the hypervisor gave to others, 0 to 1.
        package var stolen = 0.0
        package init() {}
    }

    package struct ThreadUsage: Sendable, Equatable {
        /// Seconds of CPU in the measured time, user and system together.
        package var cpu: Double
        /// The share of the measured time that the thread was running and not just looking at the
        /// clock, 0 to 1.
        package var busy: Double
        /// Tenths of a second in which it was busy for at least 85 % and 95 %, as shares of all.
        package var above85 = 0.0
        package var above95 = 0.0
        package init(cpu: Double, busy: Double) {
            self.cpu = cpu
            self.busy = busy
        }
    }

    package struct ServerUsage: Sendable, Equatable {
        /// Seconds of CPU in the measured time, user and system, all threads together.
        package var cpu: Double
        /// Bytes resident before the first connection.
        package var residentBefore: Int
        /// Bytes resident when all connections were up and nothing had been sent yet.
        package var residentConnected: Int
        /// Bytes resident at the end of the measured time.
        package var residentAfter: Int
        package init(cpu: Double, residentBefore: Int, residentConnected: Int, residentAfter: Int) {
            self.cpu = cpu
            self.residentBefore = residentBefore
            self.residentConnected = residentConnected
            self.residentAfter = residentAfter
        }
    }

    /// Whether a wrong or a surplus byte was seen.
    ///
    /// More than `ledger.corrupt`: a surplus byte may come after its request has been answered.
    package var sawWrongBytes: Bool { ledger.corrupt > 0 || !corruptions.isEmpty }

    /// CPU seconds of the server per answered request; nil when it is not known.
    package var serverCPUPerRequest: Double? {
        guard let server, ledger.answered > 0 else { return nil }
        return server.cpu / Double(ledger.answered)
    }

    /// CPU seconds of the generator's threads per answered request; nil when none was answered.
    package var clientCPUPerRequest: Double? {
        guard ledger.answered > 0 else { return nil }
        return threads.reduce(0) { $0 + $1.cpu } / Double(ledger.answered)
    }
}

/// What became of requests: nothing is dropped in silence, the outcomes add up.
package struct Ledger: Sendable, Equatable {
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

    package init() {}

    package var isBalanced: Bool {
        scheduled == answered + failed
    }

    /// Requests that did not get their answer.
    package var failed: Int {
        corrupt + timedOut + reset + closedEarly + unanswered + neverSent
    }
}

/// Errors of one kind.
package struct ErrorRow: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable {
        case socket, connect, write, read, close, verify
    }

    package var phase: Phase
    /// "ECONNRESET", or where no call failed: "timeout" and "incomplete" (part of an answer came in
    /// time), "eof" and "no_eof" (an end of the stream that should not be, or should), "mismatch",
    /// "surplus" and "early" (bytes that are wrong, too many, or came before they were sent).
    package var errno: String
    package var count: Int
    /// Seconds from the start of the run to the first one.
    package var firstSeen: Double
    /// The number of a connection that met it.
    package var exampleConnection: Int

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
    package var connection: Int
    /// Bytes of the stream before it.
    package var offset: Int
    /// Up to 16 bytes that should have come; empty when the byte is a surplus one.
    package var expected: [UInt8]
    /// What came instead.
    package var got: [UInt8]
    /// What it looks like, in words: "the stream is shifted by 4,096 bytes: …"; empty when nothing
    /// is recognised.
    package var diagnosis: String

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
    /// What was answered since the previous look, the warm-up included.
    package var response = Histogram()
    package var service = Histogram()
    package var sendDelay = Histogram()

    package init(phase: Phase, elapsed: Double) {
        self.phase = phase
        self.elapsed = elapsed
    }

    package var errorCount: Int { errors.reduce(0) { $0 + $1.count } }
}
