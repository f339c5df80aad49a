/// Where a value stands along an axis, and the round values that are marked there.
///
///     linear   0      20      40      60      80     100
///     log      1 us   10 us    100 us     1 ms    10 ms
///     tail     0 %    50 %  90 %    99 %    99.9 %          log of 1/(1-p): each nine as wide
///
/// A scale covers what it was made for, from one round value to another.
package struct Scale: Sendable {
    /// A mark; one without a label is only a line of the grid.
    package struct Tick: Sendable, Equatable {
        package let value: Double
        package let label: String
    }

    private enum Law { case linear, log, tail }

    package let ticks: [Tick]
    private let law: Law
    /// The ends, as the law bends them.
    private let low: Double
    private let high: Double

    private init(_ law: Law, from low: Double, to high: Double, ticks: [Tick]) {
        self.law = law
        self.low = Scale.bend(low, law) ?? 0
        self.high = Scale.bend(high, law) ?? 1
        self.ticks = ticks
    }

    /// Equal steps. Ends that are no numbers, or no range, give 0 to 1.
    package static func linear(
        from low: Double, to high: Double, of quantity: Quantity, steps: Int = 6
    ) -> Scale {
        // Beyond that a Double has no room for the steps between.
        let isRange =
            low.magnitude < 1e15 && high.magnitude < 1e15 && high - low > 1e-9
            && high - low > high.magnitude * 1e-6
        let (low, high) = isRange ? (low, high) : (0, 1)
        let step = RoundNumber.atLeast((high - low) / Double(steps))
        // A hair's breadth for what division loses.
        let first = Int((low / step.value + 1e-9).rounded(.down))
        let last = Int((high / step.value - 1e-9).rounded(.up))
        let numbers = (first...last).map {
            Decimals(digits: $0 * step.digit, exponent: step.exponent)
        }
        return Scale(
            .linear, from: numbers[0].value, to: numbers[numbers.count - 1].value,
            ticks: numbers.map { Tick(value: $0.value, label: quantity.label($0)) })
    }

    /// Equal steps from 0 to a value that need not be round, so that nothing stays empty.
    package static func span(to end: Double, of quantity: Quantity) -> Scale {
        let covering = linear(from: 0, to: end, of: quantity, steps: 10)
        let last = min(end, covering.high)
        guard last > 0 else { return covering }
        return Scale(
            .linear, from: 0, to: last, ticks: covering.ticks.filter { $0.value <= last })
    }

    /// Equal factors. Ends that are not positive numbers, or no range, give 1 to 10.
    package static func log(from low: Double, to high: Double, of quantity: Quantity) -> Scale {
        let isRange = low > 1e-9 && low <= high && high < 1e18
        let bottom = RoundNumber.atMost(isRange ? low : 1)
        var top = RoundNumber.atLeast(isRange ? high : 10)
        if top.value <= bottom.value { top = RoundNumber.atLeast(bottom.value * 1.5) }
        let (low, high) = (bottom.value, top.value)
        // Less than a decade has too few round numbers: equal steps, which the law bends.
        if high / low < 6 {
            let inner = linear(from: low, to: high, of: quantity).ticks
            let ticks = inner.filter { $0.value >= low && $0.value <= high }
            return Scale(.log, from: low, to: high, ticks: ticks)
        }
        let labelled = high / low <= 1100 ? [1, 2, 5] : [1]
        let ticks = RoundNumber.between(low, high, digits: [1, 2, 5]).map { number in
            let decimals = Decimals(digits: number.digit, exponent: number.exponent)
            let isLabelled = labelled.contains(number.digit)
            return Tick(value: number.value, label: isLabelled ? quantity.label(decimals) : "")
        }
        return Scale(.log, from: low, to: high, ticks: ticks)
    }

    /// Equal factors around 1, from a ratio to another, which need not be round. Ends that are no
    /// positive numbers give 0.5 to 2.
    package static func ratios(from low: Double, to high: Double) -> Scale {
        let isRange = low > 1e-6 && low <= high && high < 1e9
        let (low, high) = isRange ? (min(low, 1), max(high, 1)) : (0.5, 2)
        // Air at both ends, and never less than a few per cent in all.
        let air = min(1.12, max(1.02, 1 + (high / low - 1) * 0.03))
        let (bottom, top) = (low / air, high * air)
        let steps = [2, 5, 10, 25, 50].first { hundredth in
            (top - bottom) * 100 / Double(hundredth) <= 9
        }
        guard top / bottom < 4, let step = steps else { return factors(from: bottom, to: top) }
        let first = Int((bottom * 100 / Double(step)).rounded(.up))
        let last = max(first, Int((top * 100 / Double(step)).rounded(.down)))
        return ratios(
            from: bottom, to: top,
            at: (first...last).map { Decimals(digits: $0 * step, exponent: -2) })
    }

    /// Far ratios, marked at round numbers.
    private static func factors(from low: Double, to high: Double) -> Scale {
        let digits =
            switch high / low {
            case ..<40: [1, 2, 3, 5, 7]
            case ..<1100: [1, 2, 5]
            default: [1]
            }
        return ratios(
            from: low, to: high,
            at: RoundNumber.between(low, high, digits: digits).map {
                Decimals(digits: $0.digit, exponent: $0.exponent)
            })
    }

    private static func ratios(from low: Double, to high: Double, at numbers: [Decimals]) -> Scale {
        Scale(
            .log, from: low, to: high,
            ticks: numbers.map { Tick(value: $0.value, label: Quantity.ratio.label($0)) })
    }

    /// Quantiles from 0 to the last one that `samples` can tell.
    package static func tail(samples: Int) -> Scale {
        let last = 1 - 1 / Double(max(10, samples))
        var ticks = [Tick(value: 0, label: "0 %"), Tick(value: 0.5, label: "50 %")]
        for nines in 1...18 {
            let digits = Int(String(repeating: "9", count: nines)) ?? 0
            let quantile = Decimals(digits: digits, exponent: -nines).value
            if quantile > last + 1e-12 || quantile == 1 { break }
            let label = Decimals(digits: digits, exponent: 2 - nines)
            ticks.append(Tick(value: quantile, label: Quantity.percent.label(label)))
        }
        return Scale(.tail, from: 0, to: last, ticks: ticks)
    }

    /// The place of a value, from 0 at the start of the axis to 1 at its end; what lies outside is
    /// put at the end it lies beyond. Nil for what has no place, such as 0 among logarithms.
    package func position(_ value: Double) -> Double? {
        guard let bent = Scale.bend(value, law), high > low else { return nil }
        return min(1, max(0, (bent - low) / (high - low)))
    }

    private static func bend(_ value: Double, _ law: Law) -> Double? {
        guard value.isFinite else { return nil }
        switch law {
        case .linear: return value
        case .log: return value > 0 ? decimalLogarithm(value) : nil
        case .tail: return value < 0 ? nil : -decimalLogarithm(max(1e-18, 1 - value))
        }
    }
}

/// What the numbers along an axis are, and how its ticks are called.
package enum Quantity: Sendable {
    /// Nanoseconds, called by the unit that suits each: "200 us", "1 ms".
    case time
    /// A number whose unit stands in the axis' title.
    case plain
    /// Percent.
    case percent
    /// A multiple of something: "0.95", "1.00", "20".
    case ratio

    func label(_ number: Decimals) -> String {
        switch self {
        case .plain: return number.text
        case .percent: return number.text + " %"
        case .ratio:
            let text = number.text
            guard number.value < 10, let point = text.firstIndex(of: ".") else {
                return number.value < 10 ? text + ".00" : text
            }
            return text[point...].count == 2 ? text + "0" : text
        case .time:
            guard number.digits != 0 else { return "0" }
            let size = number.exponent + String(number.digits.magnitude).count - 1
            let unit = min(3, max(0, size / 3))
            let inUnit = Decimals(digits: number.digits, exponent: number.exponent - 3 * unit)
            return inUnit.text + " " + ["ns", "us", "ms", "s"][unit]
        }
    }
}
