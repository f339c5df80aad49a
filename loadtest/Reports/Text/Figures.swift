import Flags
import Statistics

/// Prints quantities for people: three significant digits, thousands separated, never an exponent.
package enum Figures {
    /// A unit of time and how many nanoseconds it has.
    package struct TimeUnit: Sendable, Equatable {
        package let name: String
        package let nanoseconds: Double

        static let all = [
            TimeUnit(name: "ns", nanoseconds: 1), TimeUnit(name: "us", nanoseconds: 1e3),
            TimeUnit(name: "ms", nanoseconds: 1e6), TimeUnit(name: "s", nanoseconds: 1e9),
        ]
    }

    /// Three significant digits: "0.0182", "1.82", "18.2", "18,200"; at most four decimals.
    package static func short(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let size = value.magnitude
        if size == 0 { return "0" }
        // The bounds are where rounding carries into the next digit: 9.996 prints as "10.0".
        let decimals =
            switch size {
            case ..<0.09995: 4
            case ..<0.9995: 3
            case ..<9.995: 2
            case ..<99.95: 1
            default: 0
            }
        if decimals > 0 { return fixed(value, decimals: decimals) }
        var step = 1.0
        while size / step >= 999.5 { step *= 10 }
        return whole((value / step).rounded() * step)
    }

    /// A fixed number of decimals, rounded half away from zero.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        let power = (0..<decimals).reduce(1) { power, _ in power * 10 }
        guard value.isFinite, value.magnitude < 1e12 else { return whole(value) }
        let scaled = Int((value.magnitude * Double(power)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if decimals == 0 { return sign + Units.text(scaled) }
        let digits = String(scaled % power)
        let fraction = String(repeating: "0", count: decimals - digits.count) + digits
        return sign + Units.text(scaled / power) + "." + fraction
    }

    /// A count, exact, with its thousands separated.
    package static func count(_ value: Int) -> String { Units.text(value) }

    private static func whole(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        return Units.text(Int(min(max(value, -9e18), 9e18)))
    }

    /// A length of time in the unit that suits it: "182 us".
    package static func time(nanoseconds: Double) -> String {
        let unit = unit(for: nanoseconds)
        return short(nanoseconds / unit.nanoseconds) + " " + unit.name
    }

    /// A length of time in the unit that suits it: "1.50 s".
    package static func time(seconds: Double) -> String { time(nanoseconds: seconds * 1e9) }

    /// The largest unit of which the time has at least one, after rounding.
    package static func unit(for nanoseconds: Double) -> TimeUnit {
        let fitting = TimeUnit.all.last { nanoseconds >= $0.nanoseconds * 0.9995 }
        return fitting ?? TimeUnit(name: "us", nanoseconds: 1e3)
    }

    /// One unit for times that stand in a row: it suits `typical`, and keeps `largest` to five
    /// digits.
    package static func unit(typical: Double, largest: Double) -> TimeUnit {
        let suiting = unit(for: typical)
        return TimeUnit.all.first {
            $0.nanoseconds >= suiting.nanoseconds && largest / $0.nanoseconds < 99_950
        } ?? TimeUnit(name: "s", nanoseconds: 1e9)
    }

    /// A number of bytes in the unit that suits it: "64 B", "3.66 MiB".
    package static func bytes(_ value: Double) -> String {
        var (value, units) = (value, ["B", "KiB", "MiB", "GiB", "TiB"][...])
        while value.magnitude >= 1023.5, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        let isWhole = units.count == 5 && value == value.rounded()
        return (isWhole ? whole(value) : short(value)) + " " + (units.first ?? "")
    }

    /// A share of one as a percentage: "0.123 %", "100 %".
    package static func percent(_ share: Double) -> String { short(share * 100) + " %" }

    /// A part of a whole as a percentage: "99.97 %". All of it is "100 %", and nothing less is.
    package static func part(_ part: Int, of whole: Int) -> String {
        guard whole > 0, part < whole else { return whole > 0 ? "100 %" : "-" }
        let share = Double(part) / Double(whole)
        return fixed((share * 10_000).rounded(.down) / 100, decimals: 2) + " %"
    }

    /// A rate, which is worth more digits than a time: "60,001", and "12.5" where it is low.
    package static func rate(_ value: Double) -> String {
        value.magnitude < 999.5 ? short(value) : fixed(value, decimals: 0)
    }

    /// A quantile in the unit that suits it: ">= 5.00 s" where only a bound is known.
    static func time(_ quantile: Quantile) -> String {
        (quantile.isLowerBound ? ">= " : "") + time(nanoseconds: Double(quantile.nanoseconds))
    }

    /// A percentile's name: "p99.9" for 0.999.
    package static func name(ofQuantile quantile: Double) -> String {
        let text = fixed(quantile * 100, decimals: 6)
        let trimmed = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
        return "p" + String(trimmed.reversed())
    }

    /// Bytes as two hexadecimal digits each: "3f 2a 00".
    package static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }

    /// How many samples a percentile needs so that ten lie beyond it.
    package static func samplesNeeded(for quantile: Double) -> Int {
        guard quantile < 1 else { return .max }
        return Int(min((10 / (1 - quantile) - 1e-6).rounded(.up), 9e18))
    }
}

extension String {
    /// Fills up with spaces at the left.
    package func right(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
    /// Fills up with spaces at the right.
    package func left(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
