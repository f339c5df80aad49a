/// A number as it was written, so that "1.1" stays exact: digits before and behind a point.
struct Decimal {
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
