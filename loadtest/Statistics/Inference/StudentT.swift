import Glibc

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

// How likely a value of Student's t is, for whole degrees of freedom: the finite series of
// Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.

extension StudentT {
    /// The probability that chance alone gives a value at least as far from 0, on either side.
    ///
    /// Exact to about 1e-15, whatever comes in: below that it is 0.
    package static func probability(beyond value: Double, freedom: Int) -> Double {
        guard freedom > 0, !value.isNaN else { return 1 }
        let angle = atan(value.magnitude / Double(freedom).squareRoot())
        let (sine, square) = (sin(angle), cos(angle) * cos(angle))
        let isOdd = freedom % 2 == 1
        // 1 + (1/2) cos² + (1·3)/(2·4) cos⁴ … where even, cos + (2/3) cos³ … where odd.
        var (term, sum) = (isOdd ? cos(angle) : 1, 0.0)
        for step in stride(from: isOdd ? 3 : 2, through: freedom, by: 2) {
            sum += term
            term *= Double(step - 1) / Double(step) * square
        }
        let inside = isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
        return min(1, max(0, 1 - inside))
    }

    /// The value that chance exceeds on either side with a probability above 0 and below 1, to nine
    /// digits; what is beyond a million is called a million.
    package static func factor(probability: Double, freedom: Int) -> Double {
        var (low, high) = (0.0, 1.0)
        while high < 1e6, StudentT.probability(beyond: high, freedom: freedom) > probability {
            (low, high) = (high, 2 * high)
        }
        for _ in 0..<30 {
            let middle = (low + high) / 2
            if StudentT.probability(beyond: middle, freedom: freedom) > probability {
                low = middle
            } else {
                high = middle
            }
        }
        return min(high, 1e6)
    }
}
