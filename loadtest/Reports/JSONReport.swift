import Generator
import Statistics

/// The report for programs: schema `swiftlet.loadtest/1`, described by `docs/loadtest.schema.json`.
///
/// Seconds and bytes throughout, except where a name says otherwise; what is not known is null.
/// Members may be added, never renamed or given another meaning.
package struct JSONReport {
    let record: RunRecord

    package init(_ record: RunRecord) { self.record = record }

    private var plan: LoadPlan { record.plan }
    private var run: Measurement { record.measurement }

    /// The document as text, with a line feed at its end.
    package var text: String { document.serialized + "\n" }

    var document: JSONValue {
        .object([
            ("schema", .text("swiftlet.loadtest/1")),
            ("exit_code", .integer(Int(record.exitCode))),
            ("run", runMembers), ("config", config), ("env", environment), ("server", server),
            ("phases", phases), ("counts", counts),
            ("rate", .object([("achieved", .number(run.rate))])),
            (
                "latency",
                .object([
                    ("response", JSONReport.latency(run.response.answered)),
                    ("connect", JSONReport.latency(run.connectTimes)),
                ])
            ),
            ("cpu", cpu), ("memory", memory), ("errors", .array(run.errors.map(JSONReport.error))),
            ("corruptions", .array(run.corruptions.map(JSONReport.corruption))),
            ("thresholds", .array(record.thresholds.map(JSONReport.threshold))),
        ])
    }

    private var runMembers: JSONValue {
        let isInterrupted = if case .interrupted = run.ending { true } else { false }
        let ending =
            switch run.ending {
            case .completed: "completed"
            case .interrupted: "interrupted"
            case .allConnectionsLost: "all_connections_lost"
            case .connectFailed: "connect_failed"
            }
        return .object([
            ("started_at", .text(record.startedAt)),
            ("command", .array(record.commandLine.map(JSONValue.text))),
            ("interrupted", .bool(isInterrupted)), ("ending", .text(ending)),
        ])
    }

    private var config: JSONValue {
        .object([
            ("target", .text(plan.target.description)), ("loop", .text("closed")),
            ("connections", .integer(plan.connections)),
            ("duration_s", .optional(plan.duration.map(JSONReport.seconds))),
            ("requests", plan.requests.map(JSONValue.integer) ?? .null),
            ("size", .integer(plan.size.largest)), ("threads", .integer(plan.threads)),
            ("pipeline", .integer(plan.pipeline)), ("driver", .text(plan.driver.rawValue)),
            ("connect_rate", .optional(plan.connectRate)),
            ("connect_timeout_s", .number(JSONReport.seconds(plan.connectTimeout))),
            ("timeout_s", .number(JSONReport.seconds(plan.timeout))),
            ("warmup_s", .number(JSONReport.seconds(plan.fixedWarmup))),
            ("verify", .text(plan.verification.rawValue)),
            ("seed", Int(exactly: plan.seed).map(JSONValue.integer) ?? .text("\(plan.seed)")),
        ])
    }

    private var environment: JSONValue {
        let environment = record.environment
        let descriptors = [environment.descriptorsSoft, environment.descriptorsHard]
        return .object([
            ("version", .text(environment.version)),
            ("build", .text(environment.isDebugBuild ? "debug" : "release")),
            ("kernel", .text(environment.kernel)), ("cpu_model", .text(environment.cpuModel)),
            ("cores", .integer(environment.cores)),
            ("limits", .object([("nofile", .array(descriptors.map(JSONValue.integer)))])),
        ])
    }

    private var server: JSONValue {
        guard let server = record.server else { return .null }
        return .object([
            ("model", .text(server.model)), ("driver", .text(server.driver)),
            ("exit_code", .integer(Int(server.exitCode))), ("killed", .bool(server.wasKilled)),
            // The server's own JSON stays a text: its members are not this schema's to promise.
            ("counters", server.counters.map(JSONValue.text) ?? .null),
        ])
    }

    private var phases: JSONValue {
        .object([
            ("connect_s", .number(run.phases.connect)), ("warmup_s", .number(run.phases.warmup)),
            ("measured_s", .number(run.phases.measured)), ("drain_s", .number(run.phases.drain)),
        ])
    }

    private var counts: JSONValue {
        let (ledger, connects, bytes) = (run.ledger, run.connects, run.bytes)
        return .object([
            ("scheduled", .integer(ledger.scheduled)), ("answered", .integer(ledger.answered)),
            ("corrupt", .integer(ledger.corrupt)), ("timed_out", .integer(ledger.timedOut)),
            ("reset", .integer(ledger.reset)), ("closed_early", .integer(ledger.closedEarly)),
            ("unanswered", .integer(ledger.unanswered)),
            (
                "connects",
                .object([
                    ("tried", .integer(connects.tried)), ("ok", .integer(connects.ok)),
                    ("failed", .integer(connects.failed)),
                    ("cancelled", .integer(connects.cancelled)),
                    ("lost_early", .integer(connects.lostEarly)),
                ])
            ),
            (
                "bytes",
                .object([
                    ("out", .integer(bytes.out)), ("in", .integer(bytes.in)),
                    ("verified", .integer(bytes.verified)), ("surplus", .integer(bytes.surplus)),
                ])
            ),
            ("short_reads", .integer(bytes.shortReads)),
            ("partial_writes", .integer(bytes.partialWrites)),
        ])
    }

    private var cpu: JSONValue {
        let threads = run.threads.map { thread in
            JSONValue.object([("cpu_s", .number(thread.cpu)), ("busy", .number(thread.busy))])
        }
        return .object([
            ("client_us_per_req", .optional(run.clientCPUPerRequest.map { $0 * 1e6 })),
            ("server_us_per_req", .optional(run.serverCPUPerRequest.map { $0 * 1e6 })),
            ("server_s", .optional(run.server?.cpu)), ("threads", .array(threads)),
        ])
    }

    private var memory: JSONValue {
        guard let server = run.server else { return .null }
        return .object([
            ("server_before", .integer(server.residentBefore)),
            ("server_connected", .integer(server.residentConnected)),
            ("server_after", .integer(server.residentAfter)),
        ])
    }

    private static func latency(_ histogram: Histogram) -> JSONValue {
        let quantiles = LatencyTable.quantiles.map { quantile in
            let value = histogram.supports(quantile) ? histogram.value(at: quantile) : nil
            return JSONValue.object([
                ("q", .number(quantile)), ("value", .optional(value.map { Double($0) / 1e9 })),
            ])
        }
        return .object([
            ("n", .integer(histogram.count)),
            ("min", .optional(histogram.min.map { Double($0) / 1e9 })),
            ("max", .optional(histogram.max.map { Double($0) / 1e9 })),
            ("mean", .optional(histogram.mean.map { $0 / 1e9 })),
            ("clamped", .integer(histogram.clamped)), ("q", .array(quantiles)),
        ])
    }

    private static func error(_ row: ErrorRow) -> JSONValue {
        .object([
            ("phase", .text(row.phase.rawValue)), ("errno", .text(row.errno)),
            ("count", .integer(row.count)), ("first_s", .number(row.firstSeen)),
            ("example_connection", .integer(row.exampleConnection)),
            ("hint", .text(Hints.hint(for: row))),
        ])
    }

    private static func corruption(_ corruption: Corruption) -> JSONValue {
        .object([
            ("connection", .integer(corruption.connection)),
            ("offset", .integer(corruption.offset)),
            ("expected", .text(Figures.hex(corruption.expected))),
            ("got", .text(Figures.hex(corruption.got))),
        ])
    }

    private static func threshold(_ result: ThresholdResult) -> JSONValue {
        .object([
            ("expr", .text(result.threshold.text)), ("value", .optional(result.valueInBaseUnits)),
            ("passed", .bool(!result.isFailure)), ("words", .text(result.words)),
        ])
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
