import Generator

/// A run with all that a reader needs to judge it; every report is made from one of these.
package struct RunRecord: Sendable {
    package var plan: LoadPlan
    package var measurement: Measurement
    package var environment: Environment
    /// The bundled server; nil when the target is somebody else's.
    package var server: Server?
    package var verdicts: [Verdict] = []
    package var exitCode: Int32 = 0
    /// The command line that repeats the run.
    package var commandLine: [String] = []
    /// Wall-clock time of the start, as RFC 3339 has it.
    package var startedAt = ""

    package init(plan: LoadPlan, measurement: Measurement, environment: Environment) {
        self.plan = plan
        self.measurement = measurement
        self.environment = environment
    }

    /// The machine and the build.
    package struct Environment: Sendable, Equatable {
        package var version = "0.1.0"
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
