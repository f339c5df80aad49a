import Statistics

// What happened when: a column for each stretch of time, with the cells that are not empty.

extension Timeline {
    /// More than that a column of a document cannot have, so that all columns add up.
    private static let countMax = 1 << 40

    var document: JSONValue {
        let columns = columns.enumerated().map { index, column in
            let cells = (0..<Timeline.cellCount).compactMap { cell in
                let answers = answers(column: index, cell: cell)
                return answers == 0
                    ? nil : JSONValue.array([.integer(cell), .integer(answers)])
            }
            return JSONValue.object([
                ("answered", .integer(column.answered)), ("errors", .integer(column.errors)),
                ("max_s", .seconds(column.largest)), ("cpu_s", .seconds(column.cpu)),
                ("cells", .array(cells)),
            ])
        }
        let bounds = (0..<Timeline.cellCount).map {
            JSONValue.seconds(Timeline.lowestValue(ofCell: $0))
        }
        return .object([
            ("width_s", .seconds(width)), ("cell_from_s", .array(bounds)),
            ("columns", .array(columns)),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        let columns = try document.at("columns").elements()
        guard let width = try document.at("width_s").nanoseconds() else {
            guard columns.isEmpty else { throw try document.at("width_s").error("is missing") }
            self.init()
            return
        }
        guard (1...1_000_000_000_000_000).contains(width) else {
            throw try document.at("width_s").error("is no width of a column")
        }
        guard columns.count <= Timeline.columnsMax else {
            throw try document.at("columns").error("are more than \(Timeline.columnsMax)")
        }
        self.init(width: width)
        for place in columns {
            var column = Column()
            column.answered = try place.at("answered").count(atMost: Timeline.countMax) ?? 0
            column.errors = try place.at("errors").count(atMost: Timeline.countMax) ?? 0
            column.largest = try place.at("max_s").nanoseconds() ?? 0
            column.cpu = try place.at("cpu_s").nanoseconds() ?? 0
            append(column, cells: try Timeline.cells(try place.at("cells")))
        }
    }

    private static func cells(
        _ place: JSONMember
    ) throws(DocumentError) -> [(cell: Int, answers: Int)] {
        var cells: [(cell: Int, answers: Int)] = []
        for pair in try place.elements() {
            let numbers = try pair.elements()
            guard numbers.count == 2, let cell = try numbers[0].count(), cell < cellCount,
                let answers = try numbers[1].count()
            else { throw pair.error("is no cell and its answers") }
            cells.append((cell, answers))
        }
        return cells
    }
}
