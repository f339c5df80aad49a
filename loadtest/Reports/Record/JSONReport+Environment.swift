// The machine, the bundled server, thresholds and the verdict, written and read side by side.

extension RunRecord.Environment {
    package var document: JSONValue {
        .object([
            ("version", .text(version)), ("build", .text(isDebugBuild ? "debug" : "release")),
            ("kernel", .text(kernel)), ("cpu_model", .text(cpuModel)), ("cores", .integer(cores)),
            (
                "limits",
                .object([
                    ("nofile", .array([.integer(descriptorsSoft), .integer(descriptorsHard)]))
                ])
            ),
        ])
    }

    package init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        version = try document.at("version").text() ?? ""
        isDebugBuild = try document.at("build").text() == "debug"
        kernel = try document.at("kernel").text() ?? ""
        cpuModel = try document.at("cpu_model").text() ?? ""
        cores = try document.at("cores").count() ?? 1
        let limits = try document.at("limits").at("nofile").elements()
        guard limits.count == 2 else { return }
        descriptorsSoft = try limits[0].integer() ?? 0
        descriptorsHard = try limits[1].integer() ?? 0
    }
}

extension RunRecord.Server {
    var document: JSONValue {
        .object([
            ("model", .text(model)), ("driver", .text(driver)),
            ("exit_code", .integer(Int(exitCode))), ("killed", .bool(wasKilled)),
            // The server's own JSON stays a text: its members are not this schema's to promise.
            ("counters", .optional(counters, JSONValue.text)), ("last_words", .text(lastWords)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init(
            model: try document.at("model").text() ?? "",
            driver: try document.at("driver").text() ?? ""
        )
        exitCode = Int32(clamping: try document.at("exit_code").integer() ?? 0)
        wasKilled = try document.at("killed").bool() ?? false
        counters = try document.at("counters").text()
        lastWords = try document.at("last_words").text() ?? ""
    }
}

extension ThresholdResult {
    var document: JSONValue {
        .object([
            ("expr", .text(threshold.text)), ("value", .optional(valueInBaseUnits)),
            ("passed", .bool(!isFailure)), ("words", .text(words)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        let expression = try document.at("expr")
        do {
            let threshold = try Threshold(try expression.text() ?? "")
            let value = try document.at("value").number().map {
                ThresholdResult.value($0, of: threshold.metric)
            }
            self.init(
                threshold: threshold, value: value, words: try document.at("words").text() ?? "")
        } catch let error as DocumentError {
            throw error
        } catch {
            throw expression.error("cannot be judged by this version: \(error)")
        }
    }

    /// A value of base units in the metric's own: the one that gives the same base units again.
    private static func value(_ value: Double, of metric: Metric) -> Double {
        let near = value / metric.inBaseUnits(1)
        let candidates = [near, near.rounded(), near.nextUp, near.nextDown]
        return candidates.first { metric.inBaseUnits($0) == value } ?? near
    }
}

extension Verdict {
    var document: JSONValue {
        .object([
            ("level", .text(level.rawValue)), ("findings", .array(findings.map(\.document))),
        ])
    }

    /// The level follows from the findings.
    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        for finding in try document.at("findings").elements() {
            findings.append(try Finding(finding))
        }
    }
}

extension Verdict.Finding {
    fileprivate var document: JSONValue {
        .object([
            ("code", .text(code)), ("level", .text(level.rawValue)), ("value", .number(value)),
            ("limit", .number(limit)), ("text", .text(text)), ("remedy", .text(remedy)),
        ])
    }

    fileprivate init(_ document: JSONMember) throws(DocumentError) {
        self.init(
            code: try document.at("code").text() ?? "",
            level: try document.at("level").choice() ?? .suspect,
            // What is no number in a document was infinite.
            value: try document.at("value").number() ?? .infinity,
            limit: try document.at("limit").number() ?? .infinity,
            text: try document.at("text").text() ?? "",
            remedy: try document.at("remedy").text() ?? ""
        )
    }
}
