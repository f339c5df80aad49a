import Generator
import Syscalls

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
        let server = record.server.map { "bundled: \($0.model), \($0.driver)" }
        return [
            ("started", filled(record.startedAt)), ("run", filled(record.id)),
            ("shard", record.shard.map { "\($0.index) of \($0.count)" } ?? "-"),
            ("loadtest", environment.version + (environment.isDebugBuild ? ", DEBUG build" : "")),
            ("kernel", filled(environment.kernel)), ("processor", filled(environment.cpuModel)),
            ("cores", "\(environment.cores)"),
            (
                "descriptors",
                Figures.count(environment.descriptorsSoft) + " of "
                    + Figures.count(environment.descriptorsHard)
            ),
            ("target", plan.target.description), ("server", server ?? "-"),
            ("generator", threads(of: plan)),
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

    private static func threads(of plan: LoadPlan) -> String {
        "\(plan.threads) thread\(plan.threads == 1 ? "" : "s"), \(plan.driver.rawValue)"
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
