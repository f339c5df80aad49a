import Flags
import Generator
import Statistics

/// A run with all that a reader needs to judge it; every report is made from one of these.
package struct RunRecord: Sendable {
    package var plan: LoadPlan
    package var measurement: Measurement
    package var environment: Environment
    /// The bundled server; nil when the target is somebody else's.
    package var server: Server?
    package var thresholds: [ThresholdResult] = []
    package var exitCode: Int32 = 0
    /// The command line that repeats the run.
    package var commandLine: [String] = []
    /// Names the run; the shards of one run share it.
    package var id = ""
    /// Which part of the run this is; nil when it is all of it.
    package var shard: Shard?
    /// Runs that were made besides the one that is reported: for steps, a search, a proof.
    package var probes: [Probe] = []
    /// What `--search` was for, when the run is one.
    package var search: Search?
    /// Why nothing was run at all; nil when something was.
    package var notStarted: String?
    /// What each part saw, when the record was merged from several.
    package var shards: [ShardPart] = []
    /// What the instrument says about itself.
    package var verdict = Verdict()
    /// Wall-clock time of the start, as RFC 3339 has it.
    package var startedAt = ""
    /// The same in seconds since 1970, with their decimals, so that the parts of a run can be laid
    /// side by side; 0 when it is not known.
    package var started = 0.0

    package init(plan: LoadPlan, measurement: Measurement, environment: Environment) {
        self.plan = plan
        self.measurement = measurement
        self.environment = environment
    }

    /// The `index`-th of `count` parts of a run, counted from 1.
    package struct Shard: Sendable, Equatable {
        package var index: Int
        package var count: Int
        package init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }
    }

    /// A search for the highest rate at which a condition holds.
    package struct Search: Sendable, Equatable {
        /// The condition: "p99<2ms".
        package var condition: String
        /// The rate at which it held three times; nil when there was none.
        package var rate: Double?
        package init(condition: String, rate: Double? = nil) {
            self.condition = condition
            self.rate = rate
        }
    }

    /// What one part of a run saw: a client machine that is worse than the others must be seen.
    package struct ShardPart: Sendable, Equatable {
        package var index: Int
        /// Connections that came up.
        package var connections: Int
        package var answered: Int
        package var failed: Int
        /// Answers per second of its own measured time.
        package var rate: Double
        package var response: Latency
        package var level: Verdict.Level
    }

    /// A run that was made to find something out.
    package struct Probe: Sendable {
        package enum Purpose: String, Sendable, CaseIterable {
            /// The closed-loop maximum that `--rate 70%` is a share of.
            case maximum
            /// One rate of `--steps`.
            case step
            /// One rate that `--search` tried.
            case search
            /// The same load from half the threads, for `--prove-headroom`.
            case headroom
        }

        package var purpose: Purpose
        package var plan: LoadPlan
        package var measurement: Measurement
        package var verdict = Verdict()
        /// Whether the condition of a search held.
        package var holds: Bool?

        package init(purpose: Purpose, plan: LoadPlan, measurement: Measurement) {
            self.purpose = purpose
            self.plan = plan
            self.measurement = measurement
        }
    }

    /// The machine and the build.
    package struct Environment: Sendable, Equatable {
        package var version = packageVersion
        package var isDebugBuild = false
        package var kernel = ""
        package var cpuModel = ""
        package var cores = 1
        package var descriptorsSoft = 0
        package var descriptorsHard = 0
        package init() {}
    }

    /// The bundled server, as it described itself and as it ended.
    package struct Server: Sendable, Equatable {
        package var model: String
        package var driver: String
        package var exitCode: Int32 = 0
        package var wasKilled = false
        /// What it counted, as the JSON object it printed.
        package var counters: String?
        /// What it wrote to standard error, when it did not end as it should.
        package var lastWords = ""
        package init(model: String, driver: String) {
            self.model = model
            self.driver = driver
        }
    }
}
