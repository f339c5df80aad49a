/// What belongs together in a picture and has one name in it.
package struct Series: Sendable {
    package var label: String
    /// Chooses the colour; what has none is drawn in ink.
    package var number: Int?
    /// Chooses the dashes.
    package var dash: Int
    /// The lines that it consists of, from left to right.
    package var strokes: [Stroke]
    /// What the room below its plain lines has of its colour.
    package var fill = Fill.none
    /// Points that are marked, each with words of its own.
    package var dots: [Dot] = []

    /// Without a choice of dashes they go with the colour.
    package init(_ label: String, number: Int?, dash: Int? = nil, strokes: [Stroke]) {
        self.label = label
        self.number = number
        self.dash = dash ?? number ?? 0
        self.strokes = strokes
    }

    /// The class of its colour.
    var color: String { number.map { "c\(Palette.color(of: $0))" } ?? "ink" }
    var pattern: String { Palette.dash(of: dash) }

    package enum Fill: Sendable {
        case none, tint
        /// All of it: what lies below hides what was drawn before.
        case full
    }

    /// A line through points.
    package struct Stroke: Sendable {
        package enum Look: Sendable {
            case plain
            /// Grey: too few samples to rely on.
            case weak
            /// Known only from below: hatched, and an arrow points upwards from the end.
            case lowerBound
        }

        package var points: [Chart.Point]
        package var look: Look
        package init(_ points: [Chart.Point], _ look: Look = .plain) {
            self.points = points
            self.look = look
        }
    }

    package struct Dot: Sendable {
        package var point: Chart.Point
        /// A hollow one is not to be relied on.
        package var isHollow: Bool
        package var words: String
        package init(_ point: Chart.Point, isHollow: Bool, words: String) {
            self.point = point
            self.isHollow = isHollow
            self.words = words
        }
    }
}

/// How often something was seen, by column of time and row of value.
///
/// The cells are counted from 0 at the left and at the bottom; they cover the plot evenly, so that
/// equal shades mean equally dense.
package struct Heat: Sendable {
    package struct Cell: Sendable {
        package var column: Int
        package var row: Int
        /// A count that was spread over several cells has fractions.
        package var count: Double
        package init(column: Int, row: Int, count: Double) {
            self.column = column
            self.row = row
            self.count = count
        }
    }

    /// Where the cells lie, in the units of the axes.
    package let xRange: ClosedRange<Double>
    package let yRange: ClosedRange<Double>
    package let columns: Int
    package let rows: Int
    /// In order of row and then of column.
    package let cells: [Cell]
    /// What is counted: "answers".
    package let noun: String
    /// What the darkest shade stands for: the largest count of a cell, or of several pictures.
    package var largest: Double
    /// How many of the columns a cell is wide; the last one of a row may be less.
    private(set) var span = 1

    package init(
        x: ClosedRange<Double>, y: ClosedRange<Double>, columns: Int, rows: Int, cells: [Cell],
        noun: String
    ) {
        xRange = x
        yRange = y
        self.columns = columns
        self.rows = rows
        self.cells = cells
        self.noun = noun
        largest = cells.map(\.count).max() ?? 0
    }

    /// The same with fewer and wider cells, for where there is no room for all; their counts are
    /// means, so that a shade means the same.
    func folded(to most: Int) -> Heat {
        let span = (columns + most - 1) / most
        guard span > 1 else { return self }
        var sums: [Cell] = []
        for cell in cells {
            let (column, share) = (cell.column / span, cell.count / Double(span))
            if let last = sums.last, last.column == column, last.row == cell.row {
                sums[sums.count - 1].count += share
            } else {
                sums.append(Cell(column: column, row: cell.row, count: share))
            }
        }
        var folded = Heat(
            x: xRange, y: yRange, columns: columns, rows: rows, cells: sums, noun: noun)
        folded.span = span
        folded.largest = largest
        return folded
    }

    /// The shade of a count: equal factors from 1 to the largest.
    func shade(of count: Double) -> Int {
        guard count > 1, largest > 1 else { return 0 }
        let share = decimalLogarithm(count) / decimalLogarithm(largest)
        return min(Palette.heat.count - 1, Int(share * Double(Palette.heat.count)))
    }
}
