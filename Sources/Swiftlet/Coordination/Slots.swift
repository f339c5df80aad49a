import Drivers

/// Memory for elements on their way from one task to another, each in a slot with a number.
///
///     elements   [ element | – | element | element | – ]
///     next       [    2    | 4 |    –    |    –    | – ]    lists of slots, and that of the free
///
/// Below channels and queues, which order and hand over the numbers and never touch an element. An
/// element need be neither `Sendable` nor copyable.
struct Slots<Element: ~Copyable>: ~Copyable {
    private var elements: UnsafeMutablePointer<Element>
    private var links = SlotLinks()
    private var free = SlotList()

    init() { elements = .allocate(capacity: 0) }

    /// Its owner has taken all elements out.
    deinit { elements.deallocate() }

    /// Puts an element into a slot and returns its number.
    mutating func put(_ element: consuming Element) -> Int {
        if free.isEmpty { grow() }
        let slot = links.popFirst(from: &free)
        (elements + slot).initialize(to: element)
        return slot
    }

    /// Takes the element out of a slot, which is free then.
    mutating func take(_ slot: Int) -> Element {
        let element = (elements + slot).move()
        links.prepend(slot, to: &free)
        return element
    }

    @inline(never)
    private mutating func grow() {
        let count = links.count
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: max(4, 2 * count))
        // Nothing is free, so every slot has an element.
        larger.moveInitialize(from: elements, count: count)
        elements.deallocate()
        elements = larger
        for slot in count..<max(4, 2 * count) {
            links.grow()
            links.append(slot, to: &free)
        }
    }

    // MARK: Lists of slots

    /// Puts a slot at the end of a list.
    mutating func append(_ slot: Int, to list: inout SlotList) { links.append(slot, to: &list) }

    /// Puts a slot at the beginning of a list.
    mutating func prepend(_ slot: Int, to list: inout SlotList) { links.prepend(slot, to: &list) }

    /// Takes the first slot out of a list that is not empty.
    mutating func popFirst(from list: inout SlotList) -> Int { links.popFirst(from: &list) }
}

extension Slots {
    /// A copy of the element in a slot, which keeps it.
    func copy(of slot: Int) -> Element { elements[slot] }

    /// Whether the element of one slot comes before that of another.
    func isOrdered(_ one: Int, _ other: Int, by areOrdered: (Element, Element) -> Bool) -> Bool {
        areOrdered(elements[one], elements[other])
    }
}

/// Some slots in an order: the first, the last, and how many.
struct SlotList {
    fileprivate(set) var first = -1
    fileprivate(set) var last = -1
    fileprivate(set) var count = 0

    var isEmpty: Bool { count == 0 }
}

/// The next slot of each, in the list that it is in.
private struct SlotLinks: ~Copyable {
    private var next = OwnedArray<Int>()

    var count: Int { next.count }

    /// Adds a slot, which is in no list.
    mutating func grow() { next.append(-1) }

    mutating func append(_ slot: Int, to list: inout SlotList) {
        next[slot] = -1
        if list.isEmpty { list.first = slot } else { next[list.last] = slot }
        list.last = slot
        list.count += 1
    }

    mutating func prepend(_ slot: Int, to list: inout SlotList) {
        next[slot] = list.first
        if list.isEmpty { list.last = slot }
        list.first = slot
        list.count += 1
    }

    mutating func popFirst(from list: inout SlotList) -> Int {
        let slot = list.first
        list.first = next[slot]
        list.count -= 1
        return slot
    }
}
