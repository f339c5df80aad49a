import Reports
import Statistics

/// A comparison for programs: schema `swiftlet.compare/1`, described by `docs/compare.schema.json`.
///
/// Seconds and bytes, as the names say; what is not known is null. The record stands there whole,
/// so that a document gives it back; below it stands what was made of it, `figures` to `doubts`,
/// which a reader of documents passes over.
package enum CompareJSON {
    static let schema = "swiftlet.compare/1"

    package static func document(of record: CompareRecord) -> JSONValue {
        let analysis = CompareAnalysis(record)
        return .object(
            [("schema", .text(schema))] + record.members
                + [
                    ("figures", .array(analysis.figureDocuments)),
                    ("noise", .array(analysis.noiseDocuments)),
                    ("blocking", .array(analysis.blockingDocuments)),
                    ("doubts", .array(analysis.doubts.map(JSONValue.text))),
                ])
    }

    /// Reads back what `document` wrote. Members that are not known are passed over.
    package static func record(of document: JSONValue) throws(DocumentError) -> CompareRecord {
        let document = JSONMember(document)
        let schema = try document.at("schema")
        guard try schema.text() == CompareJSON.schema else {
            throw schema.error("is not \(CompareJSON.schema): this is no comparison")
        }
        return try CompareRecord(document)
    }
}

// What was made of the record.

extension CompareAnalysis {
    fileprivate var figureDocuments: [JSONValue] {
        record.points.indices.flatMap { point in
            Reading.allCases.flatMap { reading in
                measured.compactMap { arm in
                    figure(reading, of: arm, at: point)
                        .map { document(of: $0, reading, arm, point) }
                }
            }
        }
    }

    private func document(
        of figure: Figure, _ reading: Reading, _ arm: Int, _ point: Int
    ) -> JSONValue {
        let interval = figure.rounds.interval
        let apart = zip(figure.numbers, figure.rounds.standsApart).filter(\.1).map(\.0)
        return .object(
            [
                ("arm", .integer(arm)), ("point", .integer(point)),
                ("reading", .text(reading.rawValue)), ("median", .number(figure.rounds.median)),
                ("low", .optional(interval?.low)), ("high", .optional(interval?.high)),
                ("lower_bound", .bool(figure.isLowerBound)),
                ("rounds_apart", .array(apart.map(JSONValue.integer))),
                ("word", .text(Wording.word(figure.word, of: reading))),
                ("probability", .optional(figure.probability)),
                ("smallest_seen_ratio", .optional(figure.smallest.map(Change.ratio))),
            ] + (figure.ratio.map(CompareAnalysis.members) ?? CompareAnalysis.noRatio))
    }

    fileprivate var noiseDocuments: [JSONValue] {
        record.points.indices.flatMap { point in
            Reading.allCases.compactMap { reading -> JSONValue? in
                guard reading.isJudged, has(reading) else { return nil }
                return .object([
                    ("point", .integer(point)), ("reading", .text(reading.rawValue)),
                    ("floor_ratio", .number(Change.ratio(floor(reading, at: point)))),
                ])
            }
        }
    }

    fileprivate var blockingDocuments: [JSONValue] {
        record.points.indices.flatMap { point in
            blocking(at: point).map {
                .object(
                    [("point", .integer(point)), ("loop", .text($0.loop))]
                        + CompareAnalysis.members($0.ratio))
            }
        }
    }

    private static func members(_ ratio: PairedRatio) -> [(String, JSONValue)] {
        [
            ("ratio", .number(Change.ratio(ratio.center))),
            ("ratio_low", .optional(ratio.interval.map { Change.ratio($0.lowerBound) })),
            ("ratio_high", .optional(ratio.interval.map { Change.ratio($0.upperBound) })),
        ]
    }

    private static let noRatio: [(String, JSONValue)] = [
        ("ratio", .null), ("ratio_low", .null), ("ratio_high", .null),
    ]
}
