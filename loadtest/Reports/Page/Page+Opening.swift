import Charts
import Generator
import Statistics

/// The first screen of a page: what was run, what came of it, what the instrument says of itself.
extension Page {
    var opening: [String] {
        guard runs.count == 1 else {
            return [PageTables(runs: runs).overview.html, Page.paragraph("result", comparison)]
                + runs.map(verdict) + runs.map(gate)
        }
        let run = runs[0]
        let about = run.about.filter { $0 != run.name }.joined(separator: ", ")
        return [
            Page.paragraph("about", about), Page.paragraph("result", run.sentence), verdict(run),
            gate(run), Page.tiles(run.figures),
        ]
    }

    /// Which of several runs is ahead: "b answered most, 88,294 a second; a was answered soonest, 1
    /// in 100 above 5.67 ms". Empty where nothing was answered.
    private var comparison: String {
        let answered = runs.filter(\.run.wasAnswered)
        guard answered.count > 1, let fast = answered.max(by: { $0.run.rate < $1.run.rate }) else {
            return ""
        }
        let tails = answered.compactMap { run in
            let latency = run.latencies[0].latency
            return latency.supports(0.99)
                ? latency.value(at: 0.99).map { (run, Double($0.nanoseconds)) } : nil
        }
        // Runs at one rate differ by nothing in it.
        let isOpen = Set(answered.map(\.plan.rate)).count == 1 && fast.plan.rate != nil
        let rate = isOpen ? nil : "\(fast.name) answered most, \(Figures.rate(fast.run.rate))/s"
        let tail = tails.min { $0.1 < $1.1 }.map { run, value in
            "\(run.name) has the shortest p99, \(Figures.time(nanoseconds: value))"
        }
        let parts = [rate, tails.count == answered.count ? tail : nil].compactMap { $0 }
        return parts.isEmpty ? "" : parts.joined(separator: "; ") + "."
    }

    private static func paragraph(_ name: String, _ words: String) -> String {
        words.isEmpty ? "" : Markup.element("p", ["class": name], Markup.escape(words))
    }

    private static func tiles(_ figures: [(name: String, value: String)]) -> String {
        guard !figures.isEmpty else { return "" }
        let tiles = figures.map { name, value in
            Markup.element(
                "div", [:],
                Markup.element("dt", [:], Markup.escape(name))
                    + Markup.element("dd", [:], Markup.escape(value)))
        }
        return Markup.element("dl", ["class": "figures"], tiles.joined())
    }

    private func verdict(_ run: PageRun) -> String {
        let verdict = run.record.verdict
        return Page.verdict(
            verdict.level, on: runs.count == 1 ? "" : run.name,
            findings: verdict.findings.map { finding in
                let level = finding.level.rawValue.lowercased()
                return Markup.element("strong", [:], Markup.escape(finding.code))
                    + Markup.escape(" \(level): \(finding.text). ")
                    + Markup.element("i", [:], Markup.escape("→ " + finding.remedy))
            })
    }

    /// What became of `--fail-if`; nothing where it was not asked.
    private func gate(_ run: PageRun) -> String {
        let name = runs.count == 1 ? "" : "\(run.name): "
        return run.record.thresholds.map { result in
            let badge = Markup.element(
                "strong", ["class": "badge"], result.isFailure ? "FAILED" : "PASSED")
            let words = " \(name)--fail-if \(result.threshold.text): \(result.words)"
            return Markup.element(
                "p", ["class": result.isFailure ? "gate" : "gate passed"],
                badge + Markup.escape(words))
        }.joined(separator: "\n")
    }
}

extension PageRun {
    /// What was run, in pieces.
    var about: [String] {
        let size = PageTables.size(plan.size)
        let time = run.phases.measured
        return [record.description, size]
            + (time > 0 ? ["measured for \(Figures.time(seconds: time))"] : [])
    }

    /// What came of it: "62,500 answers a second, half of them within 16.0 ms, 1 in 100 above
    /// 20.7 ms; nothing lost."
    var sentence: String {
        if let reason = record.notStarted { return "Nothing was run: \(reason)." }
        guard run.wasAnswered else { return "Nothing was answered; \(losses)." }
        var parts = ["\(Figures.rate(run.rate)) answers a second"]
        if let wanted = plan.rate { parts[0] += " of \(Figures.rate(wanted)) wanted" }
        let latency = latencies[0].latency
        if latency.supports(0.5), let median = latency.value(at: 0.5) {
            let words = median.isLowerBound ? "half of them above" : "half of them within"
            parts.append("\(words) \(Figures.time(nanoseconds: Double(median.nanoseconds)))")
        }
        if latency.supports(0.99), let tail = latency.value(at: 0.99) {
            // Also where only a bound is known: above it they are.
            parts.append("1 in 100 above \(Figures.time(nanoseconds: Double(tail.nanoseconds)))")
        }
        let result = parts.joined(separator: ", ") + "; " + losses + "."
        let search = record.search.map { TextReport.words(of: $0, record.probes) + ". " } ?? ""
        let origin = TextReport(record).originWords.map { "Figures \($0). " } ?? ""
        return search + origin + result
    }

    private var losses: String {
        let (ledger, failures) = (run.ledger, run.failures)
        if ledger.failed > 0 {
            return "\(Figures.count(ledger.failed)) of \(Figures.count(ledger.scheduled)) requests "
                + "without their answer"
        }
        let errors = "\(Figures.count(failures)) error\(failures == 1 ? "" : "s")"
        if !run.wasAnswered { return errors }
        return failures > 0 ? "nothing lost, \(errors)" : "nothing lost"
    }

    /// What the sentence does not say: the far tail, and what it took.
    var figures: [(name: String, value: String)] {
        guard run.wasAnswered else { return [] }
        var figures: [(name: String, value: String)] = []
        let latency = latencies[0].latency
        let tail = [0.999, 0.9].first(where: latency.supports)
        if let tail, let value = latency.value(at: tail) {
            figures.append((Figures.name(ofQuantile: tail), PagePictures.text(value)))
        }
        if let longest = latency.max { figures.append(("longest", PagePictures.text(longest))) }
        if let cost = run.serverCPUPerRequest {
            figures.append(("server CPU for an answer", Figures.time(seconds: cost)))
        } else if let cost = run.clientCPUPerRequest {
            figures.append(("generator CPU for an answer", Figures.time(seconds: cost)))
        }
        if let memory = run.memoryPerConnection {
            figures.append(("server memory for a connection", Figures.bytes(memory)))
        } else if run.connectTimes.count > 0, let slowest = run.connectTimes.max {
            figures.append(
                ("longest connect", Figures.time(nanoseconds: Double(slowest))))
        }
        return figures
    }
}
