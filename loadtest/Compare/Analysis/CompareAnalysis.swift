import Reports
import Statistics

/// How every arm stands: each figure over the rounds, how surely it is known, and in a word how it
/// compares with the baseline.
///
///     samples      arm × point × round × reading
///        ↓ rounds of one arm                    median, interval, rounds that stand apart
///        ↓ with the baseline of the same round  ratio, interval, probability
///        ↓ with all arms, and with the control  corrected probability, noise floor
///     word         faster · slower · no clear difference · too noisy to tell
///
/// It is made from a record alone, so that every report says the same.
package struct Standing: Sendable {
    package let record: CompareRecord
    /// By point, then by reading, then by arm; nil where there is nothing.
    private let figures: [[Reading: [Figure?]]]
    /// By point, then by reading: what noise reaches alone, as a logarithm of a ratio.
    private let floors: [[Reading: Double]]

    package init(_ record: CompareRecord) {
        self.record = record
        let judgements = record.points.indices.map { point in
            let rounds = Standing.samples(at: point, of: record)
            return Dictionary(
                uniqueKeysWithValues: Reading.allCases.map {
                    ($0, Judgement(of: $0, in: rounds, of: record))
                })
        }
        figures = judgements.map { $0.mapValues(\.figures) }
        floors = judgements.map { $0.mapValues(\.floor) }
    }

    /// By arm, in the order of rounds; none of an arm that is not to have a figure.
    private static func samples(
        at point: Int, of record: CompareRecord
    ) -> [[CompareRecord.Sample]] {
        var arms = record.arms.map { _ in [CompareRecord.Sample]() }
        for sample in record.samples where sample.point == point {
            guard arms.indices.contains(sample.arm),
                record.arms[sample.arm].outcome == .measured
            else { continue }
            arms[sample.arm].append(sample)
        }
        return arms.map { $0.sorted { $0.round < $1.round } }
    }

    package func figure(_ reading: Reading, of arm: Int, at point: Int) -> Figure? {
        guard figures.indices.contains(point), let arms = figures[point][reading],
            arms.indices.contains(arm)
        else { return nil }
        return arms[arm]
    }

    /// The difference that noise reaches alone, as the logarithm of a ratio: as far as the interval
    /// of the control goes, and at least what is worth calling a difference.
    package func floor(_ reading: Reading, at point: Int) -> Double {
        guard floors.indices.contains(point) else { return Judgement.floorMin }
        return floors[point][reading] ?? Judgement.floorMin
    }

    /// The arms that have figures, in their order.
    package var measured: [Int] {
        record.arms.indices.filter { record.arms[$0].outcome == .measured }
    }

    /// Whether any arm at any point has such a figure.
    package func has(_ reading: Reading) -> Bool {
        figures.contains { $0[reading]?.contains { $0 != nil } == true }
    }

    /// The rounds that were finished.
    package var rounds: Int { Set(record.samples.map(\.round)).count }
}
