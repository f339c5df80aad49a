import Reports
import Statistics

/// The tables of a comparison as values, so that the page and Markdown say the same.
struct CompareTables {
    let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    /// Every arm at a point: what a message costs, in words, and what is beside it; one that has no
    /// figure says why.
    func summary(at point: Int) -> PageTable {
        let readings = CompareTables.told.filter { reading in
            analysis.measured.contains { analysis.figure(reading, of: $0, at: point) != nil }
        }
        let rows = record.arms.indices.map { arm in
            let cost = analysis.figure(.cpu, of: arm, at: point)
            let reason = Wording.reason(record.arms[arm].outcome)
            return [
                Wording.name(record.arms[arm]),
                cost.map { [Wording.cost($0).0, Wording.cost($0).interval].joined(separator: " ") }
                    ?? "-",
                reason ?? cost.map { Wording.word($0.word, of: .cpu) } ?? "no round was finished",
            ] + readings.map { text($0, of: arm, at: point) }
        }
        return PageTable(
            title: "\(Wording.point(record.points[point])): \(analysis.course(at: point))",
            // With spaces, at which a head may be broken.
            head: ["server", "CPU per message over \(base)", "in words"]
                + readings.map { $0.title.replacing("/", with: " per ") },
            rows: rows)
    }

    /// What has a table with intervals, point by point: the more points, the fewer readings.
    var detailed: [(reading: Reading, point: Int)] {
        let readings: [Reading] =
            switch record.points.count {
            case ...1: Reading.allCases.filter { $0 != .threads && $0 != .processes }
            case ...4: Reading.headline
            default: [.rate, .cpu]
            }
        return record.points.indices.flatMap { point in
            readings.filter { reading in
                record.arms.indices.contains {
                    (analysis.figure(reading, of: $0, at: point)?.rounds.median ?? 0) > 0
                }
            }.map { ($0, point) }
        }
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
        let rows = [
            ["started", record.startedAt], ["processor", environment.cpuModel],
            ["cores", "\(environment.cores)"], ["kernel", environment.kernel],
            ["loadtest", environment.version + build],
            ["slice", Figures.time(seconds: record.slice)], ["seed", "\(record.seed)"],
        ]
        return PageTable(
            title: "Machine and session", head: ["", "this comparison"],
            rows: rows.map { [$0[0], $0[1].isEmpty ? "-" : $0[1]] })
    }

    private static let told: [Reading] = [
        .rate, .p50, .p99, .connectionMemory, .calls, .sparseCPU, .sparseP99, .idleCPU, .threads,
        .processes,
    ]

    private var base: String {
        record.arms.indices.contains(record.baseline)
            ? record.arms[record.baseline].name : "the baseline"
    }

    private func text(_ reading: Reading, of arm: Int, at point: Int) -> String {
        analysis.figure(reading, of: arm, at: point).map(reading.text) ?? "-"
    }
}
