import Statistics

// One reading of one arm at one point, over the rounds.

extension Standing {
    package struct Figure: Sendable, Equatable {
        /// What each round gave, in their order.
        package let rounds: Rounds
        /// Which rounds these are.
        package let numbers: [Int]
        /// Whether a round gave only a bound: the true figure is at least this.
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
            isLowerBound = samples.contains { $0.lowerBounds.contains(reading) }
        }

        /// Its ratio to another's, round by round.
        func ratio(to other: Figure) -> PairedRatio? {
            let others = Dictionary(
                zip(other.numbers, other.rounds.values), uniquingKeysWith: { first, _ in first })
            return PairedRatio(
                zip(numbers, rounds.values).compactMap { number, value in
                    others[number].map { (new: value, old: $0) }
                })
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
        /// One round has no spread.
        case tooFewRounds
        /// One side is known only from below, and that leaves it open.
        case open
        /// It is not judged: a difference is trivial, or there is no ratio.
        case shown
    }
}

extension Reading {
    /// Whether a difference needs statistics to be believed: threads are counted, and a share of
    /// idle time may be nothing at all.
    var isJudged: Bool {
        switch self {
        case .idleCPU, .threads, .processes: false
        default: true
        }
    }
}
