import Generator
import Statistics

/// The report for programs: schema `swiftlet.loadtest/1`, described by `docs/loadtest.schema.json`.
///
/// Seconds and bytes throughout, except where a name says otherwise; what is not known is null.
/// Members may be added, never renamed or given another meaning. Each type writes its members and
/// reads them back in one file, so that a document gives the record that it was made of.
package struct JSONReport {
    static let schema = "swiftlet.loadtest/1"
    let record: RunRecord

    package init(_ record: RunRecord) { self.record = record }

    /// The document as text, with a line feed at its end.
    package var text: String { document.serialized + "\n" }

    var document: JSONValue {
        .object(
            [
                ("schema", .text(JSONReport.schema)),
                ("exit_code", .integer(Int(record.exitCode))),
                ("run", .object(record.runMembers)),
                ("config", record.plan.document), ("env", record.environment.document),
                ("server", .optional(record.server, \.document)),
            ] + record.measurement.members + [
                ("thresholds", .array(record.thresholds.map(\.document))),
                ("verdict", record.verdict.document),
                (
                    "search",
                    .optional(record.search) {
                        .object([
                            ("condition", .text($0.condition)), ("rate", .optional($0.rate)),
                        ])
                    }
                ),
                ("probes", .array(record.probes.map(\.document))),
                ("shards", .array(record.shards.map(\.document))),
            ])
    }
}

extension RunRecord {
    /// Reads a document that `JSONReport` wrote, of this or an older version.
    ///
    /// Members that are not known are passed over.
    package init(_ document: JSONValue) throws(DocumentError) {
        let document = JSONMember(document)
        let schema = try document.at("schema")
        guard try schema.text() == JSONReport.schema else {
            throw schema.error("is not \(JSONReport.schema): this is no report of loadtest --json")
        }
        self.init(
            plan: try LoadPlan(try document.at("config")),
            measurement: try Measurement(document),
            environment: try Environment(try document.at("env"))
        )
        exitCode = Int32(clamping: try document.at("exit_code").integer() ?? 0)
        let server = try document.at("server")
        if !server.isNull { self.server = try Server(server) }
        try readRun(try document.at("run"))
        for result in try document.at("thresholds").elements() {
            thresholds.append(try ThresholdResult(result))
        }
        verdict = try Verdict(try document.at("verdict"))
        search = try RunRecord.search(try document.at("search"))
        for probe in try document.at("probes").elements() { probes.append(try Probe(probe)) }
        for shard in try document.at("shards").elements() { shards.append(try ShardPart(shard)) }
    }

    fileprivate var runMembers: [(String, JSONValue)] {
        [
            ("started_at", .text(startedAt)), ("started_s", .number(started)), ("id", .text(id)),
            (
                "shard",
                .optional(shard) {
                    .object([("index", .integer($0.index)), ("count", .integer($0.count))])
                }
            ),
            ("command", .array(commandLine.map(JSONValue.text))),
            ("reason", .optional(notStarted, JSONValue.text)),
        ] + (notStarted == nil ? measurement.endingMembers : RunRecord.notStartedMembers)
    }

    /// What stands in the place of how the run ended, where it never began.
    private static let notStartedMembers: [(String, JSONValue)] = [
        ("interrupted", .bool(false)), ("ending", .text(Measurement.notStarted)),
        ("signal", .null),
    ]

    private static func search(_ document: JSONMember) throws(DocumentError) -> Search? {
        guard let condition = try document.at("condition").text() else { return nil }
        return Search(condition: condition, rate: try document.at("rate").number())
    }

    private mutating func readRun(_ run: JSONMember) throws(DocumentError) {
        startedAt = try run.at("started_at").text() ?? ""
        started = try run.at("started_s").number() ?? 0
        id = try run.at("id").text() ?? ""
        notStarted = try run.at("reason").text()
        for word in try run.at("command").elements() { commandLine.append(try word.text() ?? "") }
        let shard = try run.at("shard")
        guard !shard.isNull else { return }
        let (index, count) = (try shard.at("index").count(), try shard.at("count").count())
        guard let index, let count, (1...max(1, count)).contains(index) else {
            throw shard.error("is no part of a run")
        }
        self.shard = Shard(index: index, count: count)
    }
}

extension RunRecord.Probe {
    fileprivate var document: JSONValue {
        .object(
            [
                ("purpose", .text(purpose.rawValue)), ("holds", .optional(holds, JSONValue.bool)),
                ("run", .object(measurement.endingMembers)), ("config", plan.document),
            ] + measurement.members + [("verdict", verdict.document)])
    }

    fileprivate init(_ document: JSONMember) throws(DocumentError) {
        guard let purpose = try document.at("purpose").choice(Purpose.self) else {
            throw try document.at("purpose").error("is missing")
        }
        self.init(
            purpose: purpose,
            plan: try LoadPlan(try document.at("config")),
            measurement: try Measurement(document)
        )
        holds = try document.at("holds").bool()
        verdict = try Verdict(try document.at("verdict"))
    }
}

extension RunRecord.ShardPart {
    fileprivate var document: JSONValue {
        .object([
            ("index", .integer(index)), ("connections", .integer(connections)),
            ("answered", .integer(answered)), ("failed", .integer(failed)),
            ("rate", .number(rate)), ("response", response.document),
            ("verdict", .text(level.rawValue)),
        ])
    }

    fileprivate init(_ document: JSONMember) throws(DocumentError) {
        index = try document.at("index").count() ?? 0
        connections = try document.at("connections").count() ?? 0
        answered = try document.at("answered").count() ?? 0
        failed = try document.at("failed").count() ?? 0
        rate = try document.at("rate").number() ?? 0
        response = try Latency(try document.at("response"))
        level = try document.at("verdict").choice() ?? .valid
    }
}
