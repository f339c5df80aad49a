import Generator
import Statistics

// The runs that were made besides the one that is reported: steps, a search, a maximum, a proof;
// and the parts that it was merged from.

extension TextReport {
    var probes: [String] { maximum + steps + headroom + parts }

    private func probes(_ purpose: RunRecord.Probe.Purpose) -> [RunRecord.Probe] {
        record.probes.filter { $0.purpose == purpose }
    }

    /// What a share such as `--rate 70%` is a share of.
    private var maximum: [String] {
        probes(.maximum).flatMap { probe in
            let rate = probe.measurement.rate
            var parts = ["\(Figures.rate(rate))/s in a closed loop"]
            if let wanted = plan.rate, rate > 0 {
                let share = Figures.fixed(wanted / rate * 100, decimals: 1)
                parts.append("\(Figures.rate(wanted))/s wanted is \(share) % of it")
            }
            return flow("maximum", parts)
        }
    }

    private var steps: [String] {
        let steps = probes(.step)
        if steps.isEmpty { return [] }
        return row(
            "steps",
            titles(["wanted", "achieved", "p50", "p99", "held", "verdict"], TextReport.stepColumns)
        ) + steps.flatMap { row("", titles(cells(of: $0), TextReport.stepColumns)) }
    }

    private static let stepColumns = [13, 13, 12, 12, 6, 11]

    private func titles(_ texts: [String], _ columns: [Int]) -> [(text: String, column: Int)] {
        zip(texts, columns).map { ($0, $1) }
    }

    private func cells(of probe: RunRecord.Probe) -> [String] {
        let run = probe.measurement
        let wanted = probe.plan.rate.map { Figures.rate($0) + "/s" } ?? "closed loop"
        return [wanted, Figures.rate(run.rate) + "/s"] + times(of: run.response) + [
            probe.holds.map { $0 ? "yes" : "no" } ?? "-", style.level(probe.verdict.level),
        ]
    }

    /// The median and the 99th percentile.
    private func times(of latency: Latency) -> [String] {
        [0.5, 0.99].map { quantile in
            let isKnown = latency.supports(quantile)
            return (isKnown ? latency.value(at: quantile).map(Figures.time) : nil) ?? "-"
        }
    }

    /// Which of several runs the figures are of; empty where there is one.
    var origin: [String] { originWords.map { sentence("figures", $0) } ?? [] }

    /// The same in words; nil where there is one.
    var originWords: String? {
        let steps = probes(.step)
        if let place = steps.firstIndex(where: { $0.plan.rate == plan.rate }) {
            let rate = plan.rate.map { ", \(Figures.rate($0))/s" } ?? ""
            let reason =
                steps[place].holds == true
                ? "the highest rate that held" : "no rate held, and this is the lowest"
            return "of step \(place + 1) of \(steps.count)\(rate): \(reason)"
        }
        guard let search = record.search, let rate = plan.rate else { return nil }
        let run = "of the last run at \(Figures.rate(rate))/s"
        return search.rate == nil ? run : run + ", which confirmed that rate"
    }

    /// The answer of a search, which is the first line of its report.
    var search: [String] {
        guard let search = record.search else { return [] }
        let words = TextReport.words(of: search, record.probes)
        return sentence("search", words, search.rate == nil ? style.warning : { $0 })
    }

    /// "p99<2ms held at 31,000/s in 14 tries; it failed at 32,500/s".
    static func words(of search: RunRecord.Search, _ probes: [RunRecord.Probe]) -> String {
        let tries = probes.filter { $0.purpose == .search }
        let times = tries.count == 1 ? "1 try" : "\(Figures.count(tries.count)) tries"
        let once = tries.filter { $0.holds == true }.compactMap(\.plan.rate).max()
        let bound = bound(of: tries, above: search.rate ?? once ?? 0)
        if let rate = search.rate {
            return "\(search.condition) held at \(Figures.rate(rate))/s in \(times)\(bound)"
        }
        guard let once else {
            return "\(search.condition) held nowhere in \(times)\(bound)"
        }
        return "\(search.condition) held at \(Figures.rate(once))/s once, and nowhere three times, "
            + "in \(times)\(bound)"
    }

    /// The lowest rate above one at which the condition did not hold, or could not be judged.
    private static func bound(of tries: [RunRecord.Probe], above found: Double) -> String {
        let beyond = tries.filter {
            ($0.holds == false || $0.verdict.blamesGenerator) && ($0.plan.rate ?? 0) > found
        }
        guard let lowest = beyond.min(by: { ($0.plan.rate ?? 0) < ($1.plan.rate ?? 0) }),
            let rate = lowest.plan.rate
        else { return "" }
        if lowest.holds == false { return "; it failed at \(Figures.rate(rate))/s" }
        let codes = lowest.verdict.findings.filter { $0.level == .invalid }.map(\.code)
        return "; the generator's limit: \(Figures.rate(rate))/s cannot be judged, "
            + codes.joined(separator: " ")
    }

    /// What half of the threads made of the same load.
    private var headroom: [String] {
        probes(.headroom).flatMap { probe in
            let (rate, full) = (probe.measurement.rate, run.rate)
            let share = full > 0 ? " (\(Figures.fixed(rate / full * 100, decimals: 1)) %)" : ""
            return flow(
                "headroom",
                [
                    "\(probe.plan.threads) of \(plan.threads) threads made "
                        + "\(Figures.rate(rate))/s of \(Figures.rate(full))\(share)"
                ])
        }
    }

    /// What each part of a merged run saw: one client machine that is worse than the others shows.
    private var parts: [String] {
        if record.shards.isEmpty { return [] }
        let columns = [6, 14, 12, 12, 12, 11]
        return row(
            "parts", titles(["shard", "answered", "rate", "p50", "p99", "verdict"], columns))
            + record.shards.flatMap { row("", titles(cells(of: $0), columns)) }
    }

    private func cells(of part: RunRecord.ShardPart) -> [String] {
        [String(part.index), Figures.count(part.answered), Figures.rate(part.rate) + "/s"]
            + times(of: part.response) + [style.level(part.level)]
    }
}
