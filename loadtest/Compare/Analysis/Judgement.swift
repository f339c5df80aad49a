import Statistics

/// One reading at one point: the figures of all arms, held against the baseline and against each
/// other.
///
///     −floor       0       +floor      what is no difference
///       ├──────────┼──────────┤
///       ·   [──●───┼──]       ·        no clear difference: so much would not be seen
///       ·          ·          · [─●─]  called: surely not chance, and beyond the floor
///
/// In a session of equal servers, one in twenty has a wrong word at most: the level is divided
/// among the readings that are judged, and the probabilities of a reading are corrected for the
/// arms that are compared (Holm 1979). A difference is called when its corrected probability is
/// below that, and when it is larger than the floor: two processes of one program differ by as
/// much, for where their memory happens to lie.
struct Judgement {
    /// Less than 2 % is not worth calling a difference, however surely it is there.
    static let floorMin = Change.difference(1.02)
    /// A session that could not have seen a tenth cannot say that nothing differs.
    static let worthSeeing = Change.difference(1.10)
    /// What a session of equal servers is judged by: of a few dozen rounds Yuen's t takes up to a
    /// quarter more than it says for a find, so that one in twenty comes of this.
    static let level = 0.04
    /// Fewer rounds than that say nothing of a spread.
    static let roundsMin = 6
    /// As many rounds as `--rounds` takes; more are not possible.
    static let roundsMax = 10_000

    /// By arm.
    private(set) var figures: [CompareAnalysis.Figure?]
    /// What is no difference, as a logarithm.
    private(set) var floor = floorMin
    private let isHigherBetter: Bool
    private let level: Double

    /// `rounds` are the samples of each arm at the point, in the order of their rounds; `questions`
    /// says among how many readings the level is divided.
    init(
        of reading: Reading, in rounds: [[CompareRecord.Sample]], of record: CompareRecord,
        questions: Int
    ) {
        isHigherBetter = reading.isHigherBetter
        level = Judgement.level / Double(max(1, questions))
        figures = rounds.map { CompareAnalysis.Figure(reading, in: $0) }
        guard figures.indices.contains(record.baseline), let base = figures[record.baseline] else {
            return
        }
        for arm in figures.indices where arm != record.baseline {
            let ratio = figures[arm]?.ratio(to: base)
            figures[arm]?.ratio = ratio
        }
        figures[record.baseline]?.word = .baseline
        guard reading.isJudged else { return }
        if let control = record.control, control != record.baseline {
            figures[control]?.word = .control
            floor = max(floor, figures[control]?.ratio?.center.magnitude ?? 0)
        }
        judge(against: base)
    }

    /// Gives every arm that has a ratio its word.
    private mutating func judge(against base: CompareAnalysis.Figure) {
        let compared = figures.indices.filter {
            figures[$0]?.word == .shown && figures[$0]?.ratio != nil
        }
        let ratios = compared.compactMap { figures[$0]?.ratio }
        let corrected = Holm.corrected(ratios.map(\.probability))
        let strictest = level / Double(max(1, ratios.count))
        for (place, arm) in compared.enumerated() {
            let smallest = ratios[place].smallest(level: strictest, floor: floor)
            figures[arm]?.probability = corrected[place]
            figures[arm]?.smallest = smallest
            let word = settled(
                word(for: ratios[place], corrected[place], smallest), ratios[place],
                isBound: figures[arm]?.isLowerBound == true, isBaseBound: base.isLowerBound)
            figures[arm]?.word = word
        }
    }

    private func word(
        for ratio: PairedRatio, _ probability: Double, _ smallest: Double?
    ) -> CompareAnalysis.Word {
        guard let smallest, ratio.count >= Judgement.roundsMin else { return .tooFewRounds }
        if probability < level, ratio.center.magnitude > floor {
            return (ratio.center > 0) == isHigherBetter ? .better : .worse
        }
        guard smallest > Judgement.worthSeeing else { return .noClearDifference }
        let factor = smallest / Judgement.worthSeeing
        let needed = (Double(ratio.count) * factor * factor).rounded(.up)
        return .tooNoisy(rounds: Int(min(needed, Double(Judgement.roundsMax + 1))))
    }

    /// What is left of a word where a side is only known from below: an arm that is ahead of the
    /// baseline with what is sure of it is ahead, and nothing else follows.
    private func settled(
        _ word: CompareAnalysis.Word, _ ratio: PairedRatio, isBound: Bool, isBaseBound: Bool
    ) -> CompareAnalysis.Word {
        guard isBound || isBaseBound else { return word }
        guard word == .better || word == .worse else { return .open }
        let isHigher = ratio.center > 0
        return isBound && !isHigher || isBaseBound && isHigher ? .open : word
    }
}
