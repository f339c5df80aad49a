/// How wide a 95 % interval is when the spread itself was estimated from few values
/// (Student 1908).
package enum StudentT {
    /// The 97.5 % points for 1 to 30 degrees of freedom.
    private static let points = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ]

    /// Standard errors on each side of a mean; fractions of a degree and what is beyond the table
    /// take the wider row.
    package static func factor(freedom: Double) -> Double {
        points[Int(min(max(freedom, 1), Double(points.count))) - 1]
    }
}
