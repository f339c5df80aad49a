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
        package var kinds = ErrorKinds()
        /// The longest response, in nanoseconds; 0 when nothing was answered.
        package var largest: Int64 = 0
        /// Nanoseconds of CPU of the generator's threads.
        package var cpu: Int64 = 0
        /// Nanoseconds of CPU of the server; 0 where its process is not known.
        package var serverCPU: Int64 = 0
        package init() {}

        fileprivate mutating func add(_ other: Column) {
            answered += other.answered
            errors += other.errors
            kinds.add(other.kinds)
            largest = Swift.max(largest, other.largest)
            // A document may claim any time.
            cpu &+= other.cpu
            serverCPU &+= other.serverCPU
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
    package mutating func add(
        _ latencies: Histogram, errors: Int, kinds: ErrorKinds = ErrorKinds(), cpu: Int64,
        at time: Int64
    ) {
        let index = room(at: time)
        for bin in latencies.occupied where latencies[bin: bin] > 0 {
            counts[index * Timeline.cellCount + bin / Timeline.binsPerCell] &+=
                UInt32(truncatingIfNeeded: latencies[bin: bin])
        }
        var column = Column()
        column.answered = latencies.count
        column.errors = errors
        column.kinds = kinds
        column.largest = latencies.max ?? 0
        column.cpu = cpu
        storage[index].add(column)
    }

    /// Adds what the server took around `time`, in nanoseconds.
    package mutating func add(serverCPU: Int64, at time: Int64) {
        storage[room(at: time)].serverCPU &+= serverCPU
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

/// Errors by what happened, for what shows them over time.
package struct ErrorKinds: Sendable, Equatable {
    package enum Kind: CaseIterable, Sendable {
        /// No connection came up.
        case unconnected
        /// Nothing came in time.
        case timedOut
        /// The connection was reset or closed.
        case broken
        /// Bytes that are not those that were sent.
        case wrong
        /// A datagram without an answer.
        case lost
        case other
    }

    private var unconnected = 0
    private var timedOut = 0
    private var broken = 0
    private var wrong = 0
    private var lost = 0
    private var other = 0

    package init() {}

    /// Of each kind, in the order of the kinds; what is missing is 0.
    package init(_ list: [Int]) {
        for (kind, count) in zip(Kind.allCases, list) { self[kind] = count }
    }

    package subscript(kind: Kind) -> Int {
        get { self[keyPath: ErrorKinds.place(of: kind)] }
        set { self[keyPath: ErrorKinds.place(of: kind)] = newValue }
    }

    private static func place(of kind: Kind) -> WritableKeyPath<ErrorKinds, Int> {
        switch kind {
        case .unconnected: \.unconnected
        case .timedOut: \.timedOut
        case .broken: \.broken
        case .wrong: \.wrong
        case .lost: \.lost
        case .other: \.other
        }
    }

    /// In the order of the kinds; empty where there is none.
    package var list: [Int] {
        let list = Kind.allCases.map { self[$0] }
        return list.contains { $0 > 0 } ? list : []
    }

    package mutating func add(_ other: ErrorKinds) {
        for kind in Kind.allCases { self[kind] += other[kind] }
    }

    /// What has come since an earlier count.
    package func since(_ earlier: ErrorKinds) -> ErrorKinds {
        var kinds = self
        for kind in Kind.allCases { kinds[kind] -= earlier[kind] }
        return kinds
    }
}
