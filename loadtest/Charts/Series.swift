/// What belongs together in a picture and has one entry in its legend.
package struct Series: Sendable {
    package var label: String
    /// Chooses colour and dashes.
    package var number: Int
    /// The lines that it consists of, from left to right.
    package var strokes: [Stroke]
    /// Whether the room below its plain lines is tinted.
    package var isFilled = false
    /// Points that are marked, each with words of its own.
    package var dots: [Dot] = []

    package init(_ label: String, number: Int, strokes: [Stroke]) {
        self.label = label
        self.number = number
        self.strokes = strokes
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
/// The cells are counted from 0 at the left and at the bottom; they cover the plot evenly.
package struct Heat: Sendable {
    package struct Cell: Sendable {
        package var column: Int
        package var row: Int
        package var count: Int
        package init(column: Int, row: Int, count: Int) {
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
    /// The largest count of a cell.
    let largest: Int

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

    /// The shade of a count: equal factors from 1 to the largest.
    func shade(of count: Int) -> Int {
        guard count > 0, largest > 1 else { return 0 }
        let share = decimalLogarithm(Double(count)) / decimalLogarithm(Double(largest))
        return min(Palette.heat.count - 1, Int(share * Double(Palette.heat.count)))
    }
}
