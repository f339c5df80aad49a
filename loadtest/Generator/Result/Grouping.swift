// Numbers in sentences: an error or a diagnosis is read by people.

extension Int {
    /// With commas between its thousands: "1,000,000".
    var grouped: String {
        let digits = String(magnitude)
        var text = self < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}
