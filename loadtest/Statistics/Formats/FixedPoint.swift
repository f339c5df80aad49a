/// Prints numbers for files of columns: a fixed number of decimals, without an exponent.
enum FixedPoint {
    /// At least `width` characters, filled up at the left.
    static func text(_ value: Double, decimals: Int, width: Int = 0) -> String {
        let power = (0..<decimals).reduce(1) { power, _ in power * 10 }
        // Beyond that an Int has no room; no figure of a histogram comes near.
        let scaled = min((value.magnitude * Double(power)).rounded(), 9e18)
        guard scaled.isFinite else { return "-" }
        let digits = Int(scaled)
        var text = value < 0 && digits > 0 ? "-" : ""
        text += String(digits / power)
        if decimals > 0 {
            let fraction = String(digits % power)
            text += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
        }
        return right(text, width)
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.utf8.count)) + text
    }
}
