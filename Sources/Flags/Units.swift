/// Reads quantities as people write them; one rule for every flag of every command.
///
/// A bare number is seconds, bytes or per second. Nothing is rounded in silence and nothing traps:
/// what is negative, empty, not a number, too fine or too large is a `Mistake` that gives an
/// example.
package enum Units {
    /// What is wrong with a quantity, in words that follow it: "is empty; write for example 10s".
    package struct Mistake: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    /// The factors of one kind of quantity, and how to explain it.
    private struct Scale: Sendable {
        let factors: [String: Int]
        let noun: String
        let example: String

        func mistake(_ reason: String) -> Mistake {
            Mistake("\(reason); write for example \(example)")
        }
    }

    private static let time = Scale(
        factors: [
            "": 1_000_000_000, "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000,
            "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
        ],
        noun: "time",
        example: "250us, 5ms, 10s or 1m30s"
    )
    private static let counts = Scale(
        factors: [
            "": 1, "k": 1000, "K": 1000, "m": 1_000_000, "M": 1_000_000, "g": 1_000_000_000,
            "G": 1_000_000_000,
        ],
        noun: "count",
        example: "50, 10k or 1.5m"
    )
    private static let sizes = Scale(
        factors: [
            "": 1, "B": 1, "k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20, "g": 1 << 30,
            "G": 1 << 30, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10,
            "kiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
        ],
        noun: "size",
        example: "64, 4k, 1m or 4kB"
    )
    private static let rates = Scale(
        factors: counts.factors,
        noun: "rate",
        example: "5000, 5k/s or 300/m"
    )

    /// `250us`, `5ms`, `10s`, `2m`, `1h`, `1m30s`; a bare number is seconds.
    package static func duration(_ text: String) throws(Mistake) -> Duration {
        var rest = try trimmed(text, time)[...]
        var nanoseconds = 0
        var lastFactor = Int.max
        while !rest.isEmpty {
            let (number, factor) = try piece(from: &rest, time)
            // "30s1m" and "5s5s" are slips.
            if factor >= lastFactor { throw time.mistake("has its units out of order") }
            // "1m30" leaves open what the 30 are.
            if lastFactor != .max, text.last?.isNumber == true {
                throw time.mistake("has a number without a unit behind one with a unit")
            }
            lastFactor = factor
            let (sum, overflow) = nanoseconds.addingReportingOverflow(
                try scaled(number, by: factor, time, finest: "a nanosecond")
            )
            if overflow { throw time.mistake("is too large") }
            nanoseconds = sum
        }
        return .nanoseconds(nanoseconds)
    }

    /// `50`, `10k`, `1.5m`, where k is 1,000.
    package static func count(_ text: String) throws(Mistake) -> Int {
        try whole(text, counts, finest: "one")
    }

    /// `64`, `4k`, `1m`, where k is 1,024; `4kB` is 4,000 and `4KiB` 4,096 bytes.
    package static func size(_ text: String) throws(Mistake) -> Int {
        try whole(text, sizes, finest: "a byte")
    }

    /// `5k`, `5k/s`, `300/m` or `10/h`, per second; zero is a mistake.
    package static func rate(_ text: String) throws(Mistake) -> Double {
        let parts = try trimmed(text, rates).split(
            separator: "/",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let period = parts.count == 2 ? String(parts[1]) : "s"
        guard let seconds = ["s": 1.0, "m": 60.0, "h": 3600.0][period] else {
            throw rates.mistake("is per '\(period)', which is neither s, m nor h")
        }
        var rest = parts[0]
        let (number, factor) = try piece(from: &rest, rates)
        guard rest.isEmpty else { throw rates.mistake("is not a rate") }
        let rate = number.value * Double(factor) / seconds
        guard rate > 0 else { throw rates.mistake("is no rate") }
        guard rate < 1e15 else { throw rates.mistake("is too large") }
        return rate
    }

    private static func whole(
        _ text: String,
        _ scale: Scale,
        finest: String
    ) throws(Mistake) -> Int {
        var rest = try trimmed(text, scale)[...]
        let (number, factor) = try piece(from: &rest, scale)
        guard rest.isEmpty else { throw scale.mistake("is not a \(scale.noun)") }
        return try scaled(number, by: factor, scale, finest: finest)
    }

    private static func trimmed(_ text: String, _ scale: Scale) throws(Mistake) -> String {
        if text.isEmpty { throw scale.mistake("is empty") }
        if text.hasPrefix("-") { throw scale.mistake("is negative") }
        return text
    }

    /// Takes a number and the unit behind it.
    private static func piece(
        from rest: inout Substring,
        _ scale: Scale
    ) throws(Mistake) -> (Decimal, factor: Int) {
        let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
        guard let number = Decimal(digits) else {
            throw scale.mistake("is not a \(scale.noun)")
        }
        rest = rest.dropFirst(digits.count)
        let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
        guard let factor = scale.factors[String(unit)] else {
            throw scale.mistake("has '\(unit)' where a unit of \(scale.noun) should be")
        }
        rest = rest.dropFirst(unit.count)
        return (number, factor)
    }

    private static func scaled(
        _ number: Decimal,
        by factor: Int,
        _ scale: Scale,
        finest: String
    ) throws(Mistake) -> Int {
        switch number.scaled(by: factor) {
        case .exactly(let value): return value
        case .tooLarge: throw scale.mistake("is too large")
        case .tooFine: throw scale.mistake("is finer than \(finest)")
        }
    }

    /// A duration in the largest unit that keeps it whole: "90s", "250us".
    package static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0 { return "\(seconds)s" }
        let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
        for (unit, factor) in [("ms", 1e6), ("us", 1e3)] {
            let value = nanoseconds / factor
            if value == value.rounded() { return "\(Int(value))\(unit)" }
        }
        return "\(Int(nanoseconds))ns"
    }

    /// A whole number with commas between its thousands: "1,000,000".
    package static func text(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }
}

// What is made of quantities: a share, the two ends of a range, the items of a list.

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

/// A number as it was written, so that "1.1" stays exact: digits before and behind a point.
private struct Decimal {
    private let whole: Substring
    /// Without the zeros at its end.
    private let fraction: Substring

    enum Scaled: Equatable {
        case exactly(Int)
        case tooLarge
        /// The product is not a whole number.
        case tooFine
    }

    /// Takes digits with at most one point among them; nil for anything else.
    init?(_ text: Substring) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, text.contains(where: \.isNumber) else { return nil }
        whole = parts[0]
        let zeros = parts.count == 2 ? parts[1].reversed().prefix { $0 == "0" }.count : 0
        fraction = parts.count == 2 ? parts[1].dropLast(zeros) : ""
    }

    /// The nearest floating-point number; infinite for a thousand digits.
    var value: Double { Double("\(whole.isEmpty ? "0" : whole).\(fraction)0") ?? 0 }

    /// The number times `factor`, exactly.
    func scaled(by factor: Int) -> Scaled {
        guard let units = whole.isEmpty ? 0 : Int(whole) else { return .tooLarge }
        let (product, overflow) = units.multipliedReportingOverflow(by: factor)
        if overflow { return .tooLarge }
        if fraction.isEmpty { return .exactly(product) }

        // 10 to the 18th is the largest power of ten that an Int holds.
        guard fraction.count <= 18, let numerator = Int(fraction) else { return .tooFine }
        let denominator = (0..<fraction.count).reduce(1) { power, _ in power * 10 }
        // The quotient is below `factor`, because the numerator is below the denominator.
        let (quotient, remainder) = denominator.dividingFullWidth(
            numerator.multipliedFullWidth(by: factor)
        )
        if remainder != 0 { return .tooFine }
        let (sum, overflows) = product.addingReportingOverflow(quotient)
        return overflows ? .tooLarge : .exactly(sum)
    }
}
