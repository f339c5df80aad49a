import Syscalls

// Times as people write them: "1.5 ms", and as a trace has them: "1.250000000".

extension Duration {
    /// The duration to the nanosecond, in the largest unit of which it is at least one.
    var inUnits: String {
        let nanoseconds = wholeNanoseconds
        let units: [(String, Int64)] = [("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)]
        for (name, size) in units where nanoseconds.magnitude >= size.magnitude {
            let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: size)
            return "\(whole)\(decimals(of: rest.magnitude, in: size.magnitude)) \(name)"
        }
        return nanoseconds == 0 ? "0 s" : "\(nanoseconds) ns"
    }
}

/// A fraction as a point and its digits, without trailing zeros; nothing when it is 0.
private func decimals(of rest: UInt64, in size: UInt64) -> String {
    var (rest, size, text) = (rest, size, "")
    while rest > 0 {
        size /= 10
        text += "\(rest / size)"
        rest %= size
    }
    return text.isEmpty ? "" : "." + text
}

extension Instant {
    /// The instant as seconds of the world, with all of its nine digits: "1.250000000".
    var asSeconds: String { nanoseconds.asSeconds }
}

extension Int64 {
    /// Nanoseconds as seconds with nine digits.
    fileprivate var asSeconds: String {
        let digits = String(magnitude % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return "\(self < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(zeros)\(digits)"
    }
}
