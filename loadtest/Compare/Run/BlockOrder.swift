import Statistics

/// The order of the arms in each round: a block in which everybody runs once.
///
///     round 0    c a d b    by chance, from the seed
///     round 1    b d a c    the same backwards
///     round 2    a b d c    by chance again
///     round 3    c d b a    …
///
/// Chance alone is fair in the long run, and eight rounds are no long run: with each order goes its
/// reverse, so that whoever came early comes late as often, and a machine that slows down steadily
/// slows all of them alike. For two arms that is A B B A.
package struct BlockOrder: Sendable {
    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// The order of `arms` at the `point`-th load in a round, counted from 0.
    package func arms(_ arms: Range<Int>, round: Int, point: Int) -> [Int] {
        // One stream of numbers for each pair of rounds at each load; there are at most 64 loads.
        var chance = SplitMix(seed: seed, stream: round / 2 * 64 + point)
        let order = arms.shuffled(using: &chance)
        return round.isMultiple(of: 2) ? order : order.reversed()
    }
}
