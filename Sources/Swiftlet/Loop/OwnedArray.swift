/// An array that has one owner: its memory is nobody else's, and an element is reached with a check
/// of its index alone.
///
/// A change of an `Array` asks first whether its memory is shared, and for each echoed message the
/// loop would ask ten times.
struct OwnedArray<Element>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 0
        base = .allocate(capacity: capacity)
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Element {
        // Addressors, so that changing a part of an element copies nothing.
        @inline(__always) unsafeAddress { UnsafePointer(address(of: index)) }
        @inline(__always) unsafeMutableAddress { address(of: index) }
    }

    @inline(__always)
    private func address(of index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < count, "an index outside of the array")
        return base + index
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count += 1
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: max(16, 2 * capacity))
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = max(16, 2 * capacity)
    }

    /// Takes the last element out; nil when there is none.
    @inline(__always)
    mutating func popLast() -> Element? {
        guard count > 0 else { return nil }
        count -= 1
        return (base + count).move()
    }
}
