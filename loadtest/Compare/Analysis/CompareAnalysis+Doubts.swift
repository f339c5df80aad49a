import Reports
import Statistics

// What a reader must know before believing the figures, each with what to do about it.

extension CompareAnalysis {
    /// The weightiest first.
    package var doubts: [String] { common + generator.map(\.inFull) }

    /// The same for a screen: of slices, how many servers they concern.
    var doubtsInBrief: [String] { common + generator.map(\.inBrief) }

    private var common: [String] {
        build + interruption + noControl + unequalControl + others
    }

    private var build: [String] {
        guard record.environment.isDebugBuild else { return [] }
        return ["debug build: the figures mean nothing; build with swift build -c release"]
    }

    private var interruption: [String] {
        record.isInterrupted ? ["interrupted: these are the slices until then"] : []
    }

    private var noControl: [String] {
        let control = record.control
        guard control == nil || control.map(measured.contains) == false else { return [] }
        return ["the baseline was not measured against itself: what noise does is not known"]
    }

    /// The control is the baseline again: that they differ says that something else differs.
    private var unequalControl: [String] {
        guard let control = record.control else { return [] }
        return record.points.indices.flatMap { point in
            [Reading.cpu, .rate].compactMap { reading in
                guard let ratio = figure(reading, of: control, at: point)?.ratio,
                    ratio.probability < CompareAnalysis.surely,
                    ratio.center.magnitude > Judgement.floorMin
                else { return nil }
                return
                    "the baseline differs from itself by \(Wording.change(ratio)) in "
                    + "\(reading.title)\(at(point)): what else ran on this machine? Repeat it"
            }
        }
    }

    /// So sure must it be that the control differs.
    private static let surely = 0.01

    /// What else ran takes from both sides, and widens the intervals.
    private var others: [String] {
        record.points.indices.compactMap { point in
            guard let others = record.points[point].others, others >= 0.25 else { return nil }
            return
                "other programs took \(Figures.fixed(others, decimals: 1)) processors\(at(point)):"
                + " intervals are wider and rates lower than on a quiet machine"
        }
    }

    /// What was doubted of slices, with how often and at which arm.
    private var generator: [(inFull: String, inBrief: String)] {
        var counts: [(doubt: String, arm: Int, count: Int)] = []
        for sample in record.samples {
            for doubt in sample.doubts {
                if let place = counts.firstIndex(where: {
                    $0.doubt == doubt && $0.arm == sample.arm
                }) {
                    counts[place].count += 1
                } else {
                    counts.append((doubt, sample.arm, 1))
                }
            }
        }
        var all: [(doubt: String, arms: [String])] = []
        for (doubt, arm, count) in counts where record.arms.indices.contains(arm) {
            let words = record.arms[arm].name + (count > 1 ? " (\(count) times)" : "")
            if let place = all.firstIndex(where: { $0.doubt == doubt }) {
                all[place].arms.append(words)
            } else {
                all.append((doubt, [words]))
            }
        }
        return all.map { doubt, arms in
            let isEvery = arms.count == measured.count && arms.count > 2
            if isEvery { return ("\(doubt): every server", "\(doubt): every server") }
            return (
                "\(doubt): \(arms.joined(separator: ", "))",
                "\(doubt): \(arms.count) of \(measured.count) servers; --json has them"
            )
        }
    }

    /// Which point, where there are several.
    private func at(_ point: Int) -> String {
        record.points.count > 1 ? " at \(Wording.point(record.points[point]))" : ""
    }
}
