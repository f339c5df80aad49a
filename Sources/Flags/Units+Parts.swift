/// Reads what is made of quantities: a share, the two ends of a range, the items of a list.
extension Units {
    /// `70%` or `0.5%`, as a share of one.
    package static func percent(_ text: String) throws(Mistake) -> Double {
        let mistake = Mistake("is not a percentage; write for example 70% or 0.5%")
        guard text.hasSuffix("%"), let number = Decimal(text.dropLast()),
            text.dropLast().allSatisfy({ $0 == "." || ("0"..."9").contains($0) })
        else { throw mistake }
        return number.value / 100
    }

    /// `1k..20k`: two quantities of one kind, the smaller one first.
    package static func range<Bound: Comparable>(
        _ text: String,
        of bound: (String) throws(Mistake) -> Bound
    ) throws(Mistake) -> ClosedRange<Bound> {
        guard let dots = text.firstRange(of: "..") else {
            throw Mistake("is not a range; write two ends with .. between them")
        }
        let low = try bound(String(text[..<dots.lowerBound]))
        let high = try bound(String(text[dots.upperBound...]))
        guard low <= high else { throw Mistake("ends before it begins; put the smaller end first") }
        return low...high
    }

    /// `a,b,c`: at least one item, and none of them empty.
    package static func list<Item>(
        _ text: String,
        of item: (String) throws(Mistake) -> Item
    ) throws(Mistake) -> [Item] {
        var items: [Item] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            if part.isEmpty { throw Mistake("has an empty item; write for example a,b") }
            items.append(try item(String(part)))
        }
        return items
    }

    /// `left:right`, cut at the last separator; nil when there is none.
    package static func parts(
        of text: String,
        at separator: Character
    ) -> (left: String, right: String)? {
        guard let index = text.lastIndex(of: separator) else { return nil }
        return (String(text[..<index]), String(text[text.index(after: index)...]))
    }
}
