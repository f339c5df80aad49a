import Foundation
import Reports
import Statistics
import Testing

@testable import Compare

@Suite struct CompareAnalysisTests {
    /// A whole table: twelve arms, the five readings that have a word in it.
    private static let models = [
        "coroutine-poll", "coroutine-select", "coroutine-io_uring", "poll", "select", "epoll",
        "epoll-et", "io_uring", "threads", "fork", "sweep", "iterative",
    ]

    /// As on a machine on which others work: most slices differ by 3 %, and one in ten by 15 %.
    private static func session(
        _ others: [String], planted: (name: String, factor: Double)? = nil
    ) -> Sessions {
        var session = Sessions(
            rounds: 120, enough: Enough(rounds: nil, precision: 0.03), others: others,
            readings: [.rate, .cpu], spread: 0.03, disturbed: (0.1, 5))
        session.factor = { name, reading in
            name == planted?.name && reading == .cpu ? planted?.factor ?? 1 : 1
        }
        return session
    }

    @Test(arguments: [["epoll", "coroutine-poll", "poll"], CompareAnalysisTests.models])
    func `of a thousand sessions in which nothing differs, one in twenty has a wrong word at most`(
        others: [String]
    ) {
        let wrong = sessions(of: CompareAnalysisTests.session(others), 1000) { analysis, arms in
            CompareAnalysisTests.words(of: analysis, arms).contains {
                $0 == .better || $0 == .worse
            }
        }

        #expect(wrong <= 50, "\(wrong) of 1,000, from seed 1 on")
    }

    @Test func `so it is where every slice differs by 30 %, and time is what ends it`() {
        var session = CompareAnalysisTests.session(["epoll", "poll"])
        (session.rounds, session.spread) = (30, 0.3)
        let wrong = sessions(of: session, 1000) { analysis, arms in
            CompareAnalysisTests.words(of: analysis, arms).contains {
                $0 == .better || $0 == .worse
            }
        }

        #expect(wrong <= 50, "\(wrong) of 1,000, from seed 1 on")
    }

    @Test func `three percent of CPU are found in one session of two builds`() {
        let session = CompareAnalysisTests.session(["poll"], planted: ("poll", 1.03))
        let found = sessions(of: session, 1000) { analysis, _ in
            analysis.figure(.cpu, of: 2, at: 0)?.word == .worse
        }

        #expect(found >= 900, "\(found) of 1,000, from seed 1 on")
    }

    @Test func `five percent of CPU are found among twelve arms`() {
        let session = CompareAnalysisTests.session(
            CompareAnalysisTests.models, planted: ("poll", 1.05))
        let found = sessions(of: session, 200) { analysis, _ in
            analysis.figure(.cpu, of: 5, at: 0)?.word == .worse
        }

        #expect(session.others[3] == "poll")
        #expect(found >= 195, "\(found) of 200, from seed 1 on")
    }

    @Test func `a drift over the session is no difference between arms`() {
        let session = Sessions(
            others: CompareAnalysisTests.models, readings: [.rate, .cpu], spread: 0.01, drift: 0.05)
        let wrong = sessions(of: session, 400) { analysis, arms in
            CompareAnalysisTests.words(of: analysis, arms).contains {
                $0 == .better || $0 == .worse
            }
        }

        #expect(wrong <= 20, "\(wrong) of 400, from seed 1 on")
    }

    @Test func `words are said of the reading: faster is less of a latency and more of a rate`() {
        var session = Sessions()
        session.factor = { name, _ in name == "epoll" ? 2 : 1 }
        let analysis = CompareAnalysis(session.record())

        #expect(analysis.figure(.rate, of: 2, at: 0)?.word == .better)
        #expect(analysis.figure(.p99, of: 2, at: 0)?.word == .worse)
        #expect(analysis.figure(.cpu, of: 2, at: 0)?.word == .worse)
        #expect(analysis.figure(.connectionMemory, of: 2, at: 0)?.word == .shown)
        #expect(analysis.figure(.rate, of: 3, at: 0)?.word == .noClearDifference)
        #expect(analysis.figure(.rate, of: 0, at: 0)?.word == .baseline)
        #expect(analysis.figure(.rate, of: 1, at: 0)?.word == .control)
    }

    @Test func `where rounds differ by a third, nothing is told, and how many it takes is`() {
        let analysis = CompareAnalysis(Sessions(spread: 0.3).record())

        guard case .tooNoisy(let rounds) = analysis.figure(.rate, of: 2, at: 0)?.word else {
            Issue.record("seed 1 gave a word")
            return
        }
        #expect(rounds > 100 && rounds <= 10_001)
    }

    @Test func `what nobody can run is told as more than that`() {
        let word = CompareAnalysis.Word.tooNoisy(rounds: 40)

        #expect(Wording.word(word, of: .rate) == "too noisy to tell (need ~40 rounds)")
        #expect(Wording.needed(10_000) == "~10,000")
        #expect(Wording.needed(10_001) == "> 10,000")
        #expect(Wording.share(Change.difference(1.02)) == "2.0 %")
        #expect(Wording.share(Change.difference(1e9)) == "more than x100")
    }

    @Test(arguments: [1, 5])
    func `few rounds tell no difference, however large`(rounds: Int) {
        var session = Sessions(rounds: rounds)
        session.factor = { name, _ in name == "epoll" ? 10 : 1 }

        #expect(
            CompareAnalysis(session.record()).figure(.rate, of: 2, at: 0)?.word == .tooFewRounds)
    }

    /// Baseline or arm known only from below, the arm's true factor, and what is left.
    @Test(arguments: [
        (false, true, 2.0, CompareAnalysis.Word.better), (false, true, 0.5, .open),
        (true, false, 2.0, .open), (true, false, 0.5, .worse), (true, true, 2.0, .open),
        (true, false, 1.0, .open),
    ])
    func `of a bound only that follows which is sure`(
        isBaseBound: Bool, isBound: Bool, factor: Double, word: CompareAnalysis.Word
    ) {
        var session = Sessions()
        session.factor = { name, _ in name == "epoll" ? factor : 1 }
        var record = session.record()
        for index in record.samples.indices {
            let arm = record.samples[index].arm
            if arm == 0 && isBaseBound || arm == 2 && isBound {
                record.samples[index].lowerBounds = [.rate]
            }
        }
        let figure = CompareAnalysis(record).figure(.rate, of: 2, at: 0)

        #expect(figure?.word == word)
        #expect(figure?.isLowerBound == isBound)
    }

    @Test func `a figure is a bound where half of its rounds are`() {
        for (bounds, isBound) in [(1, false), (3, false), (4, true)] {
            var record = Sessions().record()
            for index in record.samples.indices
            where record.samples[index].arm == 2 && record.samples[index].round < bounds {
                record.samples[index].lowerBounds = [.rate]
            }
            #expect(CompareAnalysis(record).figure(.rate, of: 2, at: 0)?.isLowerBound == isBound)
        }
    }

    @Test func `an arm that is wrong, skipped or failed has no figure`() {
        var record = Sessions().record()
        record.arms[2].outcome = .incorrect(["turned the stream around"])
        record.arms[3].outcome = .failed("killed by signal 9")
        let analysis = CompareAnalysis(record)

        #expect(analysis.figure(.rate, of: 2, at: 0) == nil)
        #expect(analysis.figure(.rate, of: 3, at: 0) == nil)
        #expect(analysis.measured == [0, 1])
    }

    @Test func `what is zero has no ratio, and what is odd in a record does no harm`() {
        var record = Sessions(readings: [.switches, .idleCPU]).record()
        for index in record.samples.indices { record.samples[index].readings[.switches] = 0 }
        record.samples.append(.init(arm: 99, point: 0, round: 0, position: 0, readings: [:]))
        record.samples.append(.init(arm: 0, point: 99, round: 0, position: 0, readings: [:]))
        record.samples[0].readings[.idleCPU] = .nan
        let analysis = CompareAnalysis(record)

        #expect(analysis.figure(.switches, of: 2, at: 0)?.word == .shown)
        #expect(analysis.figure(.rate, of: 2, at: 0) == nil)
        #expect(analysis.figure(.rate, of: 2, at: 7) == nil)
        record.baseline = 12
        #expect(CompareAnalysis(record).figure(.switches, of: 2, at: 0)?.ratio == nil)
    }

    @Test func `what is no difference is as much as the control's, and 2 % at least`() {
        let quiet = CompareAnalysis(Sessions(spread: 0.001).record())
        let loud = CompareAnalysis(Sessions(spread: 0.1).record())

        #expect(abs(exp(quiet.floor(.rate, at: 0)) - 1.02) < 1e-12)
        let center = loud.figure(.rate, of: 1, at: 0)?.ratio?.center
        #expect(loud.floor(.rate, at: 0) == center?.magnitude)
    }

    @Test func `what looking blocking costs is the coroutine over the loop on the same call`()
        throws
    {
        var session = Sessions(others: ["poll", "coroutine-poll", "epoll", "threads"])
        session.factor = { name, _ in name == "coroutine-poll" ? 1.07 : 1 }
        let costs = CompareAnalysis(session.record()).blocking(at: 0)

        #expect(costs.map(\.loop) == ["epoll", "poll"])
        #expect(try #require(costs.last?.ratio.interval).contains(log(1.07)))
        #expect(try #require(costs.first?.ratio.interval).contains(0))
    }

    @Test func `what looking blocking costs is known through the baseline from two groups`()
        throws
    {
        var session = Sessions(others: ["poll", "coroutine-poll"])
        session.factor = { name, _ in name == "coroutine-poll" ? 1.07 : 1 }
        session.rounds = 40
        var record = session.record()
        // The first half of the rounds was without one of them, and the other without the other.
        record.samples.removeAll { $0.arm == ($0.round < 20 ? 2 : 3) }
        let cost = try #require(CompareAnalysis(record).blocking(at: 0).last)

        #expect(cost.loop == "poll")
        #expect(try #require(cost.ratio.interval).contains(log(1.07)))
        #expect(cost.ratio.count == 20)
    }

    @Test func `doubts of the generator are told once, with whom they concern`() {
        var record = Sessions().record()
        for index in record.samples.indices where record.samples[index].arm == 2 {
            record.samples[index].doubts = ["it sent late"]
        }
        for index in record.samples.indices { record.samples[index].doubts.append("it was busy") }
        record.points[0].others = 0.7
        record.isInterrupted = true
        record.environment.isDebugBuild = true
        let doubts = CompareAnalysis(record).doubts

        #expect(doubts.contains("it sent late: epoll (8 times)"))
        #expect(
            CompareText.report(of: record, width: 120)
                .contains("it sent late: 1 of 4 servers; --json has them"))
        #expect(doubts.contains("it was busy: every server"))
        #expect(doubts.contains { $0.hasPrefix("other programs took 0.7 processors: ") })
        #expect(doubts.contains { $0.hasPrefix("interrupted: ") })
        #expect(doubts.contains { $0.hasPrefix("debug build") })
    }

    @Test func `a control that differs, or is not there, is a doubt`() {
        var record = Sessions().record()
        for index in record.samples.indices where record.samples[index].arm == 1 {
            record.samples[index].readings[.rate] = 60_000
        }
        #expect(CompareAnalysis(record).doubts.contains { $0.contains("differs from itself by") })

        record.arms[1].outcome = .failed("died")
        #expect(
            CompareAnalysis(record).doubts.contains { $0.contains("not measured against itself") })
    }

    /// How many of some sessions, each from its own seed, are as `holds` says.
    private func sessions(
        of session: Sessions, _ count: Int, holds: (CompareAnalysis, Int) -> Bool
    ) -> Int {
        (1...count).count { seed in
            var session = session
            session.seed = UInt64(seed)
            let record = session.record()
            return holds(CompareAnalysis(record), record.arms.count)
        }
    }

    private static func words(of analysis: CompareAnalysis, _ arms: Int) -> [CompareAnalysis.Word] {
        (0..<arms).flatMap { arm in
            Reading.allCases.compactMap { analysis.figure($0, of: arm, at: 0)?.word }
        }
    }
}
