import Generator

// The parts of a measurement that are counts and times, written and read side by side.

extension Measurement {
    /// What became of requests and connections, and bytes.
    var countMembers: JSONValue {
        .object(
            ledger.members + [("connects", connects.document), ("bytes", bytes.document)] + [
                ("short_reads", .integer(bytes.shortReads)),
                ("partial_writes", .integer(bytes.partialWrites)),
            ])
    }
}

extension Ledger {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("scheduled", .integer(scheduled)), ("answered", .integer(answered)),
            ("corrupt", .integer(corrupt)), ("timed_out", .integer(timedOut)),
            ("reset", .integer(reset)), ("closed_early", .integer(closedEarly)),
            ("unanswered", .integer(unanswered)), ("never_sent", .integer(neverSent)),
        ]
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        scheduled = try document.at("scheduled").count() ?? 0
        answered = try document.at("answered").count() ?? 0
        corrupt = try document.at("corrupt").count() ?? 0
        timedOut = try document.at("timed_out").count() ?? 0
        reset = try document.at("reset").count() ?? 0
        closedEarly = try document.at("closed_early").count() ?? 0
        unanswered = try document.at("unanswered").count() ?? 0
        neverSent = try document.at("never_sent").count() ?? 0
    }
}

extension Measurement.Connects {
    fileprivate var document: JSONValue {
        .object([
            ("tried", .integer(tried)), ("ok", .integer(ok)), ("failed", .integer(failed)),
            ("cancelled", .integer(cancelled)), ("lost_early", .integer(lostEarly)),
            ("reopened", .integer(reopened)), ("self", .integer(selfConnects)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        tried = try document.at("tried").count() ?? 0
        ok = try document.at("ok").count() ?? 0
        failed = try document.at("failed").count() ?? 0
        cancelled = try document.at("cancelled").count() ?? 0
        lostEarly = try document.at("lost_early").count() ?? 0
        reopened = try document.at("reopened").count() ?? 0
        selfConnects = try document.at("self").count() ?? 0
    }
}

extension Measurement.Bytes {
    fileprivate var document: JSONValue {
        .object([
            ("out", .integer(out)), ("in", .integer(self.in)), ("verified", .integer(verified)),
            ("surplus", .integer(surplus)),
        ])
    }

    /// From the counts, which hold two of them beside the bytes.
    init(_ counts: JSONMember) throws(DocumentError) {
        self.init()
        let document = try counts.at("bytes")
        out = try document.at("out").count() ?? 0
        self.in = try document.at("in").count() ?? 0
        verified = try document.at("verified").count() ?? 0
        surplus = try document.at("surplus").count() ?? 0
        shortReads = try counts.at("short_reads").count() ?? 0
        partialWrites = try counts.at("partial_writes").count() ?? 0
    }
}

extension Measurement.Phases {
    var document: JSONValue {
        .object([
            ("connect_s", .number(connect)), ("warmup_s", .number(warmup)),
            ("measured_s", .number(measured)), ("drain_s", .number(drain)),
            ("steady", .optional(isSteady, JSONValue.bool)), ("stopped_s", .number(stopped)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        connect = try document.at("connect_s").number() ?? 0
        warmup = try document.at("warmup_s").number() ?? 0
        measured = try document.at("measured_s").number() ?? 0
        drain = try document.at("drain_s").number() ?? 0
        isSteady = try document.at("steady").bool()
        stopped = try document.at("stopped_s").number() ?? 0
    }
}

extension Measurement.Pacing {
    var document: JSONValue {
        .object([
            ("on_time", .integer(onTime)), ("busy", .integer(busy)), ("late", .integer(late)),
            ("tolerance_s", .seconds(tolerance)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        onTime = try document.at("on_time").count() ?? 0
        busy = try document.at("busy").count() ?? 0
        late = try document.at("late").count() ?? 0
        tolerance = try document.at("tolerance_s").nanoseconds() ?? tolerance
    }
}

extension Measurement.KernelCounts {
    var document: JSONValue {
        .object([
            ("listen_overflows", .integer(listenOverflows)),
            ("listen_drops", .integer(listenDrops)), ("retransmits", .integer(retransmits)),
            ("segments", .integer(segments)), ("stolen_share", .number(stolen)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        listenOverflows = try document.at("listen_overflows").count() ?? 0
        listenDrops = try document.at("listen_drops").count() ?? 0
        retransmits = try document.at("retransmits").count() ?? 0
        segments = try document.at("segments").count() ?? 0
        stolen = try document.at("stolen_share").number() ?? 0
    }
}

extension Measurement.ThreadUsage {
    var document: JSONValue {
        .object([
            ("cpu_s", .number(cpu)), ("busy", .number(busy)), ("above_85", .number(above85)),
            ("above_95", .number(above95)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init(
            cpu: try document.at("cpu_s").number() ?? 0,
            busy: try document.at("busy").number() ?? 0
        )
        above85 = try document.at("above_85").number() ?? 0
        above95 = try document.at("above_95").number() ?? 0
    }
}
