/// An array that has one owner: its memory is nobody else's, and an element is reached with a check
/// of its index alone.
///
/// A change of an `Array` asks first whether its memory is shared, and for each echoed message the
/// loop and its driver would ask fifteen times.
@usableFromInline package struct OwnedArray<Element>: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<Element>
    @usableFromInline var capacity: Int
    @usableFromInline var filled = 0

    @inlinable package init() {
        capacity = 0
        base = .allocate(capacity: capacity)
    }

    @inlinable deinit {
        base.deinitialize(count: filled)
        base.deallocate()
    }

    /// How many elements there are.
    @inlinable package var count: Int { filled }

    @inlinable package var indices: Range<Int> { 0..<count }

    @inlinable package subscript(index: Int) -> Element {
        // Addressors, so that changing a part of an element copies nothing.
        @inline(__always) unsafeAddress { UnsafePointer(address(of: index)) }
        @inline(__always) unsafeMutableAddress { address(of: index) }
    }

    @inlinable @inline(__always)
    func address(of index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < filled, "an index outside of the array")
        return base + index
    }

    @inlinable @inline(__always)
    package mutating func append(_ element: Element) {
        if filled == capacity { grow() }
        (base + filled).initialize(to: element)
        filled += 1
    }

    @inline(never) @usableFromInline
    mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: max(16, 2 * capacity))
        larger.moveInitialize(from: base, count: filled)
        base.deallocate()
        base = larger
        capacity = max(16, 2 * capacity)
    }

    /// Takes the last element out; nil when there is none.
    @inlinable @inline(__always)
    package mutating func popLast() -> Element? {
        guard filled > 0 else { return nil }
        filled -= 1
        return (base + filled).move()
    }
}
