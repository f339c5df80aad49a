/// What happened when: a row of columns of equal length, each with its latencies in coarse cells.
///
///     column       0      1      2      3          width: 100 ms, doubled when the room is used up
///     cells        each column: 8 for an octave of latency, a heat map's column
///
/// All of its memory is there from the start: it is filled while a run is measured.
package struct Timeline: Sendable, Equatable {
    /// One stretch of time.
    package struct Column: Sendable, Equatable {
        package var answered = 0
        package var errors = 0
        /// The longest response, in nanoseconds; 0 when nothing was answered.
        package var largest: Int64 = 0
        /// Nanoseconds of CPU of the generator's threads.
        package var cpu: Int64 = 0
        package init() {}

        fileprivate mutating func add(_ other: Column) {
            answered += other.answered
            errors += other.errors
            largest = Swift.max(largest, other.largest)
            // A document may claim any time.
            cpu &+= other.cpu
        }
    }

    /// Bins of a histogram that make up a cell.
    package static let binsPerCell = 16
    /// Cells of a column.
    package static let cellCount = (Histogram.binCount + binsPerCell - 1) / binsPerCell
    /// More columns than that are folded in pairs.
    package static let columnsMax = 512

    /// Nanoseconds that a column spans.
    package private(set) var width: Int64
    private var storage: [Column]
    private var counts: [UInt32]
    private var used = 0

    package init(width: Int64 = 100_000_000) {
        self.width = width
        storage = Array(repeating: Column(), count: Timeline.columnsMax)
        counts = Array(repeating: 0, count: Timeline.columnsMax * Timeline.cellCount)
    }

    /// The columns from the start to the last one that has something.
    package var columns: ArraySlice<Column> { storage[..<used] }

    /// The number of answers in a cell.
    package func answers(column: Int, cell: Int) -> Int {
        Int(counts[column * Timeline.cellCount + cell])
    }

    /// The smallest latency of a cell, in nanoseconds.
    package static func lowestValue(ofCell cell: Int) -> Int64 {
        Histogram.lowestValue(ofBin: cell * binsPerCell)
    }

    /// Adds what happened around `time`, in nanoseconds from the start of the run.
    package mutating func add(_ latencies: Histogram, errors: Int, cpu: Int64, at time: Int64) {
        let index = room(at: time)
        for bin in latencies.occupied where latencies[bin: bin] > 0 {
            counts[index * Timeline.cellCount + bin / Timeline.binsPerCell] &+=
                UInt32(truncatingIfNeeded: latencies[bin: bin])
        }
        var column = Column()
        column.answered = latencies.count
        column.errors = errors
        column.largest = latencies.max ?? 0
        column.cpu = cpu
        storage[index].add(column)
    }

    /// Adds another timeline, which begins `offset` nanoseconds after this one.
    package mutating func add(_ other: Timeline, offset: Int64 = 0) {
        while width < other.width { fold() }
        for index in 0..<other.used {
            let place = room(at: offset + Int64(index) * other.width)
            storage[place].add(other.storage[index])
            for cell in 0..<Timeline.cellCount {
                counts[place * Timeline.cellCount + cell] &+=
                    other.counts[index * Timeline.cellCount + cell]
            }
        }
    }

    /// Puts a column of a document back to its place, from the first one on.
    package mutating func append(_ column: Column, cells: [(cell: Int, answers: Int)]) {
        let index = room(at: Int64(used) * width)
        storage[index].add(column)
        for (cell, answers) in cells where (0..<Timeline.cellCount).contains(cell) {
            counts[index * Timeline.cellCount + cell] &+= UInt32(clamping: answers)
        }
    }

    /// The latency that a share of a column's answers stays at or below, to the width of a cell.
    package func latency(at quantile: Double, column: Int) -> Int64? {
        let answered = storage[column].answered
        guard answered > 0 else { return nil }
        let rank = Histogram.rank(of: quantile, in: answered)
        var seen = 0
        for cell in 0..<Timeline.cellCount {
            seen += answers(column: column, cell: cell)
            if seen >= rank {
                let highest = Timeline.lowestValue(ofCell: cell + 1) - 1
                return Swift.min(highest, storage[column].largest)
            }
        }
        return storage[column].largest
    }

    /// The column of an instant; makes room for it where there is none.
    private mutating func room(at time: Int64) -> Int {
        let time = Swift.max(0, time)
        while time / width >= Int64(Timeline.columnsMax) { fold() }
        let index = Int(time / width)
        used = Swift.max(used, index + 1)
        return index
    }

    /// Makes one column of two.
    private mutating func fold() {
        for index in 0..<Timeline.columnsMax {
            let (column, target) = (storage[index], index / 2 * Timeline.cellCount)
            storage[index] = Column()
            storage[index / 2].add(column)
            for cell in 0..<Timeline.cellCount {
                let place = index * Timeline.cellCount + cell
                let count = counts[place]
                counts[place] = 0
                counts[target + cell] &+= count
            }
        }
        width *= 2
        used = (used + 1) / 2
    }
}
