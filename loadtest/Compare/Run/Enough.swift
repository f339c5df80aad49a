import Reports
import Statistics

/// When the slices of a load are enough: after so many rounds, or when the interval of every ratio
/// is narrow enough, or when the time is over.
package struct Enough: Sendable, Equatable {
    /// Rounds that were asked for; nil to go by precision and time.
    package var rounds: Int?
    /// How wide the 95 % interval of a ratio may be from end to end, as a share: so a difference as
    /// large as that stands clear of nothing.
    package var precision: Double

    /// A narrow interval of fewer rounds may be luck.
    static let roundsMin = 20

    package init(rounds: Int?, precision: Double) {
        self.rounds = rounds
        self.precision = precision
    }

    /// What ends the load after these rounds; nil to go on. `samples` are those of the arms that
    /// are measured together; where the baseline is not one of them, no interval ends it.
    package func ending(
        of samples: [CompareRecord.Sample], baseline: Int, isTimeOver: Bool
    ) -> CompareRecord.Ending? {
        let arms = Dictionary(grouping: samples, by: \.arm)
        let count = (arms[baseline] ?? arms.values.max { $0.count < $1.count })?.count ?? 0
        if let rounds { return count >= rounds ? .rounds : nil }
        if count >= Enough.roundsMin, isPrecise(arms, baseline) { return .precise }
        return isTimeOver ? .time : nil
    }

    private func isPrecise(_ arms: [Int: [CompareRecord.Sample]], _ baseline: Int) -> Bool {
        guard let base = arms[baseline].flatMap({ CompareAnalysis.Figure(.cpu, in: $0) }) else {
            return false
        }
        return arms.allSatisfy { arm, samples in
            arm == baseline
                || CompareAnalysis.Figure(.cpu, in: samples)?.ratio(to: base)?.width
                    .map { $0 <= precision } ?? false
        }
    }
}

extension PairedRatio {
    /// How wide the interval is from end to end, as a share.
    package var width: Double? {
        interval.map { Change.ratio($0.upperBound - $0.lowerBound) - 1 }
    }
}
