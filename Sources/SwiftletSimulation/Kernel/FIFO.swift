/// A queue: in at the back, out at the front.
///
/// What was taken stays in the array as a hole at its front until there are more holes than
/// entries; so each step costs the same on average.
struct FIFO<Element> {
    private var entries: [Element] = []
    private var first = 0

    init() {}

    var isEmpty: Bool { first == entries.count }
    var count: Int { entries.count - first }

    /// An entry by its place, which is 0 for the one that comes out next.
    subscript(place: Int) -> Element {
        get { entries[first + place] }
        set { entries[first + place] = newValue }
    }

    mutating func append(_ element: Element) { entries.append(element) }

    /// Takes out the entry at the front; nil when there is none.
    mutating func popFirst() -> Element? {
        guard first < entries.count else { return nil }
        let element = entries[first]
        first += 1
        if first == entries.count {
            removeAll()
        } else if first >= 32, first * 2 >= entries.count {
            entries.removeFirst(first)
            first = 0
        }
        return element
    }

    /// Takes out the entry at the back; nil when there is none.
    mutating func popLast() -> Element? { isEmpty ? nil : entries.removeLast() }

    /// Takes out every entry that a condition holds for.
    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        entries.removeFirst(first)
        first = 0
        entries.removeAll(where: isUnwanted)
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        first = 0
    }
}
