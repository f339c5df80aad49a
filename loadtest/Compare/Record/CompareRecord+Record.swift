import Reports
import Statistics

// A comparison for programs: schema `swiftlet.compare/2`, described by `docs/compare.schema.json`.
//
// The record stands there whole, so that a document gives it back; beside it stands what was made
// of it, `figures` to `doubts`, which a reader of documents passes over.

extension CompareRecord {
    package static let fields: [Field<CompareRecord>] =
        [
            .schema("swiftlet.compare/2", "comparison"),
            Field("started_at", \.startedAt, .text), Field("command", \.commandLine, .list(.text)),
            .group("run", Labels.fields.within(\.labels)),
            Field("transport", \.transport, .choice),
            Field("seed", \.seed, .whole), Field("rounds", \.rounds, .optional(.count)),
            Field("slice_s", \.slice, .number), Field("time_s", \.time, .number),
            Field("precision", \.precision, .number),
            Field("interrupted", \.isInterrupted, .flag),
            Field("notes", \.notes, .list(.text)), Field("env", \.environment, .part),
            Field("baseline", \.baseline, .count), Field("arms", \.arms, .list(.part)),
            Field("points", \.points, .list(.part)), Field("samples", \.samples, .list(.part)),
        ] + conclusions

    package init(from decoder: any Decoder) throws {
        self.init()
        let members = try Members(decoder)
        for field in CompareRecord.fields { try field.read(&self, members) }
        func check(_ place: Int, _ count: Int, _ path: String) throws {
            guard place < max(1, count) else {
                throw members.error(path, "is \(place), and there are \(count)")
            }
        }
        try check(baseline, arms.count, "baseline")
        for (index, sample) in samples.enumerated() {
            try check(sample.arm, arms.count, "samples[\(index)].arm")
            try check(sample.point, points.count, "samples[\(index)].point")
        }
    }

    /// What was made of the record.
    private static let conclusions: [Field<CompareRecord>] = [
        Field("figures", value: { CompareAnalysis($0).figureRows }),
        Field("noise", value: { CompareAnalysis($0).noiseRows }),
        Field("blocking", value: { CompareAnalysis($0).blockingRows }),
        .derived("doubts", .list(.text)) { CompareAnalysis($0).doubts },
    ]
}

extension CompareRecord.Arm {
    package static let fields: [Field<Self>] = [
        Field("name", \.name, .text), Field("model", \.model, .optional(.text)),
        Field("driver", \.driver, .optional(.text)),
        Field("command", \.command, .optional(.text)), Field("outcome", \.outcomeWord, .choice),
        Field("reasons", \.reasons, .list(.text)), Field("control", \.isControl, .flag),
        Field("proof", \.proof, .text), Field("notes", \.notes, .list(.text)),
    ]

    private var model: String? {
        get { if case .bundled(let model, _) = kind { model } else { nil } }
        set { if let newValue { kind = .bundled(model: newValue, driver: driver ?? "") } }
    }

    private var driver: String? {
        get { if case .bundled(_, let driver) = kind { driver } else { nil } }
        set { if let newValue { kind = .bundled(model: model ?? "", driver: newValue) } }
    }

    private var command: String? {
        get { if case .foreign(let command) = kind { command } else { nil } }
        set { if let newValue { kind = .foreign(command: newValue) } }
    }

    private enum OutcomeWord: String, CaseIterable { case measured, skipped, incorrect, failed }

    /// The outcome in two members: a word, and then what there is to say about it.
    private var outcomeWord: OutcomeWord {
        get {
            switch outcome {
            case .measured: .measured
            case .skipped: .skipped
            case .incorrect: .incorrect
            case .failed: .failed
            }
        }
        set {
            switch newValue {
            case .measured: outcome = .measured
            case .skipped: outcome = .skipped("")
            case .incorrect: outcome = .incorrect([])
            case .failed: outcome = .failed("")
            }
        }
    }

    private var reasons: [String] {
        get {
            switch outcome {
            case .measured: []
            case .skipped(let reason), .failed(let reason): [reason]
            case .incorrect(let findings): findings
            }
        }
        set {
            switch outcome {
            case .measured: break
            case .skipped: outcome = .skipped(newValue.first ?? "")
            case .incorrect: outcome = .incorrect(newValue)
            case .failed: outcome = .failed(newValue.first ?? "")
            }
        }
    }
}

extension CompareRecord.Point {
    package static let fields: [Field<Self>] = [
        .count("connections", \.connections), .count("size_bytes", \.size),
        Field("fixed_rate_per_s", \.fixedRate, .optional(.number)),
        Field("sparse_rate_per_s", \.sparseRate, .optional(.number)),
        .count("sparse_connections", \.sparseConnections),
        Field("slice_s", \.slice, .number),
        Field("ended_by", \.ending, .optional(.choice)),
        Field("others_processors", \.others, .optional(.number)),
    ]
}

extension CompareRecord.Sample {
    package static let fields: [Field<Self>] = [
        .count("arm", \.arm), .count("point", \.point), .count("round", \.round),
        .count("position", \.position),
        Field("readings", \.readings, .readings), Field("lower_bounds", \.bounds, .list(.choice)),
        Field("doubts", \.doubts, .list(.text)),
    ]

    /// The lower bounds in the order of the readings.
    private var bounds: [Reading] {
        get { Reading.allCases.filter(lowerBounds.contains) }
        set { lowerBounds = Set(newValue) }
    }
}

extension Form where Value == [Reading: Double] {
    /// A member for each; one that is no number is left out.
    fileprivate static var readings: Form {
        Form(
            write: { readings, encoder in
                var members = encoder.container(keyedBy: Name.self)
                for (reading, value) in readings where value.isFinite {
                    try members.encode(value, forKey: Name(reading.rawValue))
                }
            },
            read: { decoder in
                let members = try Members(decoder)
                var readings: Value = [:]
                for reading in Reading.allCases {
                    readings[reading] = try members.at(reading.rawValue, .number)
                }
                return readings
            })
    }
}

// What was made of the record, as rows that are only written.

extension CompareAnalysis {
    fileprivate var figureRows: [Described<FigureRow>] {
        record.points.indices.flatMap { point in
            Reading.allCases.flatMap { reading in
                measured.compactMap { arm in
                    figure(reading, of: arm, at: point).map {
                        FigureRow(arm: arm, point: point, reading: reading, figure: $0)
                    }
                }
            }
        }.map { Described($0, by: FigureRow.fields) }
    }

    fileprivate var noiseRows: [Described<NoiseRow>] {
        record.points.indices.flatMap { point in
            Reading.allCases.filter { $0.isJudged && has($0) }.map {
                NoiseRow(point: point, reading: $0, floor: floor($0, at: point))
            }
        }.map { Described($0, by: NoiseRow.fields) }
    }

    fileprivate var blockingRows: [Described<BlockingRow>] {
        record.points.indices.flatMap { point in
            blocking(at: point).map { BlockingRow(point: point, blocking: $0) }
        }.map { Described($0, by: BlockingRow.fields) }
    }
}

private struct FigureRow: Sendable {
    let arm: Int
    let point: Int
    let reading: Reading
    let figure: CompareAnalysis.Figure

    static let fields: [Field<FigureRow>] =
        [
            .derived("arm", .count) { $0.arm }, .derived("point", .count) { $0.point },
            .derived("reading", .choice) { $0.reading },
            .derived("median", .number) { $0.figure.rounds.median },
            .derived("low", .optional(.number)) { $0.figure.rounds.interval?.low },
            .derived("high", .optional(.number)) { $0.figure.rounds.interval?.high },
            .derived("lower_bound", .flag) { $0.figure.isLowerBound },
            .derived("rounds_apart", .list(.count)) { $0.roundsApart },
            .derived("word", .text) { Wording.word($0.figure.word, of: $0.reading) },
            .derived("probability", .optional(.number)) { $0.figure.probability },
            .derived("smallest_seen_ratio", .optional(.number)) {
                $0.figure.smallest.map(Change.ratio)
            },
        ] + ratioFields { $0.figure.ratio }

    private var roundsApart: [Int] {
        zip(figure.numbers, figure.rounds.standsApart).filter(\.1).map(\.0)
    }
}

private struct NoiseRow: Sendable {
    let point: Int
    let reading: Reading
    let floor: Double

    static let fields: [Field<NoiseRow>] = [
        .derived("point", .count) { $0.point }, .derived("reading", .choice) { $0.reading },
        .derived("floor_ratio", .number) { Change.ratio($0.floor) },
    ]
}

private struct BlockingRow: Sendable {
    let point: Int
    let blocking: CompareAnalysis.Blocking

    static let fields: [Field<BlockingRow>] =
        [.derived("point", .count) { $0.point }, .derived("loop", .text) { $0.blocking.loop }]
        + ratioFields { $0.blocking.ratio }
}

/// A ratio and its interval; null where there is none.
private func ratioFields<Row>(
    _ ratio: @escaping @Sendable (Row) -> PairedRatio?
) -> [Field<Row>] {
    [
        .derived("ratio", .optional(.number)) { ratio($0).map { Change.ratio($0.center) } },
        .derived("ratio_low", .optional(.number)) {
            ratio($0)?.interval.map { Change.ratio($0.lowerBound) }
        },
        .derived("ratio_high", .optional(.number)) {
            ratio($0)?.interval.map { Change.ratio($0.upperBound) }
        },
    ]
}
