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
