import Flags

/// `--percentiles 50,95,99.9`: the quantiles that a report for people has.
package enum Percentiles {
    /// Those of a report that is not told which.
    package static let usual = [0.5, 0.9, 0.95, 0.99, 0.999]
    /// More would not be read.
    static let countMax = 10
    /// Nearer to all than that no run comes.
    private static let most = 99.9999

    /// The option, for the table of each command that prints reports.
    package static let flag = Flag(
        "percentiles", nil, "LIST", help: "of the report: 50,99,99.99 (50,90,95,99,99.9)")

    /// The quantiles in their order, each once; the mistake follows the text.
    package static func quantiles(_ text: String) throws(Units.Mistake) -> [Double] {
        let quantiles = try Units.list(text) { item throws(Units.Mistake) in
            let share: Double
            do {
                share = try Units.percent(item.hasSuffix("%") ? item : item + "%")
            } catch {
                throw Units.Mistake("has '\(item)', which is no percentile; write 50,95,99.9")
            }
            guard share > 0, share * 100 <= most else {
                throw Units.Mistake(
                    "has '\(item)', which is out of range: give more than 0, and \(most) at most")
            }
            // To the digits that anybody writes: 99.9 / 100 is not 0.999.
            return (share * 1e8).rounded() / 1e8
        }
        let sorted = Set(quantiles).sorted()
        guard sorted.count <= countMax else {
            throw Units.Mistake("has \(sorted.count) percentiles: give at most \(countMax)")
        }
        return sorted
    }
}
