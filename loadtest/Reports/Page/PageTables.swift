import Generator
import Statistics
import Syscalls

/// The tables of a page: latencies, rates, steps, parts and errors.
struct PageTables {
    let runs: [PageRun]

    /// The name of a row: with the run's name before it, where there are several.
    private func name(_ run: PageRun, _ word: String) -> String {
        runs.count == 1 ? word : "\(run.name) \(word)"
    }

    var latencies: PageTable {
        PageTables.latencies(
            of: runs.flatMap { run in
                let rows =
                    run.latencies + [
                        ("send delay", run.run.sendDelay),
                        ("connect", Latency(answered: run.run.connectTimes)),
                    ]
                return rows.map { (name(run, $0.name), $0.latency) }
            }, at: Set(runs.flatMap(\.record.percentiles)).sorted())
    }

    /// A column for each latency that has a sample, so that a telephone shows the tail, too.
    static func latencies(
        of latencies: [(name: String, latency: Latency)],
        at quantiles: [Double] = Percentiles.usual
    ) -> PageTable {
        let filled = latencies.filter { $0.latency.count > 0 }
        let percentiles = quantiles.map { quantile in
            [Figures.name(ofQuantile: quantile)] + filled.map { text($0.latency, at: quantile) }
        }
        let rest = [
            ["max"] + filled.map { $0.latency.max.map(PagePictures.text) ?? "-" },
            ["mean"] + filled.map { mean(of: $0.latency) },
            ["samples"] + filled.map { Figures.count($0.latency.count) },
        ]
        return PageTable(
            title: "Latency; - where fewer than ten samples lie beyond a percentile",
            head: [""] + filled.map(\.name), rows: filled.isEmpty ? [] : percentiles + rest)
    }

    /// A dash where too few samples lie beyond.
    static func text(_ latency: Latency, at quantile: Double) -> String {
        guard latency.supports(quantile) else { return "-" }
        return latency.value(at: quantile).map(PagePictures.text) ?? "-"
    }

    /// Of what never ended there is no mean, only that it is more.
    private static func mean(of latency: Latency) -> String {
        let bound = latency.censored.count > 0 ? "≥ " : ""
        return latency.merged.mean.map { bound + Figures.time(nanoseconds: $0) } ?? "-"
    }

    /// The runs of a page, with their colours; narrow, so that a telephone shows the tail.
    var overview: PageTable {
        let isOpen = runs.contains { $0.plan.rate != nil }
        let hasFailed = runs.contains { $0.run.ledger.failed > 0 }
        let rows = runs.map { run in
            let latency = run.latencies[0].latency
            let wanted = run.plan.rate.map { Figures.rate($0) + "/s" } ?? "-"
            return [run.name, Figures.rate(run.run.rate) + "/s"]
                + [0.5, 0.99].map { PageTables.text(latency, at: $0) }
                + [latency.max.map(PagePictures.text) ?? "-"] + (isOpen ? [wanted] : [])
                + (hasFailed ? [Figures.count(run.run.ledger.failed)] : [])
        }
        var table = PageTable(
            title: isOpen ? "Runs; wanted is - in a closed loop" : "Runs",
            head: ["run", "rate", "p50", "p99", "longest"] + (isOpen ? ["wanted"] : [])
                + (hasFailed ? ["failed"] : []),
            rows: rows)
        table.isColored = true
        return table
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

    /// What became of datagrams; no row for a run of streams.
    var datagrams: PageTable {
        let rows = runs.filter { $0.plan.socket == .datagram }.map { run in
            let (ledger, seen) = (run.run.ledger, run.run.datagrams)
            let counts = [
                ledger.scheduled, ledger.answered, ledger.lost, seen.late, seen.duplicated,
                seen.reordered,
            ]
            return [run.name] + counts.map(Figures.count)
                + [Figures.part(ledger.lost, of: ledger.scheduled)]
        }
        return PageTable(
            title: "Datagrams; late are those of the lost that came after all",
            head: [
                "run", "scheduled", "answered", "lost", "late", "twice", "out of order", "loss",
            ], rows: rows)
    }

    var steps: PageTable {
        let rows = runs.flatMap { run in
            run.probesByRate.map { probe in
                let values = [0.5, 0.99].map {
                    PageTables.text(probe.measurement.response, at: $0)
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
                ] + [0.5, 0.9, 0.95, 0.99].map { PageTables.text(part.response, at: $0) }
                    + [part.level.rawValue]
            }
        }
        return PageTable(
            title: "Parts of the run",
            head: [
                "part", "connections", "answered", "failed", "rate", "p50", "p90", "p95", "p99",
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

/// What a reader needs to repeat a run: the machine, the build, the load and its seed.
extension PageTables {
    var environment: PageTable {
        let columns = runs.map(PageTables.environment)
        let names = columns.first?.map(\.0) ?? []
        let rows = names.indices.map { row in [names[row]] + columns.map { $0[row].1 } }
        // A row in which no run has anything to say is left out.
        return PageTable(
            title: "Environment and load", head: [""] + runs.map(\.name),
            rows: rows.filter { $0.dropFirst().contains { $0 != "-" } })
    }

    /// The same names in the same order for every run.
    private static func environment(of run: PageRun) -> [(String, String)] {
        let (record, plan) = (run.record, run.plan)
        let environment = record.environment
        let server = record.server.map { server in
            (server.count == 1 ? "" : "\(server.count) ")
                + "bundled: \(server.model), \(server.driver)"
        }
        return [
            ("started", filled(record.startedAt)), ("run", filled(record.id)),
            ("name", record.labels.name ?? "-"),
            ("notes", filled(record.labels.noteTexts.joined(separator: ", "))),
            ("shard", record.shard.map { "\($0.index) of \($0.count)" } ?? "-"),
            ("loadtest", environment.version + (environment.isDebugBuild ? ", DEBUG build" : "")),
            ("kernel", filled(environment.kernel)), ("processor", filled(environment.cpuModel)),
            ("cores", "\(environment.cores)"),
            (
                "descriptors",
                Figures.count(environment.descriptorsSoft) + " of "
                    + Figures.count(environment.descriptorsHard)
            ),
            ("target", plan.targetText), ("server", server ?? "-"),
            ("generator", plan.generatorWords),
        ] + load(of: plan)
    }

    private static func load(of plan: LoadPlan) -> [(String, String)] {
        [
            ("seed", "\(plan.seed)"), ("connections", Figures.count(plan.connections)),
            ("idle connections", plan.idle > 0 ? Figures.count(plan.idle) : "-"),
            ("loop", loop(of: plan)), ("size", size(plan.size)),
            ("verify", plan.verification.rawValue),
            ("split", plan.split == .none ? "-" : plan.split.rawValue),
            ("a connection per request", plan.connectsPerRequest ? "yes" : "-"),
            ("requests per connection", plan.requestsPerConnection.map(Figures.count) ?? "-"),
        ]
    }

    private static func loop(of plan: LoadPlan) -> String {
        guard let rate = plan.rate else { return "closed, pipeline \(plan.pipeline)" }
        return
            "open, \(Figures.rate(rate))/s \(plan.arrivals.rawValue), pace \(plan.pace.rawValue)"
    }

    static func size(_ law: SizeLaw) -> String {
        switch law {
        case .fixed(let size): Figures.bytes(Double(size))
        case .uniform(let range):
            "\(Figures.bytes(Double(range.lowerBound))) to "
                + Figures.bytes(Double(range.upperBound))
        case .weighted(let weights):
            weights.map { "\(Figures.bytes(Double($0.size))): \(Figures.short($0.weight))" }
                .joined(separator: ", ")
        }
    }

    private static func filled(_ text: String) -> String { text.isEmpty ? "-" : text }
}

extension RunRecord {
    /// The command that repeats the run, as a shell reads it.
    var repeatCommand: String { RunRecord.shellWords(commandLine) }

    /// A command line as a shell reads it.
    package static func shellWords(_ words: [String]) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,%+@")
        return words.map { word in
            if !word.isEmpty, word.allSatisfy(plain.contains) { return word }
            let quoted = word.split(separator: "'", omittingEmptySubsequences: false)
            return "'" + quoted.joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }
}
