import Flags
import Generator
import Statistics

/// A run with all that a reader needs to judge it; every report is made from one of these.
package struct RunRecord: Record {
    package var plan = LoadPlan()
    package var measurement = Measurement()
    package var environment = Environment()
    /// The bundled servers; nil when the target was given.
    package var server: Server?
    package var thresholds: [ThresholdResult] = []
    package var exitCode: Int32 = 0
    /// The command line that repeats the run.
    package var commandLine: [String] = []
    /// Tells the run from all others; the shards of one run share it.
    package var id = ""
    /// What people call it.
    package var labels = Labels()
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
    /// The quantiles that the report for people has.
    package var percentiles = Percentiles.usual
    /// Wall-clock time of the start, as RFC 3339 has it.
    package var startedAt = ""
    /// The same in seconds since 1970, with their decimals, so that the parts of a run can be laid
    /// side by side; 0 when it is not known.
    package var started = 0.0

    package init() {}

    package init(plan: LoadPlan, measurement: Measurement, environment: Environment) {
        self.plan = plan
        self.measurement = measurement
        self.environment = environment
    }

    /// The `index`-th of `count` parts of a run, counted from 1.
    package struct Shard: Codable, Sendable, Equatable {
        package var index: Int
        package var count: Int
        package init(index: Int, count: Int) {
            self.index = index
            self.count = count
        }
    }

    /// A search for the highest rate at which a condition holds.
    package struct Search: Record, Equatable {
        /// The condition: "p99<2ms".
        package var condition = ""
        /// The rate at which it held three times; nil when there was none.
        package var rate: Double?
        package init() {}
        package init(condition: String, rate: Double? = nil) {
            self.condition = condition
            self.rate = rate
        }

        package static let fields: [Field<Self>] = [
            Field("condition", \.condition, .text), Field("rate", \.rate, .optional(.number)),
        ]
    }

    /// What one part of a run saw: a client machine that is worse than the others must be seen.
    package struct ShardPart: Record, Equatable {
        package var index = 0
        /// Connections that came up.
        package var connections = 0
        package var answered = 0
        package var failed = 0
        /// Answers per second of its own measured time.
        package var rate = 0.0
        package var response = Latency()
        package var level = Verdict.Level.valid
        package init() {}

        /// What a part of a run saw.
        init(of part: RunRecord) {
            let run = part.measurement
            index = part.shard?.index ?? 0
            connections = run.connects.ok
            (answered, failed) = (run.ledger.answered, run.ledger.failed)
            (rate, response) = (run.rate, run.response)
            level = part.verdict.level
        }

        package static let fields: [Field<Self>] = [
            .count("index", \.index), .count("connections", \.connections),
            .count("answered", \.answered), .count("failed", \.failed),
            Field("rate", \.rate, .number), Field("response", \.response, .part),
            Field("verdict", \.level, .choice),
        ]
    }

    /// A run that was made to find something out.
    package struct Probe: Record {
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

        package var purpose = Purpose.maximum
        package var plan = LoadPlan()
        package var measurement = Measurement()
        package var verdict = Verdict()
        /// Whether the condition of a search held; nil also where the generator was the limit, so
        /// that it cannot be judged.
        package var holds: Bool?

        package init() {}

        package init(
            purpose: Purpose, plan: LoadPlan, measurement: Measurement, verdict: Verdict = Verdict()
        ) {
            self.purpose = purpose
            self.plan = plan
            self.measurement = measurement
            self.verdict = verdict
        }

        package static let fields: [Field<Self>] =
            [
                Field("purpose", \.purpose, .choice, isRequired: true),
                Field("holds", \.holds, .optional(.flag)), Field("config", \.plan, .part),
                .group("run", Measurement.endings.within(\.measurement)),
                Field("verdict", \.verdict, .part),
            ] + Measurement.fields.within(\.measurement)
    }

    /// The machine and the build.
    package struct Environment: Record, Equatable {
        package var version = packageVersion
        package var isDebugBuild = false
        package var kernel = ""
        package var cpuModel = ""
        package var cores = 1
        package var descriptorsSoft = 0
        package var descriptorsHard = 0
        package init() {}

        package static let fields: [Field<Self>] = [
            Field("version", \.version, .text), Field("build", \.build, .choice),
            Field("kernel", \.kernel, .text), Field("cpu_model", \.cpuModel, .text),
            .count("cores", \.cores),
            .group("limits", [Field("nofile", \.descriptors, .list(.whole))]),
        ]

        package enum Build: String, CaseIterable, Sendable { case debug, release }

        package var build: Build {
            get { isDebugBuild ? .debug : .release }
            set { isDebugBuild = newValue == .debug }
        }

        /// The soft and the hard limit.
        private var descriptors: [Int] {
            get { [descriptorsSoft, descriptorsHard] }
            set {
                guard newValue.count == 2 else { return }
                (descriptorsSoft, descriptorsHard) = (newValue[0], newValue[1])
            }
        }
    }

    /// The bundled server, as it described itself and as it ended.
    package struct Server: Record, Equatable {
        /// Its processes, which share a port.
        package var count = 1
        package var model = ""
        package var driver = ""
        package var exitCode: Int32 = 0
        package var wasKilled = false
        /// What it counted, as the JSON object it printed; of several, one in each line.
        package var counters: String?
        /// What it wrote to standard error, when it did not end as it should.
        package var lastWords = ""
        package init() {}
        package init(model: String, driver: String) {
            self.model = model
            self.driver = driver
        }

        package static let fields: [Field<Self>] = [
            .count("count", \.count), Field("model", \.model, .text),
            Field("driver", \.driver, .text),
            Field("exit_code", \.exitCode, .whole), Field("killed", \.wasKilled, .flag),
            // The server's own JSON stays a text: its members are not this schema's to promise.
            Field("counters", \.counters, .optional(.text)),
            Field("last_words", \.lastWords, .text),
        ]
    }
}

// Schema `swiftlet.loadtest/1`, described by `docs/loadtest.schema.json`.

extension RunRecord {
    package static let fields: [Field<RunRecord>] =
        [
            .schema("swiftlet.loadtest/1", "report of loadtest --json"),
            Field("exit_code", \.exitCode, .whole), .group("run", run),
            Field("config", \.plan, .part, isRequired: true),
            Field("env", \.environment, .part), Field("server", \.server, .optional(.part)),
            Field("thresholds", \.thresholds, .list(.part)), Field("verdict", \.verdict, .part),
            Field("search", \.search, .optional(.part)), Field("probes", \.probes, .list(.part)),
            Field("shards", \.shards, .list(.part)), percentiles,
        ] + Measurement.fields.within(\.measurement)

    /// Those of the response that were asked for.
    private static let percentiles = Field<RunRecord>(
        "percentiles", value: { $0.measurement.response.reached($0.percentiles) },
        read: { record, members in
            let form = Form<[Latency.Reached]>.list(.part, atMost: Percentiles.countMax)
            guard let reached = try members.at("percentiles", form), !reached.isEmpty else {
                return
            }
            record.percentiles = reached.map(\.quantile)
        })

    private static let run: [Field<RunRecord>] =
        [
            Field("started_at", \.startedAt, .text), Field("started_s", \.started, .number),
            Field("id", \.id, .text), Field("shard", \.shard, .optional(.part)),
            Field("command", \.commandLine, .list(.text)),
            Field("reason", \.notStarted, .optional(.text)),
            Field("ending", \.endingWord, .choice),
        ] + Labels.fields.within(\.labels)
        + Measurement.endings.filter { $0.name != "ending" }.within(\.measurement)

    private var endingWord: Measurement.EndingWord {
        get { notStarted == nil ? measurement.endingWord : .notStarted }
        set { measurement.endingWord = newValue }
    }
}

extension RunRecord.Shard {
    package init(from decoder: any Decoder) throws {
        let members = try Members(decoder)
        let (index, count) = (try members.at("index", .count), try members.at("count", .count))
        guard let index, let count, (1...max(1, count)).contains(index) else {
            throw decoder.error("is no part of a run")
        }
        self.init(index: index, count: count)
    }
}
