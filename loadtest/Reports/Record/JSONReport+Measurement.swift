import Generator
import Statistics

// What a run saw, as the members that a document and each of its probes have.

extension Measurement {
    var members: [(String, JSONValue)] {
        [
            ("phases", phases.document), ("counts", countMembers),
            ("rate", .object([("achieved", .number(rate))])),
            (
                "latency",
                .object([
                    ("response", response.document), ("service", service.document),
                    ("send_delay", sendDelay.document), ("warmup", warmup.document),
                    ("slow_readers", slowReaders.document), ("connect", connectTimes.document),
                    ("lag", lag.document),
                ])
            ),
            ("pacing", .optional(pacing, \.document)), ("fairness", served.document),
            ("cpu", cpuMembers), ("memory", memoryMembers),
            ("kernel", .optional(kernel, \.document)),
            ("errors", .array(errors.map(\.document))),
            ("corruptions", .array(corruptions.map(\.document))),
            ("timeline", timeline.document),
        ]
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        phases = try Phases(try document.at("phases"))
        let counts = try document.at("counts")
        ledger = try Ledger(counts)
        connects = try Connects(try counts.at("connects"))
        bytes = try Bytes(counts)
        try readLatencies(try document.at("latency"))
        let pacing = try document.at("pacing")
        if !pacing.isNull { self.pacing = try Pacing(pacing) }
        served = try Served(try document.at("fairness"))
        try readUsage(try document.at("cpu"), try document.at("memory"))
        let kernel = try document.at("kernel")
        if !kernel.isNull { self.kernel = try KernelCounts(kernel) }
        let rows = try document.at("errors")
        for row in try rows.elements() { errors.append(try ErrorRow(row)) }
        guard errors.count <= ErrorRow.rowsMax else {
            throw rows.error("has more than \(ErrorRow.rowsMax) rows")
        }
        for wrong in try document.at("corruptions").elements() {
            corruptions.append(try Corruption(wrong))
        }
        timeline = try Timeline(try document.at("timeline"))
        ending = try Measurement.ending(try document.at("run"))
    }

    private mutating func readLatencies(_ document: JSONMember) throws(DocumentError) {
        response = try Latency(try document.at("response"))
        service = try Latency(try document.at("service"))
        sendDelay = try Latency(try document.at("send_delay"))
        warmup = try Latency(try document.at("warmup"))
        slowReaders = try Latency(try document.at("slow_readers"))
        connectTimes = try Histogram(try document.at("connect"))
        lag = try Histogram(try document.at("lag"))
    }

    /// How it ended.
    /// How a run ended that never began, in a document.
    static let notStarted = "not_started"

    var endingMembers: [(String, JSONValue)] {
        var signal: Int32?
        let word: String
        switch ending {
        case .completed: word = "completed"
        case .interrupted(let number):
            word = "interrupted"
            signal = number
        case .allConnectionsLost: word = "all_connections_lost"
        case .connectFailed: word = "connect_failed"
        }
        return [
            ("interrupted", .bool(signal != nil)), ("ending", .text(word)),
            ("signal", .optional(signal) { .integer(Int($0)) }),
        ]
    }

    private static func ending(_ run: JSONMember) throws(DocumentError) -> Ending {
        switch try run.at("ending").text() {
        case nil, "completed", notStarted: return .completed
        case "interrupted":
            return .interrupted(signal: Int32(clamping: try run.at("signal").count() ?? 2))
        case "all_connections_lost": return .allConnectionsLost
        case "connect_failed": return .connectFailed
        case let word?: throw try run.at("ending").error("is '\(word)', which is no ending")
        }
    }

    private var cpuMembers: JSONValue {
        .object([
            ("client_us_per_req", .optional(clientCPUPerRequest.map { $0 * 1e6 })),
            ("server_us_per_req", .optional(serverCPUPerRequest.map { $0 * 1e6 })),
            ("server_s", .optional(server?.cpu)), ("threads", .array(threads.map(\.document))),
        ])
    }

    private var memoryMembers: JSONValue {
        .optional(server) { server in
            .object([
                ("server_before", .integer(server.residentBefore)),
                ("server_connected", .integer(server.residentConnected)),
                ("server_after", .integer(server.residentAfter)),
            ])
        }
    }

    private mutating func readUsage(
        _ cpu: JSONMember, _ memory: JSONMember
    ) throws(DocumentError) {
        for thread in try cpu.at("threads").elements() {
            threads.append(try ThreadUsage(thread))
        }
        guard let seconds = try cpu.at("server_s").number() else { return }
        server = ServerUsage(
            cpu: seconds,
            residentBefore: try memory.at("server_before").count() ?? 0,
            residentConnected: try memory.at("server_connected").count() ?? 0,
            residentAfter: try memory.at("server_after").count() ?? 0
        )
    }
}
