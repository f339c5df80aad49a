import Glibc

/// How far samples are from an exponential law of a known mean: Anderson and Darling's A².
///
///     A² = −n − 1/n · Σ (2i − 1) · (ln F(xᵢ) + ln(1 − F(xₙ₊₁₋ᵢ)))    F(x) = 1 − e^(−x/mean)
///
/// It weighs both ends of the law, where a generator that drops short gaps, or cuts long ones, is
/// wrong first. The mean is the planned one and not the samples' own, so a wrong rate is found too.
enum AndersonDarling {
    /// A² that a fair sample exceeds once in twenty and once in a hundred times, for any number of
    /// samples above five (Stephens 1974, "EDF Statistics for Goodness of Fit", case 0).
    static let oneInTwenty = 2.492
    static let oneInHundred = 3.857

    /// A² of samples, in the unit of `mean`, that are rounded to whole units.
    static func distance(of samples: [Double], toExponentialOfMean mean: Double) -> Double {
        // A gap that was rounded to nothing was up to half a unit; nothing at all has no logarithm.
        let ordered = samples.sorted().map { max($0, 0.5) / mean }
        let count = Double(ordered.count)
        var sum = 0.0
        for (index, (low, high)) in zip(ordered, ordered.reversed()).enumerated() {
            // ln(1 − e^(−x)) without losing the small ones, and ln(e^(−x)).
            sum += (2 * Double(index) + 1) * (log(-expm1(-low)) - high)
        }
        return -count - sum / count
    }
}
