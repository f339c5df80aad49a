import Glibc
import Reports
import Statistics

// What a reader must know before believing the figures, each with what to do about it.

extension CompareAnalysis {
    package var doubts: [String] {
        build + interruption + noControl + unequalControl + drift + generator
    }

    private var build: [String] {
        guard record.environment.isDebugBuild else { return [] }
        return ["debug build: the figures mean nothing; build with swift build -c release"]
    }

    private var interruption: [String] {
        guard record.isInterrupted else { return [] }
        return ["interrupted: \(rounds) of \(record.rounds) rounds were finished"]
    }

    private var noControl: [String] {
        let control = record.control
        guard control == nil || control.map(measured.contains) == false else { return [] }
        return [
            "the baseline was not measured against itself: noise is taken to reach no further than "
                + "\(Wording.share(Judgement.floorMin))"
        ]
    }

    /// The control is the baseline again: that they differ says that something else differs.
    private var unequalControl: [String] {
        guard let control = record.control else { return [] }
        return record.points.indices.flatMap { point in
            [Reading.rate, .cpu].compactMap { reading in
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

    /// A trend counts from here; several are looked for.
    private static let surely = 0.01

    /// The baseline over the session, with its second self. Pairs within a round bear a drift; what
    /// stands in the table as a figure does not.
    private var drift: [String] {
        let positions = record.samples.map(\.position)
        guard let first = positions.min(), let last = positions.max() else { return [] }
        return record.points.indices.flatMap { point in
            [Reading.rate, .cpu].compactMap { reading in
                guard let trend = Trend(baseline(reading, at: point)),
                    trend.probability < CompareAnalysis.surely
                else { return nil }
                let change = trend.slope * Double(last - first)
                guard change.magnitude > Judgement.floorMin else { return nil }
                return
                    "drift: \(reading.title) of the baseline\(at(point)) changed by "
                    + "\(Wording.change(change)) from the first round to the last. The words hold, "
                    + "as they compare within rounds; the figures are of a machine that changed. "
                    + "Is it getting warm, or does something else run?"
            }
        }
    }

    /// The logarithms over time.
    private func baseline(_ reading: Reading, at point: Int) -> [(x: Double, y: Double)] {
        let arms = [record.baseline, record.control].compactMap { $0 }.filter(measured.contains)
        return record.samples.compactMap { sample in
            guard arms.contains(sample.arm), sample.point == point,
                let value = sample.readings[reading], value > 0, value.isFinite
            else { return nil }
            return (x: Double(sample.position), y: log(value))
        }
    }

    /// What the generator doubted of itself, with how often and at which arm.
    private var generator: [String] {
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
            return "\(doubt): \(isEvery ? "every server" : arms.joined(separator: ", "))"
        }
    }

    /// Which point, where there are several.
    private func at(_ point: Int) -> String {
        record.points.count > 1 ? " at \(Wording.point(record.points[point]))" : ""
    }
}
