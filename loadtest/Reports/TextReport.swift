import Generator

/// The report for people: one screen, at most 80 columns, bad news last.
///
/// Every section starts with a word that stays the same, so `grep '^latency'` works. Colour adds
/// nothing that the words do not say.
package struct TextReport {
    let record: RunRecord
    let style: Style

    static let width = 80
    /// Columns of the first word of a line.
    static let labelWidth = 11

    package init(_ record: RunRecord, style: Style = .plain) {
        self.record = record
        self.style = style
    }

    var plan: LoadPlan { record.plan }
    var run: Measurement { record.measurement }

    /// What is known before the run: the command prints it first, so that a reader knows what he
    /// waits for.
    package var preamble: [String] {
        let bundled = record.server.map {
            "started the bundled echo server (\($0.model), \($0.driver))"
        }
        let threads =
            "\(plan.threads) thread\(plan.threads == 1 ? "" : "s"), \(plan.driver.rawValue)"
        var shape = [
            "\(Figures.count(plan.connections)) connections",
            Figures.bytes(Double(plan.size.largest)),
        ]
        if plan.pipeline > 1 { shape.append("pipeline \(plan.pipeline)") }
        shape += [threads, "verify \(plan.verification.rawValue)", "seed \(plan.seed)"]
        return flow("target", [plan.target.description] + (bundled.map { [$0] } ?? []))
            + flow("load", shape)
    }

    /// What the run gave; stands below the preamble.
    package var results: [String] {
        var sections = [table]
        // A run that never got to the measured part has no figures to show, only what stopped it.
        if run.ledger.scheduled > 0 || run.phases.measured > 0 {
            sections += [histogram, figures]
        }
        sections.append(troubles)
        return connected + measured + sections.filter { !$0.isEmpty }.flatMap { [""] + $0 }
    }

    // MARK: - Sections

    private var connected: [String] {
        let (connects, took) = (run.connects, Figures.time(seconds: run.phases.connect))
        var parts = [
            "\(Figures.count(connects.ok)) of \(Figures.count(plan.connections)) up in \(took)"
        ]
        if connects.failed > 0 {
            parts.append(style.bad("\(Figures.count(connects.failed)) failed"))
        }
        if connects.cancelled > 0 { parts.append("\(Figures.count(connects.cancelled)) given up") }
        return flow("connected", parts)
    }

    private var measured: [String] {
        let phases = run.phases
        guard phases.measured > 0 else { return flow("measured", ["nothing"]) }
        var parts = [Figures.time(seconds: phases.measured)]
        if plan.fixedWarmup > .zero, phases.warmup > 0 {
            parts.append("after \(Figures.time(seconds: phases.warmup)) of warm-up")
        }
        if phases.drain > 0 {
            parts.append("last answers within \(Figures.time(seconds: phases.drain))")
        }
        return flow("measured", parts)
    }

    private var table: [String] {
        LatencyTable(latency: run.response.answered, connect: run.connectTimes).lines(style)
    }

    private var histogram: [String] { HistogramDrawing(run.response.answered).lines }

    private var figures: [String] { rate + cpu + memory + stream + ledger }

    private var rate: [String] {
        let seconds = run.phases.measured
        func perSecond(_ bytes: Int) -> String {
            Figures.bytes(seconds > 0 ? Double(bytes) / seconds : 0) + "/s"
        }
        return flow(
            "rate",
            [
                style.bold("\(Figures.short(run.rate))/s"), "out \(perSecond(run.bytes.out))",
                "in \(perSecond(run.bytes.in))",
            ]
        )
    }

    private var cpu: [String] {
        var parts: [String] = []
        if let cost = run.clientCPUPerRequest {
            parts.append("client \(Figures.time(seconds: cost))/message")
        }
        if let cost = run.serverCPUPerRequest, let server = run.server, run.phases.measured > 0 {
            let share = Figures.percent(server.cpu / run.phases.measured)
            parts.append("server \(Figures.time(seconds: cost))/message (\(share) of a core)")
        }
        return parts.isEmpty ? [] : flow("cpu", parts)
    }

    private var memory: [String] {
        guard let server = run.server else { return [] }
        func size(_ bytes: Int) -> String { Figures.bytes(Double(bytes)) }
        let growth = Double(server.residentConnected - server.residentBefore)
        let each = growth > 0 && run.connects.ok > 0 ? growth / Double(run.connects.ok) : nil
        let eachText = each.map { " (\(Figures.bytes($0)) each)" } ?? ""
        return flow(
            "memory",
            [
                "server \(size(server.residentBefore))",
                "connected \(size(server.residentConnected))\(eachText)",
                "end \(size(server.residentAfter))",
            ]
        )
    }

    private var stream: [String] {
        let bytes = run.bytes
        let verified = "\(Figures.count(bytes.verified)) bytes"
        let first =
            switch plan.verification {
            case .off: style.warning("echo not verified")
            case .full where bytes.verified == bytes.in: "every one of \(verified) verified"
            case .full: "\(verified) of \(Figures.count(bytes.in)) verified"
            }
        var parts = [first]
        if bytes.surplus > 0 { parts.append(style.bad("\(Figures.count(bytes.surplus)) surplus")) }
        if bytes.shortReads > 0 { parts.append("\(Figures.count(bytes.shortReads)) short reads") }
        if bytes.partialWrites > 0 {
            parts.append("\(Figures.count(bytes.partialWrites)) partial writes")
        }
        return flow("stream", parts)
    }

    private var ledger: [String] {
        let ledger = run.ledger
        let outcomes = [
            (ledger.corrupt, "corrupt"), (ledger.timedOut, "timed out"), (ledger.reset, "reset"),
            (ledger.closedEarly, "closed early"), (ledger.unanswered, "unanswered"),
        ]
        let terms = outcomes.map { count, word in
            count > 0 ? "+ " + style.bad("\(Figures.count(count)) \(word)") : "+ 0 \(word)"
        }
        let sum = "= \(Figures.count(ledger.answered)) answered"
        return flow(
            "ledger",
            ["\(Figures.count(ledger.scheduled)) scheduled", sum] + terms,
            separator: " "
        )
    }

    // MARK: - Layout

    /// A labelled line of parts; goes on below, without a label, where the width ends.
    func flow(_ label: String, _ parts: [String], separator: String = "   ") -> [String] {
        let indent = String(repeating: " ", count: TextReport.labelWidth)
        var lines = [style.bold(label.left(TextReport.labelWidth))]
        var column = TextReport.labelWidth
        for part in parts {
            let isFirst = column == TextReport.labelWidth
            let needed = part.visibleCount + (isFirst ? 0 : separator.count)
            if !isFirst, column + needed > TextReport.width {
                lines.append(indent + part)
                column = TextReport.labelWidth + part.visibleCount
            } else {
                lines[lines.count - 1] += (isFirst ? "" : separator) + part
                column += needed
            }
        }
        return lines
    }

    /// A labelled sentence, broken between its words.
    func sentence(_ label: String, _ text: String, _ color: (String) -> String = { $0 }) -> [String]
    {
        var parts: [String] = []
        for word in text.split(separator: " ") {
            let room = TextReport.width - TextReport.labelWidth
            if let last = parts.last, last.count + 1 + word.count <= room {
                parts[parts.count - 1] += " " + word
            } else {
                parts.append(String(word))
            }
        }
        return flow(label, parts.map(color))
    }
}

extension String {
    /// How many columns the text takes on a terminal, the colours taken out.
    var visibleCount: Int {
        var (count, isEscape) = (0, false)
        for character in self {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape { count += 1 }
            if isEscape, character == "m" { isEscape = false }
        }
        return count
    }
}
