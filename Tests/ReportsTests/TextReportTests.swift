import Generator
import Statistics
import Syscalls
import Testing

@testable import Reports

@Suite struct `The report for people` {
    private func lines(_ record: RunRecord) -> [String] {
        let report = TextReport(record)
        return report.preamble + report.results
    }

    private func line(_ label: String, _ record: RunRecord) -> String? {
        lines(record).last { $0.hasPrefix(label) }
    }

    @Test func `a good run is one screen of at most 80 columns`() throws {
        let lines = lines(try Sample.record(failIf: ["p99>2s"]))

        #expect(lines.count <= 32)
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
    }

    @Test func `a disaster keeps to 80 columns`() throws {
        let record = try Sample.record(Sample.disaster(), failIf: ["p99.99999>2s", "errors>0"])

        #expect(lines(record).filter { $0.count > 80 } == [])
    }

    @Test func `the first word of a line stays what it is`() throws {
        let record = try Sample.record()

        #expect(
            line("latency", record)
                == "latency         10.2     18.2     19.9     20.1        -     20.1     10.1  ms"
        )
        #expect(line("rate", record)?.contains("2,000/s") == true)
        #expect(line("memory", record)?.contains("(2.05 KiB each)") == true)
        #expect(line("cpu", record)?.contains("server 210 us/message") == true)
        #expect(line("errors", record) == "errors     none")
        #expect(line("generator", record)?.contains("was not the limit") == true)
        #expect(line("exit", record) == nil)
    }

    @Test func `a percentile without ten samples beyond it is a dash with a note`() throws {
        let text = lines(try Sample.record()).joined(separator: "\n")

        #expect(text.contains("- latency p99.99 needs 100,000 samples; there are 20,000"))
    }

    @Test(arguments: [
        (0.84, "was not the limit"), (0.85, "may have been"), (0.95, "was the limit"),
    ])
    func `the generator judges itself by its busiest thread`(busy: Double, words: String) throws {
        var run = Sample.measurement()
        run.threads = [.init(cpu: 1, busy: 0.1), .init(cpu: 1, busy: busy)]

        #expect(line("generator", try Sample.record(run))?.contains(words) == true)
    }

    @Test func `bad news stands last`() throws {
        let lines = lines(try Sample.record(Sample.disaster(), failIf: ["errors>0"]))
        let order = ["latency", "ledger", "errors", "corrupt", "fail-if", "ended", "exit"]
        let places = order.map { label in lines.lastIndex { $0.hasPrefix(label) } ?? -1 }

        #expect(places == places.sorted())
        #expect(places.first != -1)
        #expect(lines.last == "exit       97: echoed bytes were wrong")
    }

    @Test func `a wrong byte names its connection, its place and both sides`() throws {
        var run = Sample.measurement()
        run.ledger.answered -= 1
        run.ledger.corrupt += 1
        run.corruptions = [
            Corruption(connection: 17, offset: 4096, expected: [0x3F, 0x2A], got: [0, 0xFF])
        ]
        let text = lines(try Sample.record(run)).joined(separator: "\n")

        #expect(text.contains("corrupt    connection 17 at offset 4,096: wrong bytes"))
        #expect(text.contains("expected  3f 2a\n"))
        #expect(text.contains("got       00 ff\n"))
    }

    @Test func `a target nobody listens on shows the error and what to do, and no figures`() throws
    {
        let record = try Sample.record(Sample.refused())
        let text = lines(record).joined(separator: "\n")

        #expect(text.contains("ECONNREFUSED"))
        #expect(text.contains("nobody listens there"))
        #expect(text.contains("exit       69"))
        #expect(line("latency", record) == nil)
        #expect(line("rate", record) == nil)
    }

    @Test func `a debug build says that its figures mean nothing`() throws {
        var record = try Sample.record()
        record.environment.isDebugBuild = true

        #expect(line("build", record)?.contains("mean nothing") == true)
    }

    @Test func `colour changes no word`() throws {
        let record = try Sample.record(Sample.disaster(), failIf: ["errors>0"])
        let plain = TextReport(record).results
        let colored = TextReport(record, style: Style(isColored: true)).results

        #expect(plain != colored)
        #expect(colored.map(\.withoutEscapes) == plain)
    }

    @Test func `colour waits for a terminal that wants it`() {
        func isColored(
            _ choice: Style.Choice,
            _ isTerminal: Bool,
            _ variables: [String: String] = [:]
        ) -> Bool {
            choice.style(isTerminal: isTerminal) { variables[$0] }.isColored
        }

        #expect(isColored(.auto, true))
        #expect(!isColored(.auto, false))
        #expect(!isColored(.auto, true, ["NO_COLOR": "1"]))
        #expect(isColored(.auto, true, ["NO_COLOR": ""]))
        #expect(!isColored(.auto, true, ["TERM": "dumb"]))
        #expect(isColored(.always, false, ["NO_COLOR": "1"]))
        #expect(!isColored(.never, true))
    }

    @Test func `every hint fits below its error`() {
        for phase in ErrorRow.Phase.allCases {
            for errno in [
                "ECONNREFUSED", "ETIMEDOUT", "timeout", "eof", "EMFILE", "EADDRNOTAVAIL", "E?",
            ] {
                let row = ErrorRow(
                    phase: phase,
                    errno: errno,
                    count: 1,
                    firstSeen: 0,
                    exampleConnection: 0
                )
                let hint = Hints.hint(for: row)
                #expect(!hint.isEmpty && hint.count <= 67, "\(hint)")
            }
        }
    }

    @Test func `a histogram draws at most ten rows that add up to all`() throws {
        for spread in [1, 7, 1000, 90_000_000] {
            var histogram = Histogram()
            for step in 0..<1000 { histogram.record(20_000 + Int64(step * spread)) }
            let lines = HistogramDrawing(histogram).lines
            let shares = lines.compactMap { line in
                line.split(separator: " ").dropLast().last.flatMap { Double($0) }
            }

            #expect((1...10).contains(lines.count), "\(spread)")
            #expect(abs(shares.reduce(0, +) - 100) < 1, "\(spread)")
            #expect(lines.allSatisfy { $0.count <= 80 })
        }
    }

    @Test func `the summary line has the figures that matter`() throws {
        #expect(
            SummaryLine.text(try Sample.record(failIf: ["max>1ms"]))
                == "1,000 connections   2,000/s   p50 10.2 ms   p99 19.9 ms   max 20.1 ms"
                + "   errors 0"
                + "   failed max>1ms (was 20.1 ms)   exit 99"
        )
    }
}

extension String {
    /// The text without the colours of a terminal.
    fileprivate var withoutEscapes: String {
        var (text, isEscape) = ("", false)
        for character in self {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape { text.append(character) }
            if character == "m" { isEscape = false }
        }
        return text
    }
}
