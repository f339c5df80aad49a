import Generator
import Reports
import Statistics

/// A comparison with all that a reader needs to judge it; every report of `loadtest compare` is
/// made from one of these.
///
///     arms      what was measured: coroutine-epoll, threads, gevent …
///     points    under which loads: connections × size
///     samples   what one arm gave at one point in one slice
///
/// Arms and points are referred to by their place in the list.
package struct CompareRecord: Record, Equatable {
    package var environment = RunRecord.Environment()
    /// The command line that repeats it.
    package var commandLine: [String] = []
    /// What people call it.
    package var labels = Labels()
    /// Wall-clock time of the start, as RFC 3339 has it.
    package var startedAt = ""
    /// What the servers were reached over.
    package var transport = Transport.tcp
    /// What the order of the arms in each round derives from.
    package var seed: UInt64 = 1
    /// Rounds that were asked for; nil where precision and time were to end them.
    package var rounds: Int?
    /// Seconds of a slice, of the slices of a load at most, and how wide an interval may be.
    package var slice = 0.05
    package var time = 60.0
    package var precision = 0.03
    package var arms: [Arm] = []
    package var points: [Point] = []
    package var samples: [Sample] = []
    /// What a reader must know to read all figures: "generator and servers share processor 0".
    package var notes: [String] = []
    /// The arm that all others are compared with.
    package var baseline = 0
    /// Whether a signal ended it early; the slices that were finished are there.
    package var isInterrupted = false

    package init() {}
    package init(environment: RunRecord.Environment) { self.environment = environment }

    /// The arm that is the baseline again: what it differs by is what nothing differs by.
    package var control: Int? { arms.firstIndex { $0.isControl } }
}

extension CompareRecord {
    /// One way to serve, as a process of its own.
    package struct Arm: Record, Equatable {
        /// Its name in every table: "coroutine-epoll", "threads", "gevent".
        package var name = ""
        package var kind = Kind.bundled(model: "", driver: "")
        package var outcome = Outcome.measured
        /// Whether it is the baseline a second time, for the noise floor.
        package var isControl = false
        /// What shows which mechanism served: "epoll_wait 1.9M"; "not self-reported" of others.
        package var proof = ""
        /// What a reader must know to read its figures: "one client at a time: 1 connection".
        package var notes: [String] = []

        package init() {}
        package init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }

        package enum Kind: Sendable, Equatable {
            /// The bundled server, by model and driver; a model without drivers names itself twice.
            case bundled(model: String, driver: String)
            /// Somebody else's server, by its command line.
            case foreign(command: String)
        }

        package enum Outcome: Sendable, Equatable {
            case measured
            /// This machine cannot host it, and why: "io_uring is disabled on this machine".
            case skipped(String)
            /// It does not echo as it must; what was found. It gets no figure of speed.
            case incorrect([String])
            /// It proved itself and then failed under load, and how.
            case failed(String)
        }
    }

    /// One load.
    package struct Point: Record, Equatable {
        /// Connections in all; in the sparse load most of them are silent.
        package var connections = 0
        /// Bytes of a request, and so of its echo.
        package var size = 0
        /// Requests per second of the run that latency is taken from: the same for every arm.
        package var fixedRate: Double?
        /// Requests per second of the sparse load: the same for every arm.
        package var sparseRate: Double?
        /// Connections that talk in the sparse load.
        package var sparseConnections = 0
        /// Seconds of a slice: as asked for, or longer for enough answers a connection.
        package var slice = 0.05
        /// What ended the slices; nil where nothing but a signal did.
        package var ending: Ending?
        /// Processors' worth of time that other programs took meanwhile.
        package var others: Double?

        package init() {}
        package init(connections: Int, size: Int) {
            self.connections = connections
            self.size = size
        }
    }

    /// What ended the slices of a load.
    package enum Ending: String, CaseIterable, Sendable {
        /// Every interval was narrow enough.
        case precise
        case time
        case rounds
    }

    /// What one arm gave at one point in one slice. The busy slices, those at the fixed rate and
    /// what is measured once have rounds of their own, told apart by their readings.
    package struct Sample: Record, Equatable {
        package var arm = 0
        package var point = 0
        /// Counted from 0.
        package var round = 0
        /// Its place in time among all slices, counted from 0.
        package var position = 0
        package var readings: [Reading: Double] = [:]
        /// Those that are known only from below, because the generator was the limit or answers
        /// were missing: the true figure is at least the one that stands in `readings`.
        package var lowerBounds: Set<Reading> = []
        /// What the generator doubted of itself.
        package var doubts: [String] = []

        package init() {}
        package init(arm: Int, point: Int, round: Int, position: Int, readings: [Reading: Double]) {
            self.arm = arm
            self.point = point
            self.round = round
            self.position = position
            self.readings = readings
        }
    }
}

/// A figure that arms are compared by. The raw value is its name in the JSON document, with its
/// unit.
package enum Reading: String, CaseIterable, Sendable {
    // All connections busy, in a closed loop.
    /// Answers per second.
    case rate = "rate_per_s"
    /// CPU time of the server for a message, all of its processes together.
    case cpu = "cpu_per_message_s"
    /// Context switches of the server for a message, wanted or not.
    case switches = "context_switches_per_message"
    /// System calls of the server for a message, by its own count.
    case calls = "system_calls_per_message"

    // One and the same rate for every arm: an open loop on every connection.
    case p50 = "p50_at_fixed_rate_s"
    case p99 = "p99_at_fixed_rate_s"

    // Most connections silent: an open loop on a few of many connections.
    case sparseCPU = "sparse_cpu_per_message_s"
    case sparseP99 = "sparse_p99_s"

    // What it takes to be there.
    /// Bytes in RAM before the first connection.
    case idleMemory = "idle_memory_bytes"
    /// Bytes in RAM for each open connection, before the first request.
    case connectionMemory = "memory_per_connection_bytes"
    /// CPU time per second with every connection open and silent.
    case idleCPU = "idle_cpu_share"
    /// Threads and processes with every connection open.
    case threads = "threads"
    case processes = "processes"

    /// Whether more of it is better; less is, of all the others.
    package var isHigherBetter: Bool { self == .rate }
}
