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

    @Test
    func `of a thousand sessions in which nothing differs, one in twenty has a wrong word at most`()
    {
        let session = Sessions(others: CompareAnalysisTests.models, spread: 0.05)
        let wrong = sessions(of: session, 1000) { analysis, arms in
            CompareAnalysisTests.words(of: analysis, arms).contains {
                $0 == .better || $0 == .worse
            }
        }

        #expect(wrong <= 50, "\(wrong) of 1,000, from seed 1 on")
    }

    @Test func `a tenth is found in eight rounds, among twelve arms`() {
        var session = Sessions(others: CompareAnalysisTests.models, readings: [.rate])
        session.factor = { name, _ in name == "poll" ? 1.10 : 1 }
        let found = sessions(of: session, 1000) { analysis, _ in
            analysis.figure(.rate, of: 5, at: 0)?.word == .better
        }

        #expect(session.others[3] == "poll")
        #expect(found >= 990, "\(found) of 1,000, from seed 1 on")
    }

    @Test func `a twentieth is found in twelve rounds, among twelve arms`() {
        var session = Sessions(
            rounds: 12, others: CompareAnalysisTests.models, readings: [.cpu])
        session.factor = { name, _ in name == "poll" ? 1.05 : 1 }
        let found = sessions(of: session, 1000) { analysis, _ in
            analysis.figure(.cpu, of: 5, at: 0)?.word == .worse
        }

        #expect(found >= 900, "\(found) of 1,000, from seed 1 on")
    }

    @Test func `a drift over the session is no difference between arms, and is told`() {
        let session = Sessions(
            others: CompareAnalysisTests.models, readings: [.rate, .cpu], spread: 0.01, drift: 0.05)
        var told = 0
        let wrong = sessions(of: session, 400) { analysis, arms in
            if analysis.doubts.contains(where: { $0.hasPrefix("drift") }) { told += 1 }
            return CompareAnalysisTests.words(of: analysis, arms).contains {
                $0 == .better || $0 == .worse
            }
        }

        #expect(wrong <= 20, "\(wrong) of 400, from seed 1 on")
        #expect(told >= 360, "\(told) of 400, from seed 1 on")
    }

    @Test func `a session that holds still is not said to drift, or hardly ever`() {
        let said = sessions(of: Sessions(readings: [.rate, .cpu]), 1000) { analysis, _ in
            analysis.doubts.contains { $0.hasPrefix("drift") }
        }

        #expect(said <= 30, "\(said) of 1,000, from seed 1 on")
    }

    @Test func `words are said of the reading: faster is less of a latency and more of a rate`() {
        var session = Sessions()
        session.factor = { name, _ in name == "epoll" ? 2 : 1 }
        let analysis = CompareAnalysis(session.record())

        #expect(analysis.figure(.rate, of: 2, at: 0)?.word == .better)
        #expect(analysis.figure(.p99, of: 2, at: 0)?.word == .worse)
        #expect(analysis.figure(.connectionMemory, of: 2, at: 0)?.word == .worse)
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
        #expect(rounds > 100 && rounds <= 1001)
    }

    @Test func `what nobody can run is told as more than that`() {
        let word = CompareAnalysis.Word.tooNoisy(rounds: 40)

        #expect(Wording.word(word, of: .rate) == "too noisy to tell (need ~40 rounds)")
        #expect(Wording.needed(1000) == "~1,000")
        #expect(Wording.needed(1001) == "> 1,000")
        #expect(Wording.share(Change.difference(1.02)) == "2.0 %")
        #expect(Wording.share(Change.difference(1e9)) == "more than x100")
    }

    @Test func `one round tells no difference, however large`() {
        var session = Sessions(rounds: 1)
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

    @Test func `the noise floor is as wide as the control's interval, and 2 % at least`() {
        let quiet = CompareAnalysis(Sessions(spread: 0.001).record())
        let loud = CompareAnalysis(Sessions(spread: 0.1).record())

        #expect(abs(exp(quiet.floor(.rate, at: 0)) - 1.02) < 1e-12)
        let interval = loud.figure(.rate, of: 1, at: 0)?.ratio?.interval
        let reach = interval.map { max(-$0.lowerBound, $0.upperBound) }
        #expect(loud.floor(.rate, at: 0) == reach)
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

    @Test func `doubts of the generator are told once, with whom they concern`() {
        var record = Sessions().record()
        for index in record.samples.indices where record.samples[index].arm == 2 {
            record.samples[index].doubts = ["busy: G-CPU INVALID"]
        }
        for index in record.samples.indices { record.samples[index].doubts.append("fixed: G-LAG") }
        record.isInterrupted = true
        record.environment.isDebugBuild = true
        let doubts = CompareAnalysis(record).doubts

        #expect(doubts.contains("busy: G-CPU INVALID: epoll (8 times)"))
        #expect(doubts.contains("fixed: G-LAG: every server"))
        #expect(doubts.contains { $0.hasPrefix("interrupted: 8 of 8 rounds") })
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
