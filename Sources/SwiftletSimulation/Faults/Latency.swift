import Syscalls

/// How long something takes to arrive, as a distribution to draw from.
///
/// ```swift
/// .constant(.milliseconds(20))
/// .uniform(.microseconds(500) ... .milliseconds(2))
/// .exponential(mean: .milliseconds(20))
/// .logNormal(median: .milliseconds(20), percentile99: .milliseconds(300))
/// .pareto(from: .milliseconds(1), to: .seconds(10), exponent: 1.5)
/// ```
///
/// What is drawn is whole nanoseconds, from the seed and by plain arithmetic, so that it is the
/// same on every machine. Whatever is drawn, bytes of one stream arrive in the order in which they
/// were sent: one that is late makes those behind it late too, as with TCP.
public struct Latency: Hashable, Sendable {
    /// Times are in nanoseconds.
    private enum Shape: Hashable {
        case constant(Int64)
        case uniform(ClosedRange<Int64>)
        case exponential(least: Int64, mean: Int64)
        case logNormal(median: Int64, percentile99: Int64)
        case pareto(ClosedRange<Int64>, exponent: Double)
    }

    private let shape: Shape

    private init(_ shape: Shape) { self.shape = shape }

    /// How long anything takes between two hosts for which no rule says otherwise: 0.5 to 1.5 ms,
    /// as between machines of one site, so that what is sent on two connections at once may arrive
    /// either way round.
    public static let usual = uniform(.microseconds(500) ... .microseconds(1500))

    /// Always the same.
    public static func constant(_ time: Duration) -> Latency {
        Latency(.constant(nanoseconds(of: time)))
    }

    /// Anything within a range, each nanosecond as likely as any other.
    public static func uniform(_ range: ClosedRange<Duration>) -> Latency {
        Latency(.uniform(nanoseconds(of: range.lowerBound)...nanoseconds(of: range.upperBound)))
    }

    /// Mostly little more than `least`, and seldom much more: one in 1,000 takes 6.9 times as long
    /// beyond `least` as the mean does. Drawn as least − (mean − least) · ln(1 − u).
    public static func exponential(from least: Duration = .zero, mean: Duration) -> Latency {
        precondition(least <= mean, "a mean latency is not below the least one")
        return Latency(.exponential(least: nanoseconds(of: least), mean: nanoseconds(of: mean)))
    }

    /// Half below the median and one in a hundred above `percentile99`: what is measured on most
    /// networks. Drawn as median · exp(σz), with z standard normal and σ from the percentile.
    public static func logNormal(median: Duration, percentile99: Duration) -> Latency {
        precondition(median > .zero, "the median of a log-normal latency is above 0")
        precondition(median <= percentile99, "a 99th percentile is not below the median")
        return Latency(
            .logNormal(
                median: nanoseconds(of: median), percentile99: nanoseconds(of: percentile99)))
    }

    /// A heavy tail: as the time doubles, those that take longer become 2 to the power of
    /// `exponent` times fewer. The bounded Pareto distribution, drawn as
    /// least · (1 − u (1 − (least/most)ᵃ)) to the power of −1/a.
    public static func pareto(
        from least: Duration, to most: Duration, exponent: Double
    ) -> Latency {
        precondition(least > .zero, "the least Pareto latency is above 0")
        precondition(least <= most, "the greatest latency is not below the least one")
        precondition((0.01...100).contains(exponent), "a Pareto exponent is from 0.01 to 100")
        return Latency(
            .pareto(nanoseconds(of: least)...nanoseconds(of: most), exponent: exponent))
    }

    private static func nanoseconds(of time: Duration) -> Int64 {
        precondition(time >= .zero, "nothing arrives before it was sent: a latency is at least 0")
        return time.wholeNanoseconds
    }
}

extension Latency {
    /// Draws a time in nanoseconds, at least 0. A constant draws nothing.
    func draw(using random: inout SeededRandom) -> Int64 {
        switch shape {
        case .constant(let time): return time
        case .uniform(let range): return Int64.random(in: range, using: &random)
        case .exponential(let least, let mean):
            let spread = -PlainMath.logarithm(1 - random.fraction())
            return whole(Double(least) + Double(mean - least) * spread)
        case .logNormal(let median, let percentile99):
            // 99 % of a standard normal distribution is below 2.3263….
            let deviation =
                PlainMath.logarithm(Double(percentile99) / Double(median)) / 2.3263478740408408
            return whole(
                Double(median) * PlainMath.exponential(deviation * random.normal()))
        case .pareto(let range, let exponent):
            let (least, most) = (Double(range.lowerBound), Double(range.upperBound))
            let tail = PlainMath.power(least / most, exponent)
            let beyond = 1 - random.fraction() * (1 - tail)
            let time = whole(least * PlainMath.power(beyond, -1 / exponent))
            return min(max(time, range.lowerBound), range.upperBound)
        }
    }

    /// The nearest whole number; saturates.
    private func whole(_ time: Double) -> Int64 {
        Int64(exactly: time.rounded()) ?? .max
    }
}

extension Latency: CustomStringConvertible {
    /// The distribution and its numbers: "exponential with mean 20 ms".
    public var description: String {
        func text(_ time: Int64) -> String { Duration.nanoseconds(time).inUnits }
        func text(_ range: ClosedRange<Int64>) -> String {
            "\(text(range.lowerBound)) to \(text(range.upperBound))"
        }
        return switch shape {
        case .constant(let time): text(time)
        case .uniform(let range): text(range)
        case .exponential(0, let mean): "exponential with mean \(text(mean))"
        case .exponential(let least, let mean):
            "exponential from \(text(least)) with mean \(text(mean))"
        case .logNormal(let median, let percentile99):
            "log-normal with median \(text(median)) and 99th percentile \(text(percentile99))"
        case .pareto(let range, let exponent):
            "Pareto from \(text(range)) with exponent \(exponent)"
        }
    }
}
