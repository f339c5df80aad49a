/// A number that people count in: 1, 2 or 5 times a power of ten.
struct RoundNumber: Equatable {
    let digit: Int
    let exponent: Int

    var value: Double { Decimals(digits: digit, exponent: exponent).value }

    /// The smallest round number that is not below a positive one.
    static func atLeast(_ value: Double) -> RoundNumber {
        around(value).first { $0.value >= value } ?? RoundNumber(digit: 1, exponent: 300)
    }

    /// The largest round number that is not above a positive one.
    static func atMost(_ value: Double) -> RoundNumber {
        around(value).last { $0.value <= value } ?? RoundNumber(digit: 1, exponent: -300)
    }

    /// All those from one to another, both positive.
    static func between(_ low: Double, _ high: Double, digits: [Int]) -> [RoundNumber] {
        let first = atMost(low).exponent
        let last = max(first, atLeast(high).exponent)
        return (first...last)
            .flatMap { exponent in digits.map { RoundNumber(digit: $0, exponent: exponent) } }
            .filter { $0.value >= low && $0.value <= high }
    }

    /// The ones near a number, in order.
    private static func around(_ value: Double) -> [RoundNumber] {
        let exponent = Int(decimalLogarithm(value).rounded(.down))
        return (exponent - 1...exponent + 1).flatMap { exponent in
            [1, 2, 5].map { RoundNumber(digit: $0, exponent: exponent) }
        }
    }
}

/// A decimal number that is printed exactly: 15 and -1 are "1.5", 2 and 3 are "2,000".
struct Decimals {
    let digits: Int
    let exponent: Int

    /// The nearest Double: read, not computed, so that no rounding adds up.
    var value: Double { Double("\(digits)e\(exponent)") ?? 0 }

    var text: String {
        var (whole, fraction) = (String(digits.magnitude), "")
        if exponent > 0, digits != 0 { whole += String(repeating: "0", count: exponent) }
        if exponent < 0 {
            let missing = max(0, 1 - exponent - whole.count)
            whole = String(repeating: "0", count: missing) + whole
            fraction = String(whole.suffix(-exponent))
            whole = String(whole.dropLast(-exponent))
            while fraction.hasSuffix("0") { fraction.removeLast() }
        }
        for place in stride(from: whole.count - 3, to: 0, by: -3) {
            whole.insert(",", at: whole.index(whole.startIndex, offsetBy: place))
        }
        return (digits < 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
    }
}

/// The decimal logarithm of a positive number, to twelve digits: this floor imports nothing, and a
/// picture needs three.
///
/// The exponent is there already; the rest, 1 to 2, goes through ln m = 2 artanh((m-1)/(m+1)).
func decimalLogarithm(_ value: Double) -> Double {
    precondition(value > 0 && value.isFinite, "\(value) has no logarithm")
    let (ln2, ln10) = (0.693147180559945309, 2.302585092994045684)
    let ratio = (value.significand - 1) / (value.significand + 1)
    var (power, sum) = (ratio, 0.0)
    for divisor in stride(from: 1.0, through: 25, by: 2) {
        sum += power / divisor
        power *= ratio * ratio
    }
    return (Double(value.exponent) * ln2 + 2 * sum) / ln10
}
