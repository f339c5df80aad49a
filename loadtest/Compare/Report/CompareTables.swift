import Reports
import Statistics

/// The tables of a comparison as values, so that the page and Markdown say the same.
struct CompareTables {
    let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    /// Every arm with its rate at a point, in words; one that has none says why.
    func answers(at point: Int) -> PageTable {
        let rows = record.arms.indices.map { arm in
            [
                Wording.name(record.arms[arm]), text(.rate, of: arm, at: point),
                Wording.reason(record.arms[arm].outcome) ?? words(.rate, of: arm, at: point),
            ]
        }
        return PageTable(
            title: "Rate with all busy: \(Wording.point(record.points[point]))",
            head: ["server", "rate", "vs \(base)"], rows: rows)
    }

    /// What an answer takes, and what being there takes.
    func costs(at point: Int) -> PageTable {
        let readings = CompareTables.costs.filter { reading in
            analysis.measured.contains { analysis.figure(reading, of: $0, at: point) != nil }
        }
        let rows = analysis.measured.map { arm in
            [Wording.name(record.arms[arm])] + readings.map { text($0, of: arm, at: point) }
        }
        return PageTable(
            title: "What it takes: \(Wording.point(record.points[point]))",
            // With spaces, at which a head may be broken.
            head: ["server"] + readings.map { $0.title.replacing("/", with: " per ") },
            rows: rows)
    }

    /// One reading of every arm with its interval, and how it stands.
    func detail(of reading: Reading, at point: Int) -> PageTable {
        let rows = analysis.measured.compactMap { arm -> [String]? in
            guard let figure = analysis.figure(reading, of: arm, at: point) else { return nil }
            let interval = figure.rounds.interval.map {
                "\(reading.text($0.low)) to \(reading.text($0.high))"
            }
            let apart = figure.rounds.standsApart.count { $0 }
            return [
                Wording.name(record.arms[arm]), reading.text(figure), interval ?? "-",
                figure.ratio.map(Wording.change) ?? "-", Wording.word(figure.word, of: reading),
                figure.probability.map(Wording.probability) ?? "-",
                figure.smallest.map(Wording.share) ?? "-", apart > 0 ? "\(apart)" : "-",
            ]
        }
        return PageTable(
            title: heading(reading, at: point),
            head: [
                "server", "median", "95 % interval", "vs \(base)", "in words", "p, corrected",
                "seen from", "rounds apart",
            ], rows: rows)
    }

    /// "CPU/message, all busy: 100 connections of 64 B".
    func heading(_ reading: Reading, at point: Int) -> String {
        let load = record.points[point]
        let place = Wording.point(load)
        let rate = { (rate: Double?) in rate.map { " at \(Figures.rate($0))/s" } ?? "" }
        return switch reading {
        case .rate, .cpu, .switches: "\(reading.title), all busy: \(place)"
        case .calls: "\(reading.title): \(place)"
        case .p50, .p99: "\(reading.title)\(rate(load.fixedRate)) for all servers: \(place)"
        case .sparseCPU, .sparseP99:
            "\(reading.title)\(rate(load.sparseRate)), "
                + "\(Figures.count(load.sparseConnections)) talk: \(place)"
        case .idleMemory: "memory before the first connection"
        case .connectionMemory: "memory for a connection: \(place)"
        case .idleCPU, .threads, .processes:
            "\(reading.title) with all connections silent: \(place)"
        }
    }

    /// What shows which mechanism served, and what must be known of a server.
    var arms: PageTable {
        let rows = record.arms.filter { !$0.isControl }.map { arm in
            let command: String? = if case .foreign(let line) = arm.kind { line } else { nil }
            let notes = arm.notes + [command].compactMap { $0.map { "command: \($0)" } }
            return [
                Wording.name(arm), arm.proof.isEmpty ? "-" : arm.proof,
                notes.isEmpty ? "-" : notes.joined(separator: "; "),
            ]
        }
        return PageTable(
            title: "What shows which mechanism served",
            head: ["server", "by its own counters", "notes"], rows: rows)
    }

    /// The machine and the session.
    var session: PageTable {
        let environment = record.environment
        let build = environment.isDebugBuild ? ", DEBUG build" : ""
        let rounds =
            analysis.rounds == record.rounds
            ? "\(record.rounds)" : "\(analysis.rounds) of \(record.rounds)"
        let rows = [
            ["started", record.startedAt], ["processor", environment.cpuModel],
            ["cores", "\(environment.cores)"], ["kernel", environment.kernel],
            ["loadtest", environment.version + build], ["rounds", rounds],
            ["each load", Figures.short(record.seconds) + " s"], ["seed", "\(record.seed)"],
        ]
        return PageTable(
            title: "Machine and session", head: ["", "this comparison"],
            rows: rows.map { [$0[0], $0[1].isEmpty ? "-" : $0[1]] })
    }

    private static let costs: [Reading] = [
        .p99, .cpu, .sparseCPU, .connectionMemory, .idleCPU, .calls, .threads, .processes,
    ]

    private var base: String {
        record.arms.indices.contains(record.baseline)
            ? record.arms[record.baseline].name : "the baseline"
    }

    private func text(_ reading: Reading, of arm: Int, at point: Int) -> String {
        analysis.figure(reading, of: arm, at: point).map(reading.text) ?? "-"
    }

    /// "+9.1 % [+6.0, +12.2] faster".
    func words(_ reading: Reading, of arm: Int, at point: Int) -> String {
        guard let figure = analysis.figure(reading, of: arm, at: point) else {
            return "no round was finished"
        }
        let word = figure.word == .shown ? "" : Wording.word(figure.word, of: reading)
        return [figure.ratio.map(Wording.change), word].compactMap { $0 }
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
