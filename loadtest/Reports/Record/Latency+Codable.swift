import FoundationEssentials
import Generator
import Statistics

// Latencies and counts of answers: the figures that people look at, and the bins that give them
// back exactly.

/// A histogram as documents have it. Of one without bins, as older versions wrote, nothing is read.
private struct Bins: Record {
    var count = 0
    var smallest: Int64?
    var largest: Int64?
    var mean: Double?
    var deviation: Double?
    var sum: Double?
    var clamped = 0
    var code: String?

    init() {}

    init(_ histogram: Histogram) {
        count = histogram.count
        (smallest, largest) = (histogram.min, histogram.max)
        mean = histogram.mean.map { $0 / 1e9 }
        deviation = histogram.standardDeviation.map { $0 / 1e9 }
        sum = histogram.total
        clamped = histogram.clamped
        code = count == 0 ? nil : HistogramCode.text(histogram)
    }

    static let fields: [Field<Bins>] = [
        .count("n", \.count), Field("min", \.smallest, .optional(.seconds)),
        Field("max", \.largest, .optional(.seconds)), Field("mean", \.mean, .optional(.number)),
        .derived("stddev", .optional(.number)) { $0.deviation },
        Field("sum_ns", \.sum, .optional(.number)), .count("clamped", \.clamped),
        Field("hdr", \.code, .optional(.text)),
    ]

    /// The bins with the exact figures beside them, which must fit.
    func histogram(_ decoder: any Decoder) throws -> Histogram {
        guard let code else { return Histogram() }
        let members = try Members(decoder)
        var histogram = try members.histogram("hdr", code)
        let isConsistent = histogram.correct(
            smallest: smallest ?? histogram.min ?? 0, largest: largest ?? histogram.max ?? 0,
            sum: sum ?? histogram.total, clamped: clamped)
        guard isConsistent || histogram.count == 0 else {
            throw decoder.error("has figures that contradict its hdr")
        }
        guard count == histogram.count else {
            throw members.error("n", "is another count than that of hdr, \(histogram.count)")
        }
        return histogram
    }
}

extension Members {
    /// A histogram from its code.
    fileprivate func histogram(_ name: String, _ code: String) throws -> Histogram {
        do { return try HistogramCode.decode(text: code) } catch {
            throw self.error(name, "cannot be read: \(error)")
        }
    }
}

extension HistogramCode {
    /// The compressed form as Base64: what logs and documents carry.
    package static func text(_ histogram: Histogram) -> String {
        Data(compressed(histogram)).base64EncodedString()
    }

    /// Reads the Base64 of either form.
    package static func decode(text: some StringProtocol) throws(HistogramError) -> Histogram {
        guard let data = Data(base64Encoded: String(text)) else { throw .notBase64 }
        return try decode(Array(data))
    }
}

extension Latency: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(answered: try Bins(from: decoder).histogram(decoder))
        guard let place = try Members(decoder).decoder(at: "censored") else { return }
        censored = try Bins(from: place).histogram(place)
    }

    /// Figures of what was answered; quantiles are those of all, the censored ones at their age.
    package func encode(to encoder: any Encoder) throws {
        try Bins(answered).encode(to: encoder)
        var members = encoder.container(keyedBy: Name.self)
        try members.encode(reached(LatencyTable.quantiles), forKey: Name("q"))
        try members.encode(censored.count == 0 ? nil : Bins(censored), forKey: Name("censored"))
    }

    /// Quantiles with what they are, where there are samples enough.
    func reached(_ quantiles: [Double]) -> [Reached] {
        quantiles.map { Reached(quantile: $0, value: supports($0) ? value(at: $0) : nil) }
    }

    /// A quantile: its value, or what it is at least.
    struct Reached: Record {
        var quantile = 0.5
        var value: Quantile?

        static let fields: [Field<Reached>] = [
            Field("q", \.quantile, .quantile),
            .derived("value", .optional(.seconds)) {
                $0.value.flatMap { $0.isLowerBound ? nil : $0.nanoseconds }
            },
            .derived("at_least", .optional(.seconds)) {
                $0.value.flatMap { $0.isLowerBound ? $0.nanoseconds : nil }
            },
        ]
    }
}

extension Form where Value == Double {
    /// A share between nothing and all.
    fileprivate static var quantile: Form {
        Form<Double>.number.converted(to: { $0 }) { share in
            guard share > 0, share < 1 else { throw Unfit("is \(share) and not between 0 and 1") }
            return share
        }
    }
}

extension Form where Value == Histogram {
    /// Times without censored ones.
    static var answered: Form {
        Form<Latency>.part.converted(to: { Latency(answered: $0) }, from: \.answered)
    }
}

extension Served: Codable {
    package init(from decoder: any Decoder) throws {
        let members = try Members(decoder)
        func count(_ name: String) throws -> Int { try members.at(name, .count) ?? 0 }
        let (connections, never) = (try count("connections"), try count("never"))
        let sum = try members.at("sum", .number) ?? 0
        var counts = Histogram()
        if let code = try members.at("hdr", .text) {
            counts = try members.histogram("hdr", code)
            let isConsistent = counts.correct(
                smallest: Int64(try count("smallest")), largest: Int64(try count("most")), sum: sum,
                clamped: try count("clamped"))
            guard isConsistent else { throw decoder.error("has figures that contradict its hdr") }
        }
        guard never + counts.count == connections else {
            throw decoder.error("counts \(connections) connections and has others")
        }
        self.init(
            connections: connections, never: never, counts: counts, sum: sum,
            squares: try members.at("sum_of_squares", .number) ?? 0)
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        for field in Served.fields {
            try members.encode(field.value(self), forKey: Name(field.name))
        }
    }

    private static let fields: [Field<Served>] = [
        .derived("connections", .count) { $0.connections }, .derived("never", .count) { $0.never },
        .derived("hardly", .count) { $0.hardly }, .derived("least", .count) { $0.least },
        .derived("p1", .count) { $0.answers(at: 0.01) },
        .derived("median", .count) { $0.answers(at: 0.5) },
        .derived("p99", .count) { $0.answers(at: 0.99) }, .derived("most", .count) { $0.most },
        .derived("mean", .number) { $0.mean }, .derived("jain", .optional(.number)) { $0.jain },
        .derived("sum", .number) { $0.sums.answers },
        .derived("sum_of_squares", .number) { $0.sums.squares },
        .derived("smallest", .optional(.count)) { $0.histogram.min.map { Int($0) } },
        .derived("clamped", .count) { $0.histogram.clamped },
        .derived("hdr", .optional(.text)) {
            $0.histogram.count == 0 ? nil : HistogramCode.text($0.histogram)
        },
    ]
}

extension Timeline: Codable {
    package init(from decoder: any Decoder) throws {
        let members = try Members(decoder)
        let columns =
            try members.at(
                "columns", .list(Form<ColumnOfDocument>.part, atMost: Timeline.columnsMax)) ?? []
        guard let width = try members.at("width_s", Form<Int64>.seconds) else {
            guard columns.isEmpty else { throw members.error("width_s", "is missing") }
            self.init()
            return
        }
        guard (1...1_000_000_000_000_000).contains(width) else {
            throw members.error("width_s", "is no width of a column")
        }
        self.init(width: width)
        for (index, column) in columns.enumerated() {
            let cells = try column.cells.map { cell in
                guard cell.count == 2, cell[0] < Timeline.cellCount else {
                    throw members.error("columns[\(index)].cells", "are no cells and answers")
                }
                return (cell: cell[0], answers: cell[1])
            }
            append(column.sums, cells: cells)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        let rows = columns.indices.map { index in
            let cells = (0..<Timeline.cellCount).filter { answers(column: index, cell: $0) > 0 }
            return ColumnOfDocument(
                sums: columns[index],
                cells: cells.map { [$0, answers(column: index, cell: $0)] })
        }
        let bounds = (0..<Timeline.cellCount).map { Double(Timeline.lowestValue(ofCell: $0)) / 1e9 }
        try members.encode(Double(width) / 1e9, forKey: Name("width_s"))
        try members.encode(bounds, forKey: Name("cell_from_s"))
        try members.encode(rows, forKey: Name("columns"))
    }

    /// A stretch of time: what happened in it, and the cells that are not empty with their answers.
    private struct ColumnOfDocument: Record {
        var sums = Timeline.Column()
        var cells: [[Int]] = []

        private var kinds: [Int] {
            get { sums.kinds.list }
            set { sums.kinds = ErrorKinds(newValue) }
        }

        /// More than that a column cannot have, so that all columns add up.
        private static let some = Form<Int>.whole(0...1 << 40)

        static let fields: [Field<ColumnOfDocument>] = [
            Field("answered", \.sums.answered, some), Field("errors", \.sums.errors, some),
            Field("max_s", \.sums.largest, .seconds), Field("cpu_s", \.sums.cpu, .seconds),
            Field("server_cpu_s", \.sums.serverCPU, .seconds),
            Field("errors_by_kind", \.kinds, .list(some, atMost: ErrorKinds.Kind.allCases.count)),
            Field("cells", \.cells, .list(.list(.count))),
        ]
    }
}
