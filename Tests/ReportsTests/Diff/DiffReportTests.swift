import Generator
import Testing

@testable import Reports

@Suite struct `The differences in words` {
    private func lines(_ old: [RunRecord], _ new: [RunRecord]) -> [String] {
        DiffReport(Diff(old, new), old: "a.json", new: "b.json").lines
    }

    @Test func `it has a row for each figure, says how it knows, and ends with the result`() throws
    {
        let lines = lines([try Sample.record()], [try Sample.record()])

        #expect(lines.first == "A          a.json")
        for label in ["rate", "service p50", "service p99.9", "errors", "client CPU", "memory"] {
            #expect(lines.contains { $0.hasPrefix(label) }, "\(label)")
        }
        #expect(lines.contains { $0.hasPrefix("method     one run each") })
        #expect(lines.last == "result     no difference that noise does not explain")
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
    }

    @Test func `each side says what its runs are called`() throws {
        var old = try Sample.record()
        old.labels.name = "before"
        old.labels.notes = ["commit": "1a2b"]

        let lines = lines([old], [try Sample.record()])

        #expect(
            lines[..<3] == [
                "A          a.json", "           before commit=1a2b", "B          b.json",
            ])
    }

    @Test func `what regressed stands in its row and in the result`() throws {
        func rounds(_ failures: Int) throws -> [RunRecord] {
            try (0..<3).map { round in
                var run = Sample.measurement()
                run.ledger.timedOut = failures + round
                run.ledger.scheduled += failures + round
                return try Sample.record(run)
            }
        }
        let lines = lines(try rounds(0), try rounds(5000))
        let row = lines.first { $0.hasPrefix("errors") }

        #expect(row?.hasSuffix("regressed") == true)
        #expect(row?.contains("+20%") == true, "\(row ?? "")")
        #expect(lines.last == "result     regressed: errors")
        #expect(lines.contains { $0.hasPrefix("method     3 and 3 runs") })
    }

    @Test func `few errors are not rounded away`() throws {
        var run = Sample.measurement()
        run.ledger.timedOut = 20
        run.ledger.scheduled += 20
        let row = lines([try Sample.record()], [try Sample.record(run)])
            .first { $0.hasPrefix("errors") }

        #expect(row?.contains("+0.10%") == true, "\(row ?? "")")
        #expect(row?.hasSuffix("regressed") == true)
    }

    @Test func `wild figures keep to 80 columns`() throws {
        var wild = Sample.disaster()
        wild.phases.measured = 1e-3
        wild.threads = [.init(cpu: 1e9, busy: 1)]
        wild.server?.residentConnected = 1 << 60
        for _ in 0..<20_000 { wild.service.censored.record(3_600_000_000_000) }
        let odd = try Sample.record(
            wild,
            plan: Sample.plan {
                $0.source = .addresses([]); $0.rate = 1e-9; $0.idle = 7
            })
        let usual = try Sample.record()

        for (old, new) in [(usual, odd), (odd, usual), (odd, odd)] {
            #expect(lines([old], [new]).filter { $0.count > 80 } == [])
            #expect(lines([old, old], [new, new]).filter { $0.count > 80 } == [])
        }
    }

    @Test func `no run at all has no differences`() throws {
        let empty = RunRecord(
            plan: try Sample.plan(), measurement: Measurement(), environment: .init())

        #expect(!Diff([empty], [empty]).hasRegression)
        #expect(lines([empty], [try Sample.record()]).count > 5)
    }
}
