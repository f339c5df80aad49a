import Reports
import Statistics

/// The sentences about a comparison that every report has: what looking blocking costs, what noise
/// reaches, what could have been seen, and how it was judged.
struct CompareSentences {
    private let analysis: CompareAnalysis
    private var record: CompareRecord { analysis.record }

    init(_ analysis: CompareAnalysis) { self.analysis = analysis }

    /// How the servers stand to the baseline, a sentence for each point: "CPU for a message, 3
    /// servers beside coroutine-epoll: 2 take less (poll, 0.90 of it), 1 takes more (…)."
    var answers: [String] {
        guard record.arms.indices.contains(record.baseline) else { return [] }
        return record.points.indices.compactMap(answer)
    }

    private func answer(at point: Int) -> String? {
        let figures = analysis.measured.filter { $0 != record.baseline && $0 != record.control }
            .compactMap { arm in
                analysis.figure(.cpu, of: arm, at: point).flatMap { figure in
                    figure.ratio.map { (record.arms[arm].name, figure.word, $0.center) }
                }
            }.sorted { $0.2 < $1.2 }
        guard let least = figures.first, let most = figures.last else { return nil }
        func count(_ word: CompareAnalysis.Word) -> Int { figures.count { $0.1 == word } }
        func example(_ figure: (String, CompareAnalysis.Word, Double)) -> String {
            "\(figure.0), \(Figures.fixed(Change.ratio(figure.2), decimals: 2)) of it"
        }
        let (less, more, same) = (count(.better), count(.worse), count(.noClearDifference))
        let left = figures.count - less - more - same
        let parts = [
            less > 0 ? "\(less) take\(less == 1 ? "s" : "") less (\(example(least)))" : nil,
            more > 0 ? "\(more) take\(more == 1 ? "s" : "") more (\(example(most)))" : nil,
            same > 0 ? "\(same) no clearly different one" : nil,
            left > 0 ? "of \(left) it cannot be told" : nil,
        ].compactMap { $0 }
        let noun = figures.count == 1 ? "server" : "servers"
        return "CPU for a message\(at(point)), \(figures.count) \(noun) beside "
            + "\(record.arms[record.baseline].name): \(parts.joined(separator: ", "))."
    }

    /// "+7.0 % CPU a message over poll by hand [+5.1, +9.0]", for each system call and point.
    var blocking: [String] {
        record.points.indices.flatMap { point in
            analysis.blocking(at: point).map { cost in
                let change = Wording.change(cost.ratio.center)
                let interval = Wording.interval(of: cost.ratio).map { " \($0)" } ?? ""
                return "\(change) CPU a message over \(cost.loop) by hand"
                    + "\(interval)\(at(point))"
            }
        }
    }

    /// What the baseline differs by from itself.
    var noise: [String] {
        guard let control = record.control else { return [] }
        return record.points.indices.compactMap { point in
            let parts = CompareSentences.told.compactMap { reading -> String? in
                let ratio = analysis.figure(reading, of: control, at: point)?.ratio
                return ratio.map { "\(reading.title) \(Wording.change($0))" }
            }
            guard !parts.isEmpty else { return nil }
            return "the baseline against itself\(at(point)): " + parts.joined(separator: ", ")
        }
    }

    /// The smallest difference that the session would have shown.
    var sees: [String] {
        record.points.indices.compactMap { point in
            let parts = [Reading.cpu, .rate].compactMap { reading -> String? in
                let all = record.arms.indices.compactMap {
                    analysis.figure(reading, of: $0, at: point)?.smallest
                }
                return Rounds(all).map { "\(reading.title) \(Wording.share($0.median))" }
            }
            guard !parts.isEmpty else { return nil }
            return "differences\(at(point)) from \(parts.joined(separator: " and ")) on; smaller "
                + "ones may be missed"
        }
    }

    /// Rounds that stand apart from the others of their figure.
    var apart: [String] {
        var (count, all) = (0, 0)
        for point in record.points.indices {
            for arm in analysis.measured {
                for reading in Reading.allCases where reading.isJudged {
                    let flags = analysis.figure(reading, of: arm, at: point)?.rounds.standsApart
                    count += flags?.count { $0 } ?? 0
                    all += flags?.count ?? 0
                }
            }
        }
        guard count > 0 else { return [] }
        return [
            "\(Figures.count(count)) of \(Figures.count(all)) figures of a round stand apart from "
                + "their others (Tukey's fences); they are kept"
        ]
    }

    let method =
        "each figure is the median of the rounds; differences are the trimmed mean of the ratios "
        + "within rounds, [95 % interval by Yuen's t on logarithms]. A word is given where the "
        + "difference is beyond 2 % and what the baseline differs by from itself, and its "
        + "probability, corrected for the servers (Holm) and the readings, is below 4 %"

    /// The readings that are worth their place in a line.
    private static let told: [Reading] = [.cpu, .rate, .p50, .p99]

    private func at(_ point: Int) -> String {
        record.points.count > 1 ? " at \(Wording.point(record.points[point]))" : ""
    }
}

extension CompareAnalysis {
    /// What ended the slices of a point: "62 rounds in slices of 50.0 ms, until every interval was
    /// below 3 %".
    func course(at point: Int) -> String {
        let slice = record.points[point].slice
        let rounds =
            "\(Wording.rounds(rounds(at: point))) in slices of \(Figures.time(seconds: slice))"
            + reason(for: slice)
        let precision = "\(Figures.short(record.precision * 100).replacing(".00", with: "")) %"
        return switch record.points[point].ending {
        case .precise: "\(rounds), until every interval was below \(precision)"
        case .time:
            "\(rounds), until \(Figures.time(seconds: record.time)) were over; not every interval "
                + "is below \(precision)"
        case .rounds: "\(rounds), as asked for"
        case nil: "\(rounds), until it ended"
        }
    }

    /// Why slices are longer than was asked for.
    private func reason(for slice: Double) -> String {
        guard slice > record.slice else { return "" }
        // Not equal, as both are fractions.
        let isLongest = slice > 0.999 * record.slice * Double(Timing.stretchMax)
        return isLongest
            ? " (the longest; a connection may have fewer than 20 answers)"
            : " (time for 20 answers a connection)"
    }
}
