import Generator
import Statistics

/// The tables of a page: latencies, rates, steps, parts and errors.
struct PageTables {
    let runs: [PageRun]

    /// The name of a row: with the run's name before it, where there are several.
    private func name(_ run: PageRun, _ word: String) -> String {
        runs.count == 1 ? word : "\(run.name) \(word)"
    }

    var latencies: PageTable {
        let names = LatencyTable.quantiles.map(Figures.name(ofQuantile:))
        let rows = runs.flatMap { run in
            var rows = run.latencies
            if run.run.sendDelay.count > 0 { rows.append(("send delay", run.run.sendDelay)) }
            var connect = Latency()
            connect.answered = run.run.connectTimes
            rows.append(("connect", connect))
            return rows.filter { $0.1.count > 0 }.map {
                [name(run, $0.0)] + PageTables.cells(of: $0.1)
            }
        }
        return PageTable(
            title: "Latency; - where fewer than ten samples lie beyond a percentile",
            head: [""] + names + ["max", "mean", "samples"], rows: rows)
    }

    private static func cells(of latency: Latency) -> [String] {
        let percentiles = LatencyTable.quantiles.map { quantile in
            latency.supports(quantile)
                ? latency.value(at: quantile).map(PagePictures.text) ?? "-" : "-"
        }
        // Of what never ended there is no mean, only that it is more.
        let mean = latency.merged.mean.map {
            (latency.censored.count > 0 ? "≥ " : "") + Figures.time(nanoseconds: $0)
        }
        return percentiles
            + [
                latency.max.map(PagePictures.text) ?? "-", mean ?? "-",
                Figures.count(latency.count),
            ]
    }

    var throughput: PageTable {
        let rows = runs.map { run in
            let (ledger, rate) = (run.run.ledger, run.run.rate)
            let cost = run.run.clientCPUPerRequest.map { Figures.time(seconds: $0) }
            let serverCost = run.run.serverCPUPerRequest.map { Figures.time(seconds: $0) }
            return [
                run.name, Figures.rate(rate) + "/s",
                run.plan.rate.map { Figures.rate($0) + "/s" } ?? "-",
                Figures.count(ledger.scheduled), Figures.count(ledger.answered),
                Figures.count(ledger.failed), cost ?? "-", serverCost ?? "-",
                run.record.verdict.level.rawValue,
            ]
        }
        return PageTable(
            title: "Throughput; wanted is - in a closed loop, CPU is per answer",
            head: [
                "run", "rate", "wanted", "scheduled", "answered", "failed", "client CPU",
                "server CPU", "verdict",
            ], rows: rows)
    }

    var steps: PageTable {
        let rows = runs.flatMap { run in
            run.probesByRate.map { probe in
                let response = probe.measurement.response
                let values = [0.5, 0.99].map { quantile in
                    response.supports(quantile)
                        ? response.value(at: quantile).map(PagePictures.text) ?? "-" : "-"
                }
                let wanted = probe.plan.rate.map { Figures.rate($0) + "/s" } ?? "-"
                return [name(run, wanted), Figures.rate(probe.measurement.rate) + "/s"] + values
                    + [probe.verdict.level.rawValue]
            }
        }
        return PageTable(
            title: "Rates that were run", head: ["wanted", "achieved", "p50", "p99", "verdict"],
            rows: rows)
    }

    /// What each machine of a merged run saw: one that is worse than the others must be seen.
    var parts: PageTable {
        let rows = runs.flatMap { run in
            run.record.shards.map { part in
                [
                    name(run, "part \(part.index)"), Figures.count(part.connections),
                    Figures.count(part.answered), Figures.count(part.failed),
                    Figures.rate(part.rate) + "/s",
                ] + PageTables.cells(of: part.response).prefix(3) + [part.level.rawValue]
            }
        }
        return PageTable(
            title: "Parts of the run",
            head: [
                "part", "connections", "answered", "failed", "rate", "p50", "p90", "p99",
                "verdict",
            ], rows: rows)
    }

    var errors: PageTable {
        let rows = runs.flatMap { run in
            run.run.errors.map { row in
                [
                    name(run, row.phase.rawValue), row.errno, Figures.count(row.count),
                    "+" + Figures.fixed(row.firstSeen, decimals: 2) + " s",
                    Figures.count(row.exampleConnection), Hints.hint(for: row),
                ]
            }
        }
        return PageTable(
            title: "Errors by phase and error number",
            head: ["phase", "errno", "count", "first", "a connection", "what to do"], rows: rows)
    }
}
