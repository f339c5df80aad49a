import Glibc

/// A small generator of pseudo-random numbers whose whole state is its seed (SplitMix64).
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// A generator for one of several users of a seed: none of them repeats another's numbers.
    package init(seed: UInt64, stream: Int) {
        var source = SplitMix(seed: seed ^ 0x5DEE_CE66_D1A4_B5F1)
        var mixed = SplitMix(seed: source.next() &+ UInt64(bitPattern: Int64(stream)))
        state = mixed.next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of events where `mean` are expected, independent of each other: drawn one by one
    /// while they are few, and from the normal distribution, which is as good, when they are many.
    mutating func poisson(mean: Double) -> Int {
        guard mean > 100 else {
            var (count, left) = (-1, mean)
            while left >= 0 {
                count += 1
                left -= -log(share())
            }
            return max(0, count)
        }
        // Box and Muller 1958.
        let normal = (-2 * log(share())).squareRoot() * cos(2 * Double.pi * share())
        return max(0, Int((mean + mean.squareRoot() * normal).rounded()))
    }

    /// A number above 0 and at most 1, each equally likely.
    package mutating func share() -> Double { Double((next() >> 11) + 1) * 0x1p-53 }
}

/// The numbers of the things that fall to one of `count` sharers, out of `total`.
///
/// Remainders go to the first sharers, one each, so that the shares add up to `total` exactly.
package func share(of total: Int, for index: Int, among count: Int) -> Range<Int> {
    let least = total / count
    let remainder = total % count
    let start = index * least + min(index, remainder)
    return start..<start + least + (index < remainder ? 1 : 0)
}
