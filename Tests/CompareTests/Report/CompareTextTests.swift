import Compare
import Foundation
import Reports
import Testing

@Suite struct CompareTextTests {
    /// A session with something of everything: arms that differ, that cannot run, and that lie.
    static func session(points: Int = 1) -> CompareRecord {
        var session = Sessions(
            others: [
                "poll", "coroutine-poll", "epoll", "threads", "fork", "io_uring", "my server",
            ],
            readings: Reading.allCases)
        session.points = (0..<points).map { point in
            var point = CompareRecord.Point(connections: [100, 1000, 9000][point % 3], size: 64)
            point.fixedRate = 20_000
            return point
        }
        session.factor = { name, reading in
            switch (name, reading) {
            case ("threads", .rate): 0.75
            case ("fork", .rate): 0.48
            case ("fork", .cpu): 2.7
            case ("coroutine-poll", .cpu): 1.07
            default: 1
            }
        }
        var record = session.record()
        record.arms[7].outcome = .skipped("io_uring is disabled on this machine")
        record.arms[8].outcome = .incorrect(["turned the stream around", "lost the last byte"])
        record.arms[0].proof = "epoll_wait 1.9M"
        record.arms[6].notes = ["one process for each connection"]
        return record
    }

    @Test(arguments: [1, 3])
    func `no line is wider than the terminal, whatever stands in the record`(
        points: Int
    ) {
        var record = CompareTextTests.session(points: points)
        record.arms[5].name = "somebody's server with a name that never ends"
        record.arms[5].outcome = .failed(String(repeating: "it said nothing ", count: 20))
        record.samples[3].doubts = [String(repeating: "busy ", count: 50)]
        for width in 1...120 {
            let text = CompareText.report(of: record, width: width)

            let widest = text.split(separator: "\n").max { $0.count < $1.count } ?? ""
            #expect(widest.count <= max(40, width), "at \(width): \(widest)")
            #expect(text.hasSuffix("\n"))
        }
    }

    @Test func `the name and the notes come first`() {
        var record = CompareTextTests.session()
        record.labels.name = "before the change"
        record.labels.notes = ["host": "b", "commit": "1a2b"]

        let text = CompareText.report(of: record)

        #expect(text.hasPrefix("run        before the change commit=1a2b host=b\ncompare "))
    }

    @Test func `a row has what a message costs, its word, rate, latency, memory and calls`() {
        let text = CompareText.report(of: CompareTextTests.session(), width: 100)
        let rows = text.split(separator: "\n")

        #expect(rows.contains { $0.contains(/^coroutine-epoll +4\.\d\d us +baseline +[\d,]+\/s/) })
        #expect(rows.contains { $0.contains(/^coroutine-epoll\* +[01]\.\d{3} +\[.*\]  again/) })
        #expect(
            rows.contains {
                $0.contains(
                    /^fork † +2\.\d\d +\[.*\]  more +[\d,]+\/s +[\d.]+ us +[\d.]+ us +1\.\d+ KiB/)
            })
        #expect(rows.contains { $0.contains(/^poll +[01]\.\d{3} +\[.*\]  - +[\d,]+\/s/) })
        #expect(text.contains("\n100 connections of 64 B: 8 rounds in slices of 50.0 ms, until it"))
    }

    @Test(arguments: [
        (CompareRecord.Ending.precise, ", until every interval was below 3 %\n"),
        (.time, ", until 60.0 s were over; not every interval is below 3 %\n"),
        (.rounds, ", as asked for\n"),
    ])
    func `what ended the slices is said`(ending: CompareRecord.Ending, words: String) {
        var record = CompareTextTests.session()
        record.points[0].ending = ending
        record.points[0].slice = 0.2

        let text = CompareText.report(of: record, width: 200)

        #expect(
            text.contains(
                "8 rounds in slices of 200 ms (time for 20 answers a connection)" + words),
            "\(text)")
    }

    @Test func `of many doubts, five lines stand there and the last says how many more there are`()
    {
        var record = CompareTextTests.session()
        record.samples[0].doubts = (1...9).map { "doubt \($0)" }
        let doubts = CompareText.report(of: record, width: 200).split(separator: "\n")
            .filter { $0.hasPrefix("doubt ") }

        #expect(doubts.count == 5)
        #expect(doubts.last?.contains("5 more; --html and --json have them") == true)
    }

    @Test func `who has no figure has a row with the reason, and no figure anywhere`() {
        let rows = CompareText.report(of: CompareTextTests.session(), width: 100)
            .split(separator: "\n")

        let skipped = rows.filter { $0.hasPrefix("io_uring ") }
        #expect(skipped.count == 1)
        #expect(skipped.first?.contains("skipped: io_uring is disabled on this machine") == true)
        let wrong = rows.filter { $0.hasPrefix("my server") }
        #expect(wrong.count == 1)
        #expect(wrong.first?.contains("turned the stream around; lost the last byte") == true)
    }

    @Test func `what looking blocking costs has a line of its own`() {
        let text = CompareText.report(of: CompareTextTests.session(), width: 200)

        #expect(
            text.contains(
                /\nblocking +what looking blocking costs: \+\d\.\d % CPU a message over poll/
            ))
    }

    @Test func `below the tables stand what could be seen, notes and how to repeat it`() {
        let text = CompareText.report(of: CompareTextTests.session())

        #expect(
            text.contains(/\nsees +differences from CPU\/message [\d.]+ % and rate [\d.]+ % on/))
        #expect(text.contains("repeat     loadtest compare --rounds 8"))
        #expect(text.contains("\n†          fork: one process for each connection\n"))
    }

    @Test func `a short report fits a screen`() {
        let lines = CompareText.report(of: CompareTextTests.session(), width: 100)
            .split(separator: "\n", omittingEmptySubsequences: false)

        #expect(lines.count <= 24)
    }

    @Test func `several points have a table each`() {
        let text = CompareText.report(of: CompareTextTests.session(points: 3), width: 100)

        for heading in ["\n100 connections of 64 B: ", "\n9,000 connections of 64 B: "] {
            #expect(text.contains(heading))
        }
    }

    @Test func `a slice that is longer says why, and the longest what it may lack`() {
        var record = CompareTextTests.session()
        record.points[0].slice = 5 * record.slice
        #expect(
            CompareText.report(of: record, width: 200)
                .contains("(time for 20 answers a connection)"))
        record.points[0].slice = 20 * record.slice
        #expect(
            CompareText.report(of: record, width: 200)
                .contains("(the longest; a connection may have fewer than 20 answers)"))
    }

    @Test func `a lower bound carries its sign`() {
        var record = CompareTextTests.session()
        for index in record.samples.indices where record.samples[index].arm == 4 {
            record.samples[index].lowerBounds = [.rate]
        }
        let text = CompareText.report(of: record, width: 100)

        #expect(text.contains(/\nepoll +.* >=[\d,]+\/s/))
    }

    @Test func `colours are sugar, and text from outside has none`() {
        var record = CompareTextTests.session()
        record.arms[7].outcome = .skipped("\u{1B}[31mred\u{7}\nand\u{9B}more")
        let plain = CompareText.report(of: record)
        let colored = CompareText.report(of: record, style: Style(isColored: true))

        #expect(!plain.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{9B}" })
        #expect(colored.contains("\u{1B}[31mmore"))
        #expect(colored.replacing(/\u{1B}\[\d+m/, with: "") == plain)
    }

    @Test func `a comparison without a round says so, and one without arms is a report too`() {
        var record = CompareTextTests.session()
        record.samples = []
        #expect(CompareText.report(of: record).contains("no round was finished"))

        record.arms = []
        record.points = []
        #expect(CompareText.report(of: record).contains("compare    0 servers"))
    }
}
