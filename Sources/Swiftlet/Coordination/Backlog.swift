/// Cells in the order in which their elements are to come out: a list for the first two orders, a
/// binary heap for the third.
struct Backlog: ~Copyable {
    /// What comes out first.
    enum Order: Sendable {
        /// What came in first.
        case fifo
        /// What came in last.
        case lifo
        /// What comes before all others; of equals what came in first.
        case priority(by: @Sendable (Cell, Cell) -> Bool)
    }

    private let order: Order
    private var list = CellList()
    /// By order, and among equals by sequence.
    private var heap: [(cell: Cell, sequence: Int)] = []
    private var sequence = 0

    init(order: Order) { self.order = order }

    var count: Int { list.count + heap.count }

    /// What comes out first; there is something.
    var first: Cell { heap.first?.cell ?? list.first }

    /// Puts a cell in where its element belongs.
    @inline(__always)
    mutating func insert(_ cell: Cell) {
        switch order {
        case .fifo: list.append(cell)
        case .lifo: list.prepend(cell)
        case .priority: push(cell)
        }
    }

    /// Takes out what comes first; there is something.
    @inline(__always)
    mutating func popFirst() -> Cell {
        if case .priority = order { return popHeap() }
        return list.popFirst()
    }

    // MARK: The heap

    @inline(never)
    private mutating func push(_ cell: Cell) {
        sequence += 1
        heap.append((cell, sequence))
        siftUp()
    }

    @inline(never)
    private mutating func popHeap() -> Cell {
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return first.cell
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        guard case .priority(let areOrdered) = order else { return false }
        let (left, right) = (heap[left], heap[right])
        if areOrdered(left.cell, right.cell) { return true }
        if areOrdered(right.cell, left.cell) { return false }
        return left.sequence < right.sequence
    }

    private mutating func siftUp() {
        var place = heap.count - 1
        while place > 0, isBefore(place, (place - 1) / 2) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func siftDown() {
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
            guard isBefore(child, place) else { return }
            heap.swapAt(child, place)
            place = child
        }
    }
}
