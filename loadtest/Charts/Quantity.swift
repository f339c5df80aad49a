/// What the numbers along an axis are, and how its ticks are called.
package enum Quantity: Sendable {
    /// Nanoseconds, called by the unit that suits each: "200 us", "1 ms".
    case time
    /// A number whose unit stands in the axis' title.
    case plain
    /// Percent.
    case percent

    func label(_ number: Decimals) -> String {
        switch self {
        case .plain: return number.text
        case .percent: return number.text + " %"
        case .time:
            guard number.digits != 0 else { return "0" }
            let size = number.exponent + String(number.digits.magnitude).count - 1
            let unit = min(3, max(0, size / 3))
            let inUnit = Decimals(digits: number.digits, exponent: number.exponent - 3 * unit)
            return inUnit.text + " " + ["ns", "us", "ms", "s"][unit]
        }
    }
}
