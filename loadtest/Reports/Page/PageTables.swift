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
            })
    }

    /// A row for each latency that has a sample.
    static func latencies(of rows: [(name: String, latency: Latency)]) -> PageTable {
        let names = LatencyTable.quantiles.map(Figures.name(ofQuantile:))
        return PageTable(
            title: "Latency; - where fewer than ten samples lie beyond a percentile",
            head: [""] + names + ["max", "mean", "samples"],
            rows: rows.filter { $0.latency.count > 0 }.map { [$0.name] + cells(of: $0.latency) })
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
                ] + PageTables.cells(of: part.response).prefix(4) + [part.level.rawValue]
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

    private static func size(_ law: SizeLaw) -> String {
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
