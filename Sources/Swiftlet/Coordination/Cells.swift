/// Memory for elements on their way from one task to another, each in a cell that stays where it
/// is.
///
///     chunk     [ chunk before it | next, element | next, element | … ]
///
/// Below channels and queues. It knows the size of an element and not its type: what puts one in
/// takes it out, in code that the compiler has made for that type. All else is the same for every
/// type, and made once. An element need be neither `Sendable` nor copyable.
struct Cells: ~Copyable {
    /// From one element to the next.
    private let stride: Int
    private let alignment: Int
    /// The chunk that came last; each is twice as long as the one before it.
    private var chunk: UnsafeMutableRawPointer?
    private var length = 2
    private var free = CellList()

    init<Element: ~Copyable>(for type: Element.Type) {
        alignment = max(MemoryLayout<Element>.alignment, MemoryLayout<Int>.alignment)
        stride = (MemoryLayout<Element>.size + Cell.head).rounded(upTo: alignment)
    }

    /// Its owner has taken all elements out.
    deinit {
        var chunk = chunk
        while let last = chunk {
            chunk = last.load(as: UnsafeMutableRawPointer?.self)
            last.deallocate()
        }
    }

    /// Takes a cell that has no element.
    @inline(__always)
    mutating func take() -> Cell {
        if free.isEmpty { grow() }
        return free.popFirst()
    }

    /// Takes a cell back, whose element was taken out.
    @inline(__always)
    mutating func giveBack(_ cell: Cell) { free.prepend(cell) }

    @inline(never)
    private mutating func grow() {
        length *= 2
        let first = (2 * Cell.head).rounded(upTo: alignment)
        let new = UnsafeMutableRawPointer.allocate(
            byteCount: first + length * stride, alignment: alignment)
        new.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self)
        chunk = new
        for place in 0..<length {
            free.append(Cell(address: Int(bitPattern: new) + first + place * stride))
        }
    }
}

/// The address of an element's memory; before it is that of the next cell in the list that it is
/// in.
@usableFromInline
struct Cell: Sendable {
    @usableFromInline let address: Int

    init(address: Int) { self.address = address }

    @usableFromInline static var none: Cell { Cell(address: 0) }
    @inlinable var isNone: Bool { address == 0 }

    /// Puts an element into it, which has none.
    @inlinable
    @inline(__always)
    func fill<Element: ~Copyable>(with element: consuming Element) {
        pointer().initialize(to: element)
    }

    /// Takes the element out.
    @inlinable
    @inline(__always)
    func take<Element: ~Copyable>(_ type: Element.Type) -> sending Element { pointer().move() }

    @inlinable
    @inline(__always)
    func pointer<Element: ~Copyable>() -> UnsafeMutablePointer<Element> {
        UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
    }

    // MARK: Lists

    /// What is before an element.
    static let head = MemoryLayout<Int>.size

    fileprivate var next: Cell {
        @inline(__always)
        get { link.pointee }
        @inline(__always)
        nonmutating set { link.pointee = newValue }
    }

    @inline(__always)
    private var link: UnsafeMutablePointer<Cell> {
        UnsafeMutablePointer(bitPattern: address - Cell.head).unsafelyUnwrapped
    }
}

/// Some cells in an order: the first, the last, and how many.
struct CellList {
    private(set) var first = Cell.none
    private var last = Cell.none
    private(set) var count = 0

    @inline(__always)
    var isEmpty: Bool { first.isNone }

    /// Puts a cell at the end.
    @inline(__always)
    mutating func append(_ cell: Cell) {
        cell.next = .none
        if isEmpty { first = cell } else { last.next = cell }
        last = cell
        count += 1
    }

    /// Puts a cell at the beginning.
    @inline(__always)
    mutating func prepend(_ cell: Cell) {
        cell.next = first
        if isEmpty { last = cell }
        first = cell
        count += 1
    }

    /// Takes the first cell out; there is one.
    @inline(__always)
    mutating func popFirst() -> Cell {
        let cell = first
        first = cell.next
        count -= 1
        return cell
    }
}

extension Int {
    fileprivate func rounded(upTo unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
