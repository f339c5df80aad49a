import Reports
import Statistics

/// How every arm stands: each figure over the rounds, how surely it is known, and in a word how it
/// compares with the baseline.
///
///     samples      arm × point × round × reading
///        ↓ slices of one arm                    median, interval, rounds that stand apart
///        ↓ with the baseline of the same round  ratio, interval, probability
///        ↓ with all arms and readings           corrected probability
///     word         faster · slower · no clear difference · too noisy to tell
///
/// It is made from a record alone, so that every report says the same.
package struct CompareAnalysis: Sendable {
    package let record: CompareRecord
    /// By point, then by reading, then by arm; nil where there is nothing.
    private let figures: [[Reading: [Figure?]]]
    /// By point, then by reading: what noise reaches alone, as a logarithm of a ratio.
    private let floors: [[Reading: Double]]

    package init(_ record: CompareRecord) {
        self.record = record
        let all = record.points.indices.map { CompareAnalysis.samples(at: $0, of: record) }
        let questions = CompareAnalysis.questions(in: all)
        let judgements = all.map { rounds in
            Dictionary(
                uniqueKeysWithValues: Reading.allCases.map {
                    ($0, Judgement(of: $0, in: rounds, of: record, questions: questions))
                })
        }
        figures = judgements.map { $0.mapValues(\.figures) }
        floors = judgements.map { $0.mapValues(\.floor) }
    }

    /// How many readings, over all points, have rounds enough to be judged.
    private static func questions(in points: [[[CompareRecord.Sample]]]) -> Int {
        points.reduce(0) { count, arms in
            count
                + Reading.allCases.count { reading in
                    reading.isJudged
                        && arms.contains { samples in
                            samples.count { $0.readings[reading] != nil } >= Judgement.roundsMin
                        }
                }
        }
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

    /// The difference that is none, as the logarithm of a ratio: as far as the control is from the
    /// baseline, and at least what is worth calling a difference.
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

    /// The rounds of busy slices at a point in which the baseline was.
    package func rounds(at point: Int) -> Int {
        figure(.rate, of: record.baseline, at: point)?.rounds.values.count ?? 0
    }
}

// One reading of one arm at one point, over the rounds.

extension CompareAnalysis {
    package struct Figure: Sendable, Equatable {
        /// What each round gave, in their order.
        package let rounds: Rounds
        /// Which rounds these are.
        package let numbers: [Int]
        /// Whether half of the rounds or more gave only a bound: the true figure is at least this.
        package let isLowerBound: Bool
        /// Against the baseline; nil for the baseline, and where a figure is not above zero.
        package var ratio: PairedRatio?
        /// How likely chance alone gives that ratio, corrected for the arms that were compared.
        package var probability: Double?
        /// The smallest difference that would have been found four times in five, as a logarithm.
        package var smallest: Double?
        package var word = Word.shown

        /// From the samples of an arm at a point; nil where none has the reading.
        init?(_ reading: Reading, in samples: [CompareRecord.Sample]) {
            let samples = samples.filter { $0.readings[reading] != nil }
            guard let rounds = Rounds(samples.compactMap { $0.readings[reading] }) else {
                return nil
            }
            self.rounds = rounds
            numbers = samples.map(\.round)
            isLowerBound =
                2 * samples.count { $0.lowerBounds.contains(reading) } >= samples.count
        }

        /// Its ratio to another's, over the rounds that both have.
        func ratio(to other: Figure) -> PairedRatio? {
            PairedRatio(pairs(with: other).map { (new: $0.own, old: $0.other) })
        }

        /// What both have of the rounds in which both were, with the number of the round.
        func pairs(with other: Figure) -> [(number: Int, own: Double, other: Double)] {
            let others = Dictionary(
                zip(other.numbers, other.rounds.values), uniquingKeysWith: { first, _ in first })
            return zip(numbers, rounds.values).compactMap { number, value in
                others[number].map { (number, value, $0) }
            }
        }
    }

    /// How an arm stands to the baseline.
    package enum Word: Sendable, Equatable {
        case baseline
        /// The baseline a second time.
        case control
        case better
        case worse
        /// A difference that would matter would have been seen.
        case noClearDifference
        /// It might have been missed; about so many rounds would have shown it.
        case tooNoisy(rounds: Int)
        /// Few rounds have no spread that can be trusted.
        case tooFewRounds
        /// One side is known only from below, and that leaves it open.
        case open
        /// It is not judged: a difference is trivial, or there is no ratio.
        case shown
    }
}

extension Reading {
    /// Whether it is taken in rounds, so that statistics say how an arm stands; the others are
    /// measured once.
    var isJudged: Bool {
        switch self {
        case .rate, .cpu, .p50, .p99: true
        default: false
        }
    }
}

// What looking blocking costs: the coroutine beside the loop written by hand over the
// same system call.

extension CompareAnalysis {
    /// A coroutine's driver and the loop over the same system call.
    package struct Blocking: Sendable, Equatable {
        /// "poll".
        package let loop: String
        /// CPU time of the coroutine for a message, over that of the loop.
        package let ratio: PairedRatio
    }

    /// A ratio for each driver of the coroutine whose loop was measured too, at a point.
    package func blocking(at point: Int) -> [Blocking] {
        measured.compactMap { arm in
            // Only the coroutine has a driver of another name than its own.
            guard case .bundled(let model, let driver) = record.arms[arm].kind, model != driver,
                !record.arms[arm].isControl, let loop = self.loop(driver),
                let cost = figure(.cpu, of: arm, at: point),
                let raw = figure(.cpu, of: loop, at: point),
                let ratio = cost.ratio(to: raw) ?? throughBaseline(cost, raw)
            else { return nil }
            return Blocking(loop: record.arms[loop].name, ratio: ratio)
        }
    }

    /// The ratio of two that were in no group together: by what each differs by from the baseline,
    /// which was in all of them.
    private func throughBaseline(_ new: Figure, _ old: Figure) -> PairedRatio? {
        guard let new = new.ratio, let old = old.ratio else { return nil }
        return PairedRatio(new, over: old)
    }

    /// The hand-written loop over a driver's system call.
    private func loop(_ driver: String) -> Int? {
        measured.first { arm in
            guard case .bundled(driver, _) = record.arms[arm].kind else { return false }
            return !record.arms[arm].isControl
        }
    }
}
