/// A straight line through points, by least squares, and whether it is more than chance.
package struct Trend: Sendable, Equatable {
    /// How much y grows for one of x.
    package let slope: Double
    /// How likely chance alone gives as steep a line.
    package let probability: Double

    /// Nil for fewer than four points, or when all have the same x.
    package init?(_ points: [(x: Double, y: Double)]) {
        guard points.count >= 4 else { return nil }
        let count = Double(points.count)
        let x = points.reduce(0) { $0 + $1.x } / count
        let y = points.reduce(0) { $0 + $1.y } / count
        let width = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
        guard width > 0 else { return nil }
        let slope = points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / width
        let rest = points.reduce(0) { sum, point in
            let off = point.y - y - slope * (point.x - x)
            return sum + off * off
        }
        let error = (rest / (count - 2) / width).squareRoot()
        self.slope = slope
        probability =
            error > 0
            ? StudentT.probability(beyond: slope / error, freedom: points.count - 2)
            : (slope == 0 ? 1 : 0)
    }
}
