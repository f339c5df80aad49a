import Generator

/// The report for people: one screen, at most 80 columns. It begins with what people came for, and
/// whether that can be believed; bad news in full stands last.
///
/// Every section starts with a word that stays the same, so `grep '^response'` works. Colour adds
/// nothing that the words do not say.
package struct TextReport {
    let record: RunRecord
    let style: Style
    /// Columns of a line.
    let width: Int
    /// Lines of a screen; nil where any number of them can be read.
    let rows: Int?

    /// Below that many columns words and figures no longer fit side by side.
    private static let widthMin = 30

    /// `screen` is the terminal that it goes to, where it goes to one.
    package init(
        _ record: RunRecord, style: Style = .plain, screen: (columns: Int, rows: Int)? = nil
    ) {
        self.record = record
        self.style = style
        width = min(TextReport.width, max(TextReport.widthMin, screen?.columns ?? .max))
        rows = screen?.rows
    }

    var plan: LoadPlan { record.plan }
    var run: Measurement { record.measurement }

    /// What is known before the run: the command prints it first, so that it is known what is
    /// being waited for.
    ///
    /// `loop` says in a few words how requests are made where the plan does not know it yet.
    package func preamble(loop: String? = nil) -> [String] {
        let bundled = record.server.map { server in
            let servers =
                server.count == 1
                ? "the bundled echo server" : "\(server.count) bundled echo servers on this port"
            return "started \(servers) (\(server.model), \(server.driver))"
        }
        return labels + flow("target", [plan.targetText] + (bundled.map { [$0] } ?? []))
            + flow("load", shape(loop: loop)) + part
    }

    /// What the run gave; stands below the preamble.
    ///
    /// On a screen that has no room for all of it the histogram is left out: the figures stay.
    package var results: [String] {
        let all = results(drawing: HistogramDrawing(run.response.answered).lines(width: width))
        guard let rows, all.count >= rows else { return all }
        return results(drawing: [])
    }

    private func results(drawing: [String]) -> [String] {
        var sections = [headline, LatencyTable(record).lines(style, width: width)]
        // A run that never got to the measured part has no figures to show, only what stopped it.
        sections += hasFigures ? [drawing, connected + measured + figures] : [connected + measured]
        sections += [probes, troubles]
        return Array(sections.filter { !$0.isEmpty }.joined(separator: [""]))
    }

    var hasFigures: Bool { run.ledger.scheduled > 0 || run.phases.measured > 0 }

    // MARK: - The headline

    /// Percentiles that people ask for first.
    private static let quantiles = [0.5, 0.9, 0.95, 0.99]

    private var headline: [String] {
        guard hasFigures else { return search + verdict }
        return search + origin
            + flow("result", [rateWords] + (plan.rate == nil ? ["closed loop"] : []) + [errorWords])
            + flow("", times) + verdict
    }

    private var rateWords: String {
        let achieved = style.bold("\(Figures.rate(run.rate))/s")
        return plan.rate.map { "\(achieved) of \(Figures.rate($0))/s wanted" } ?? achieved
    }

    private var errorWords: String {
        let count = run.failures
        return (count > 0 ? style.bad : { $0 })("errors \(Figures.count(count))")
    }

    private var times: [String] {
        let response = run.response
        let percentiles = TextReport.quantiles.filter(response.supports).compactMap { quantile in
            response.value(at: quantile).map {
                "\(Figures.name(ofQuantile: quantile)) \(Figures.time($0))"
            }
        }
        return percentiles + (response.max.map { ["max \(Figures.time($0))"] } ?? [])
    }

    // MARK: - Before the figures

    private var labels: [String] {
        let texts = record.labels.texts
        return texts.isEmpty ? [] : sentence("run", texts.joined(separator: "   "))
    }

    private func shape(loop: String?) -> [String] {
        var shape = ["\(Figures.count(plan.connections)) connections"]
        if plan.idle > 0 { shape.append("\(Figures.count(plan.idle)) idle") }
        if let loop {
            shape.append(loop)
        } else if let rate = plan.rate {
            shape.append("open loop \(Figures.rate(rate))/s \(plan.arrivals.rawValue)")
        } else {
            shape.append("closed loop")
        }
        shape.append(size)
        if plan.pipeline > 1 { shape.append("pipeline \(plan.pipeline)") }
        return shape + [
            plan.generatorWords,
            "verify \(plan.verification.rawValue)", "seed \(plan.seed)",
        ]
    }

    private var size: String {
        func bytes(_ size: Int) -> String { Figures.bytes(Double(size)) }
        switch plan.size {
        case .fixed(let size): return bytes(size)
        case .uniform(let range): return "\(bytes(range.lowerBound)) to \(bytes(range.upperBound))"
        case .weighted(let weights): return "\(weights.count) sizes to \(bytes(plan.size.largest))"
        }
    }

    private var part: [String] {
        guard let shard = record.shard else { return [] }
        return flow("part", ["shard \(shard.index) of \(shard.count), run \(record.id)"])
    }

    private var connected: [String] {
        let connects = run.connects
        let (up, wanted) = (connects.ok - connects.reopened, plan.connections + plan.idle)
        let took = Figures.time(seconds: run.phases.connect)
        var parts = ["\(Figures.count(up)) of \(Figures.count(wanted)) up in \(took)"]
        func add(_ count: Int, _ words: String, _ color: (String) -> String = { $0 }) {
            if count > 0 { parts.append(color("\(Figures.count(count)) \(words)")) }
        }
        add(plan.idle, "of them idle")
        add(connects.reopened, "opened again later")
        add(connects.failed, "failed", style.bad)
        add(connects.portShortages, "for want of a local port", style.warning)
        add(connects.cancelled, "given up")
        add(connects.selfConnects, "connected to themselves", style.warning)
        return flow("connected", parts)
    }

    private var measured: [String] {
        let phases = run.phases
        guard phases.measured > 0 else { return flow("measured", ["nothing"]) }
        var parts = [Figures.time(seconds: phases.measured)]
        if phases.warmup > 0, plan.fixedWarmup > .zero || plan.ramp > .zero {
            let state = phases.isSteady.map { $0 ? " (steady)" : style.warning(" (not steady)") }
            parts.append("after \(Figures.time(seconds: phases.warmup)) of warm-up\(state ?? "")")
        }
        if phases.drain > 0 {
            parts.append("last answer after \(Figures.time(seconds: phases.drain))")
        }
        return flow("measured", parts)
    }
}

extension LoadPlan {
    /// What the generator is made of: "5 shards, epoll".
    var generatorWords: String {
        let word = separatesDescriptors ? "shard" : "thread"
        return "\(threads) \(word)\(threads == 1 ? "" : "s"), \(driver.rawValue)"
    }
}

/// The one line that `-q` leaves of a report.
package enum SummaryLine {
    /// The most important figures, the verdict and the exit code, without a line feed.
    package static func text(_ record: RunRecord) -> String {
        let run = record.measurement
        let up = run.connects.ok - run.connects.reopened
        var parts = record.labels.name.map { [$0] } ?? []
        parts += record.search.map { [TextReport.words(of: $0, record.probes)] } ?? []
        parts += ["\(Figures.count(up)) connections", rate(record)]
        // In a closed loop there is nothing but the service to speak of.
        if record.plan.rate == nil, run.response.count > 0 { parts.append("closed loop") }
        for quantile in [0.5, 0.99] where run.response.supports(quantile) {
            guard let value = run.response.value(at: quantile) else { continue }
            parts.append("\(Figures.name(ofQuantile: quantile)) \(Figures.time(value))")
        }
        if let largest = run.response.max { parts.append("max \(Figures.time(largest))") }
        parts.append("errors \(Figures.count(run.failures))")
        for result in record.thresholds where result.isFailure {
            parts.append("failed \(result.threshold.text) (\(result.words))")
        }
        if run.phases.measured > 0 || !record.verdict.findings.isEmpty {
            let codes = record.verdict.findings.filter { $0.level > .note }.map(\.code)
            parts.append(([record.verdict.level.rawValue] + codes).joined(separator: " "))
        }
        if record.exitCode != 0 { parts.append("exit \(record.exitCode)") }
        return parts.joined(separator: "   ")
    }

    private static func rate(_ record: RunRecord) -> String {
        let achieved = "\(Figures.rate(record.measurement.rate))/s"
        return record.plan.rate.map { "\(achieved) of \(Figures.rate($0))" } ?? achieved
    }
}
