// Numbers with a fixed number of digits, for people: printf(3) is Foundation's in Swift.

/// A number with so many digits behind the point, at most 9.
func fixed(_ value: Double, _ digits: Int) -> String {
    let factor = (0..<digits).reduce(1) { power, _ in power * 10 }
    let scaled = Int(clamping: Int64((min(max(value, -1e9), 1e9) * Double(factor)).rounded()))
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt(factor))
    let text = digits == 0 ? "" : "." + String(String(rest + UInt(factor)).dropFirst())
    return "\(scaled < 0 ? "-" : "")\(whole)\(text)"
}
