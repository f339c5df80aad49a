import Reports

// The record, written and read side by side.

extension CompareRecord {
    var members: [(String, JSONValue)] {
        [
            ("started_at", .text(startedAt)),
            ("command", .array(commandLine.map(JSONValue.text))), ("seed", .seed(seed)),
            ("rounds", .integer(rounds)), ("load_s", .number(seconds)),
            ("interrupted", .bool(isInterrupted)), ("notes", .array(notes.map(JSONValue.text))),
            ("env", environment.document), ("baseline", .integer(baseline)),
            ("arms", .array(arms.map(\.document))), ("points", .array(points.map(\.document))),
            ("samples", .array(samples.map(\.document))),
        ]
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init(environment: try RunRecord.Environment(try document.at("env")))
        startedAt = try document.at("started_at").text() ?? ""
        commandLine = try document.at("command").texts()
        seed = try document.at("seed").seed() ?? 1
        rounds = try document.at("rounds").count() ?? 0
        seconds = try document.at("load_s").number() ?? 0
        isInterrupted = try document.at("interrupted").bool() ?? false
        notes = try document.at("notes").texts()
        for arm in try document.at("arms").elements() { arms.append(try Arm(arm)) }
        for point in try document.at("points").elements() { points.append(try Point(point)) }
        if !arms.isEmpty { baseline = try document.at("baseline").place(among: arms.count) }
        for sample in try document.at("samples").elements() {
            samples.append(try Sample(sample, arms: arms.count, points: points.count))
        }
    }
}

extension CompareRecord.Arm {
    var document: JSONValue {
        let (model, driver, command): (String?, String?, String?) =
            switch kind {
            case .bundled(let model, let driver): (model, driver, nil)
            case .foreign(let command): (nil, nil, command)
            }
        let (word, reasons): (String, [String]) =
            switch outcome {
            case .measured: ("measured", [])
            case .skipped(let reason): ("skipped", [reason])
            case .incorrect(let findings): ("incorrect", findings)
            case .failed(let reason): ("failed", [reason])
            }
        return .object([
            ("name", .text(name)), ("model", .optional(model, JSONValue.text)),
            ("driver", .optional(driver, JSONValue.text)),
            ("command", .optional(command, JSONValue.text)), ("outcome", .text(word)),
            ("reasons", .array(reasons.map(JSONValue.text))), ("control", .bool(isControl)),
            ("proof", .text(proof)), ("notes", .array(notes.map(JSONValue.text))),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        let kind: Kind =
            if let command = try document.at("command").text() {
                .foreign(command: command)
            } else {
                .bundled(
                    model: try document.at("model").text() ?? "",
                    driver: try document.at("driver").text() ?? "")
            }
        self.init(name: try document.at("name").text() ?? "", kind: kind)
        outcome = try CompareRecord.Arm.outcome(
            try document.at("outcome"), try document.at("reasons").texts())
        isControl = try document.at("control").bool() ?? false
        proof = try document.at("proof").text() ?? ""
        notes = try document.at("notes").texts()
    }

    private static func outcome(
        _ word: JSONMember, _ reasons: [String]
    ) throws(DocumentError) -> Outcome {
        switch try word.text() {
        case "measured": .measured
        case "skipped": .skipped(reasons.first ?? "")
        case "incorrect": .incorrect(reasons)
        case "failed": .failed(reasons.first ?? "")
        default: throw word.error("is none of measured, skipped, incorrect, failed")
        }
    }
}

extension CompareRecord.Point {
    var document: JSONValue {
        .object([
            ("connections", .integer(connections)), ("size_bytes", .integer(size)),
            ("fixed_rate_per_s", .optional(fixedRate)),
            ("sparse_rate_per_s", .optional(sparseRate)),
            ("sparse_connections", .integer(sparseConnections)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init(
            connections: try document.at("connections").count() ?? 0,
            size: try document.at("size_bytes").count() ?? 0)
        fixedRate = try document.at("fixed_rate_per_s").number()
        sparseRate = try document.at("sparse_rate_per_s").number()
        sparseConnections = try document.at("sparse_connections").count() ?? 0
    }
}

extension CompareRecord.Sample {
    /// Readings in their order; one that is no number is left out, as JSON has none.
    var document: JSONValue {
        let readings = Reading.allCases.compactMap { reading in
            self.readings[reading].flatMap { value in
                value.isFinite ? (reading.rawValue, JSONValue.number(value)) : nil
            }
        }
        let bounds = Reading.allCases.filter(lowerBounds.contains)
        return .object([
            ("arm", .integer(arm)), ("point", .integer(point)), ("round", .integer(round)),
            ("position", .integer(position)), ("readings", .object(readings)),
            ("lower_bounds", .array(bounds.map { .text($0.rawValue) })),
            ("doubts", .array(doubts.map(JSONValue.text))),
        ])
    }

    init(_ document: JSONMember, arms: Int, points: Int) throws(DocumentError) {
        let readings = try document.at("readings")
        var values: [Reading: Double] = [:]
        for reading in Reading.allCases {
            values[reading] = try readings.at(reading.rawValue).number()
        }
        self.init(
            arm: try document.at("arm").place(among: arms),
            point: try document.at("point").place(among: points),
            round: try document.at("round").count() ?? 0,
            position: try document.at("position").count() ?? 0, readings: values)
        for bound in try document.at("lower_bounds").elements() {
            if let reading: Reading = try bound.choice() { lowerBounds.insert(reading) }
        }
        doubts = try document.at("doubts").texts()
    }
}

extension JSONMember {
    fileprivate func texts() throws(DocumentError) -> [String] {
        var texts: [String] = []
        for element in try elements() { texts.append(try element.text() ?? "") }
        return texts
    }

    /// A place in a list of so many.
    fileprivate func place(among count: Int) throws(DocumentError) -> Int {
        let place = try self.count() ?? 0
        guard place < count else { throw error("is \(place), and there are \(count)") }
        return place
    }
}
