import Generator
import Statistics
import Syscalls
import Testing

@testable import Reports

@Suite struct `The report for people` {
    private func lines(
        _ record: RunRecord, screen: (columns: Int, rows: Int)? = nil
    ) -> [String] {
        let report = TextReport(record, screen: screen)
        return report.preamble() + report.results
    }

    private func line(_ label: String, _ record: RunRecord) -> String? {
        lines(record).last { $0.hasPrefix(label) }
    }

    @Test func `it begins with what people came for, and whether that can be believed`() throws {
        var record = try Sample.record()
        record.verdict.findings = [
            .init(
                code: "H-SHARED", level: .note, value: 2, limit: 2, .count,
                text: "server and generator share 2 cores", remedy: "")
        ]

        #expect(
            TextReport(record).results.prefix(4) == [
                "result     2,000/s   closed loop   errors 0",
                "           p50 10.2 ms   p90 18.2 ms   p95 19.1 ms   p99 19.9 ms   max 20.1 ms",
                "verdict    VALID   noted: H-SHARED", "",
            ])
        #expect(
            lines(record).last == "findings   H-SHARED   NOTE: server and generator share 2 cores")
    }

    @Test func `on a small screen the histogram gives way to the figures`() throws {
        let record = try Sample.record()
        let drawn = lines(record).filter { $0.contains("ms |") }
        let small = lines(record, screen: (80, 24))

        #expect(drawn.count >= 5)
        #expect(small.filter { $0.contains(" |") } == [])
        #expect(small.count < 24)
        #expect(lines(record, screen: (80, 50)) == lines(record))
    }

    @Test(arguments: [40, 60, 79])
    func `nothing is wider than a narrow screen, and no word is broken`(columns: Int) throws {
        var whole = try Sample.openLoop()
        whole.probes = [try probe(.step, rate: 2040, holds: true)]
        whole.shards = [RunRecord.ShardPart(of: whole)]
        for record in [whole, try Sample.record(Sample.disaster(), failIf: ["errors>0"])] {
            let lines = lines(record, screen: (columns, 15))
            let wide = TextReport(record)
            let words = Set(
                (wide.preamble() + wide.results).flatMap { $0.split(separator: " ") })

            // Of a corrupt stream 16 bytes stand in one line, whatever its width is.
            let kept = lines.filter { !$0.contains(/expected|got/) }
            #expect(kept.filter { $0.count > columns } == [])
            #expect(kept.contains { $0.hasPrefix("result ") })
            let strange = kept.flatMap { $0.split(separator: " ") }.filter {
                !words.contains($0) && $0.allSatisfy(\.isLetter)
            }
            #expect(strange == [], "\(strange)")
        }
    }

    @Test func `the percentiles are those that were asked for`() throws {
        var record = try Sample.record()
        record.percentiles = [0.25, 0.75, 0.9999]
        let lines = lines(record)

        #expect(lines.contains { $0.contains("     p25     p75  p99.99     max    mean  stddev") })
        #expect(
            line("service", record)
                == "service        5.11    15.1       -    20.1    10.1    5.77  ms")
        record.percentiles = Array(repeating: 0.5, count: 10)
        #expect(self.lines(record).allSatisfy { $0.count <= 130 })
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
            line("service", record)
                == "service        10.2    18.2    19.1    19.9    20.1    20.1    10.1    5.77  ms"
        )
        #expect(line("rate", record)?.contains("2,000/s") == true)
        #expect(
            line("fairness", record)
                == "fairness   Jain 0.998   requests per connection 19..21, median 19"
        )
        #expect(line("memory", record)?.contains("(2.05 KiB each)") == true)
        #expect(line("cpu", record)?.contains("server 210 us/request") == true)
        #expect(line("ledger", record) == "ledger     20,000 scheduled = 20,000 answered")
        #expect(line("errors", record) == nil)
        #expect(line("generator", record) == "generator  busiest thread 38.0 %   lag p99 92.2 us")
        #expect(line("verdict", record) == "verdict    VALID")
        #expect(line("exit", record) == nil)
    }

    @Test func `a closed loop has one clock, and says what it cannot show`() throws {
        let record = try Sample.record()
        let text = lines(record).joined(separator: "\n")

        #expect(line("response", record) == nil)
        #expect(line("send delay", record) == nil)
        #expect(text.contains("closed loop: it cannot show the queue"))
        #expect(text.contains("try --rate 70%"))
    }

    @Test func `an open loop has three clocks, with bounds where answers are missing`() throws {
        let record = try Sample.openLoop()
        let text = lines(record).joined(separator: "\n")

        #expect(
            line("response", record)
                == "response       10.4    18.5    19.5 >=5,000 >=5,000 >=5,000   >=108       -  ms"
        )
        #expect(line("service", record)?.contains(">=5,000") == true)
        #expect(line("send delay", record)?.contains("  0.05") == true)
        #expect(text.contains(">= as 400 without an answer count with their age at least"))
        #expect(!text.contains("closed loop"))
        #expect(line("rate", record)?.contains("2,000/s of 2,040 wanted (98.0 %)") == true)
        #expect(line("schedule", record)?.contains("99.98 % sent in time (100 us)") == true)
        #expect(line("schedule", record)?.contains("3 late: no free connection") == true)
        #expect(
            line("ledger", record)
                == "ledger     20,400 scheduled = 20,000 answered + 300 timed out + 100 never sent"
        )
    }

    @Test func `datagrams that were lost, late, doubled or out of order are told apart`() throws {
        var run = Sample.measurement()
        run.ledger.scheduled += 5
        run.ledger.lost = 5
        run.datagrams.late = 2
        run.datagrams.duplicated = 3
        run.datagrams.reordered = 4
        run.kernel = .init()
        run.kernel?.datagramOverflows = 3
        let record = try Sample.record(run, plan: Sample.plan { $0.socket = .datagram })

        #expect(line("target", record)?.hasPrefix("target     udp:127.0.0.1:7788") == true)
        #expect(
            line("datagrams", record)
                == "datagrams  every one of 1,280,000 bytes verified   0.0250 % lost")
        #expect(lines(record).contains("           2 of them late   3 came twice   4 out of order"))
        #expect(line("ledger", record) == "ledger     20,005 scheduled = 20,000 answered + 5 lost")
        #expect(line("kernel", record) == "kernel     3 datagrams met a full buffer")
        #expect(line("stream", record) == nil)
        #expect(!lines(record).contains { $0.hasPrefix("connect ") })
    }

    @Test func `a percentile without ten samples beyond it is a dash with a note`() throws {
        var run = Sample.measurement()
        run.service.answered.clear()
        run.service.answered.record(1000, times: 9999)
        let text = lines(try Sample.record(run)).joined(separator: "\n")

        #expect(text.contains("- service p99.9 needs 10,000 samples (10.0 s); there are 9,999"))
    }

    @Test func `what is rare is said only where there was some`() throws {
        var run = Sample.measurement()
        let quiet = lines(try Sample.record(run)).joined(separator: "\n")
        run.connects.ok += 12
        run.connects.tried += 12
        run.connects.reopened = 12
        run.connects.selfConnects = 3
        run.connects.portShortages = 4
        run.kernel = .init()
        run.kernel?.listenOverflows = 7
        run.slowReaders.answered.record(1_000_000)
        run.phases.isSteady = false
        run.served.record(0)
        let record = try Sample.record(run, plan: Sample.plan { $0.idle = 5 })
        let text = lines(record).joined(separator: "\n")

        for words in [
            "5 of them idle", "12 opened again later", "3 connected to themselves",
            "4 for want of a local port",
            "warm-up (not steady)",
            "7 met a full listen queue", "slow  ", "in no other row",
            "1 never served",
        ] {
            #expect(text.contains(words), "\(words)")
            #expect(!quiet.contains(words), "\(words)")
        }
        #expect(line("connected", record)?.contains("1,000 of 1,005 up") == true)
    }

    @Test func `what a run is called comes first`() throws {
        var record = try Sample.record()
        record.labels.name = "before"
        record.labels.notes = ["host": "b", "commit": "1a2b"]

        #expect(lines(record).first == "run        before commit=1a2b host=b")
        #expect(SummaryLine.text(record).hasPrefix("before   1,000 connections"))
    }

    @Test func `a part of a run says which`() throws {
        var record = try Sample.record()
        record.shard = .init(index: 2, count: 7)
        record.id = "r1"

        #expect(line("part", record) == "part       shard 2 of 7, run r1")
    }

    private func probe(
        _ purpose: RunRecord.Probe.Purpose, rate: Double?, holds: Bool? = nil
    ) throws -> RunRecord.Probe {
        let plan = try Sample.plan { $0.rate = rate }
        var probe = RunRecord.Probe(purpose: purpose, plan: plan, measurement: Sample.measurement())
        probe.holds = holds
        return probe
    }

    @Test func `runs beside the reported one have a line each`() throws {
        var record = try Sample.openLoop()
        record.probes = [
            try probe(.maximum, rate: nil), try probe(.headroom, rate: 2040),
            try probe(.search, rate: 1500, holds: true),
            try probe(.search, rate: 3000, holds: false),
        ]
        record.search = .init(condition: "p99<30ms", rate: 1500)

        #expect(line("maximum", record)?.contains("2,000/s in a closed loop") == true)
        #expect(line("headroom", record)?.contains("2,000/s of 2,000 (100.0 %)") == true)
        #expect(
            line("search", record)
                == "search     p99<30ms held at 1,500/s in 2 tries; it failed at 3,000/s"
        )
        record.search?.rate = nil
        #expect(
            line("search", record)?.contains("held at 1,500/s once, and nowhere three times")
                == true)
        record.probes.removeAll { $0.holds == true }
        #expect(line("search", record)?.contains("p99<30ms held nowhere in 1 try") == true)
    }

    @Test func `a search names the rate above which the generator is the limit`() throws {
        var record = try Sample.openLoop()
        var unjudged = try probe(.search, rate: 2000)
        unjudged.verdict.findings = [
            .init(code: "G-SCHED", level: .invalid, value: 1, limit: 0, text: "", remedy: "")
        ]
        record.probes = [
            try probe(.search, rate: 900, holds: false),
            try probe(.search, rate: 1500, holds: true),
            unjudged, try probe(.search, rate: 3000, holds: false),
        ]
        let limit = "; the generator's limit: 2,000/s cannot be judged, G-SCHED"
        record.search = .init(condition: "p99<30ms", rate: 1500)

        #expect(
            TextReport.words(of: try #require(record.search), record.probes)
                == "p99<30ms held at 1,500/s in 4 tries\(limit)")
        #expect(SummaryLine.text(record).contains(limit))
        record.search?.rate = nil
        record.probes = [unjudged]
        #expect(SummaryLine.text(record).hasPrefix("p99<30ms held nowhere in 1 try\(limit)"))
    }

    @Test func `steps and parts are tables`() throws {
        var record = try Sample.openLoop()
        record.probes = [
            try probe(.step, rate: 1000, holds: true), try probe(.step, rate: 2000, holds: false),
        ]
        var part = RunRecord.ShardPart(of: try Sample.record())
        part.index = 3
        part.level = .suspect
        record.shards = [part]
        let all = lines(record)
        let steps = try #require(all.firstIndex { $0.hasPrefix("steps") })
        let parts = try #require(all.firstIndex { $0.hasPrefix("parts") })

        #expect(
            all[steps + 1].split(separator: " ")
                == ["1,000/s", "2,000/s", "10.2", "ms", "19.9", "ms", "yes", "VALID"]
        )
        #expect(
            all[parts + 1].split(separator: " ")
                == ["3", "20,000", "2,000/s", "10.2", "ms", "19.9", "ms", "SUSPECT"]
        )
        #expect(all.allSatisfy { $0.count <= 80 })
    }

    @Test func `of several runs it says which one the figures are of`() throws {
        var record = try Sample.openLoop()
        record.probes = [
            try probe(.step, rate: 1000, holds: true), try probe(.step, rate: 2040, holds: true),
            try probe(.step, rate: 3000, holds: false),
        ]
        #expect(
            lines(record).contains(
                "figures    of step 2 of 3, 2,040/s: the highest rate that held"))
        record.probes[1].holds = nil
        #expect(
            line("figures", record)
                == "figures    of step 2 of 3, 2,040/s: no rate held, and this is the lowest")

        record.probes = [try probe(.search, rate: 2040, holds: true)]
        record.search = .init(condition: "p99<2ms", rate: 2040)
        #expect(
            line("figures", record)
                == "figures    of the last run at 2,040/s, which confirmed that rate")
        #expect(line("figures", try Sample.record()) == nil)
    }

    @Test func `where each request has a connection, what is compared is their places`() throws {
        func fairness(_ change: (inout LoadPlan) -> Void) throws -> String? {
            line("fairness", try Sample.record(plan: Sample.plan(change)))
        }

        #expect(
            try fairness { $0.connectsPerRequest = true }
                == "fairness   Jain 0.998   requests per connection 1, per place 19..21, median 19")
        #expect(
            try fairness { $0.requestsPerConnection = 9 }?.contains("requests per place 19..21")
                == true)
    }

    @Test func `a verdict that is not good names every finding and its remedy`() throws {
        var record = try Sample.record()
        record.verdict.findings = [
            .init(
                code: "G-CPU", level: .invalid, value: 0.97, limit: 0.95,
                text: "the busiest thread ran 97.0 % of the time, where 95 % are allowed",
                remedy: "raise --threads, or ask for less"),
            .init(
                code: "G-HALF", level: .note, value: 0, limit: 1, text: "half is enough",
                remedy: ""),
        ]
        let lines = lines(record)
        let place = try #require(lines.lastIndex { $0.hasPrefix("findings") })

        #expect(line("verdict", record) == "verdict    INVALID   G-CPU   noted: G-HALF")
        #expect(
            lines[place].hasPrefix("findings   G-CPU      INVALID: the busiest thread ran 97.0"))
        #expect(lines[place...].joined().contains("less"))
        #expect(lines.last == "           G-HALF     NOTE: half is enough")
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test func `bad news in full stands last`() throws {
        let lines = lines(try Sample.record(Sample.disaster(), failIf: ["errors>0"]))
        let order = [
            "result", "verdict", "service", "ledger", "errors", "corrupt", "fail-if", "ended",
            "exit",
        ]
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

        run.corruptions[0].diagnosis = "bytes of connection 93"
        #expect(
            line("corrupt", try Sample.record(run))
                == "corrupt    connection 17 at offset 4,096: wrong bytes: bytes of connection 93"
        )
    }

    @Test func `a target nobody listens on shows the error and what to do, and no figures`() throws
    {
        let record = try Sample.record(Sample.refused())
        let text = lines(record).joined(separator: "\n")

        #expect(text.contains("ECONNREFUSED"))
        #expect(text.contains("nobody listens there"))
        #expect(text.contains("exit       69"))
        #expect(line("service", record) == nil)
        #expect(line("verdict", record) == nil)
        #expect(line("rate", record) == nil)
    }

    @Test func `the summary line has the figures that matter`() throws {
        #expect(
            SummaryLine.text(try Sample.record(failIf: ["max>1ms"]))
                == "1,000 connections   2,000/s   closed loop   p50 10.2 ms   p99 19.9 ms"
                + "   max 20.1 ms   errors 0"
                + "   failed max>1ms (was 20.1 ms)   VALID   exit 99"
        )
        #expect(
            SummaryLine.text(try Sample.openLoop())
                == "1,000 connections   2,000/s of 2,040   p50 10.4 ms   p99 >= 5.00 s"
                + "   max >= 5.00 s   errors 100   VALID"
        )
    }
}
