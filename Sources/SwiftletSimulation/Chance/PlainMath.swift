/// The logarithm and the exponential by plain arithmetic.
///
/// The C library's may differ in the last bit from one machine or release to the next, because it
/// picks other instructions and other tables. A latency that is drawn through them would then
/// differ by a nanosecond, and with it the trace. The four operations are exact by IEEE 754.
enum PlainMath {
    private static let logarithmOf2 = 0.693147180559945309

    /// The natural logarithm of a positive, finite number, to about 15 digits.
    ///
    /// With x = m · 2ᵉ, m near 1 and t = (m − 1) / (m + 1): ln m = 2 (t + t³/3 + t⁵/5 + …).
    static func logarithm(_ number: Double) -> Double {
        var (fraction, exponent) = (number.significand, Double(number.exponent))
        if fraction > 1.4142135 { (fraction, exponent) = (fraction / 2, exponent + 1) }
        let ratio = (fraction - 1) / (fraction + 1)
        let square = ratio * ratio
        var sum = 0.0
        for divisor in stride(from: 23.0, through: 1, by: -2) { sum = sum * square + 1 / divisor }
        return 2 * ratio * sum + exponent * logarithmOf2
    }

    /// e to the power of a number, to about 14 digits; numbers beyond ±700 count as ±700.
    ///
    /// With x = k ln 2 + r and |r| at most half of ln 2: eˣ = 2ᵏ (1 + r + r²/2! + r³/3! + …).
    static func exponential(_ number: Double) -> Double {
        let number = min(max(number, -700), 700)
        let doublings = (number / logarithmOf2).rounded()
        let rest = number - doublings * logarithmOf2
        var sum = 1.0
        for divisor in stride(from: 17.0, through: 1, by: -1) { sum = 1 + sum * rest / divisor }
        return Double(sign: .plus, exponent: Int(doublings), significand: sum)
    }

    /// A positive number to the power of another.
    static func power(_ base: Double, _ exponent: Double) -> Double {
        exponential(exponent * logarithm(base))
    }
}

extension SeededRandom {
    /// A number from 0 up to but not including 1: the upper 53 of 64 bits.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number of the standard normal distribution (Marsaglia and Bray, "A convenient method for
    /// generating normal variables", 1964: the polar method, of whose two numbers one is used).
    mutating func normal() -> Double {
        while true {
            let (across, along) = (2 * fraction() - 1, 2 * fraction() - 1)
            let square = across * across + along * along
            guard square > 0, square < 1 else { continue }
            return across * (-2 * PlainMath.logarithm(square) / square).squareRoot()
        }
    }
}
