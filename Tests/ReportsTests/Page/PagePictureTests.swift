import Charts
import Foundation
import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct PagePictureTests {
    @Test func `two runs share a picture, with a line and a name for each`() throws {
        let record = try Sample.record()
        let pictures = PagePictures([
            PageRun(name: "a", record: record), PageRun(name: "b", record: record),
        ])

        #expect(pictures.percentiles.series.map(\.label) == ["a", "b"])
        #expect(Set(pictures.percentiles.series.map(\.number)).count == 2)
        #expect(pictures.heatMaps.map(\.name) == ["timeline-1", "timeline-2"])
        #expect(Set(pictures.files.map(\.name)).count == pictures.files.count)
    }

    @Test func `an open loop shows response and service and what lies between`() throws {
        let chart = PagePictures([try open()]).percentiles

        #expect(chart.series.map(\.label) == ["response", "service"])
        #expect(chart.gap != nil)
    }

    @Test func `too few samples are grey and what never ended is an arrow`() throws {
        var run = try open()
        for _ in 0..<400 { run.record.measurement.response.censored.record(5_000_000_000) }
        let looks = PagePictures([run]).percentiles.series.map { $0.strokes.map(\.look) }

        #expect(looks == [[.plain, .lowerBound], [.plain, .weak]])
        #expect(PagePictures([run]).percentiles.summary.contains("max ≥ 5.00 s"))
        #expect(PagePictures([run]).histogram.summary.contains("400 requests"))
    }

    @Test func `a curve ends at the largest value`() throws {
        let run = try open()
        let last = PagePictures([run]).percentiles.series[0].strokes.last?.points.last

        #expect(last?.y == run.run.response.answered.max.map(Double.init))
    }

    @Test func `the bars of a histogram add up to all of it`() throws {
        let points = PagePictures([try open()]).histogram.series[0].strokes[0].points
        let bars = stride(from: 1, to: points.count - 1, by: 2).map { points[$0].y }

        #expect((bars.reduce(0, +) - 100).magnitude < 1e-6)
    }

    @Test(arguments: [(1_000, 64_000_000), (100, 4_000), (700_000, 900_000)] as [(Int64, Int64)])
    func `a log-uniform distribution is a flat picture`(low: Int64, high: Int64) throws {
        let values = (0..<200_000).map { step in
            Double(low) * exp(log(Double(high) / Double(low)) * (Double(step) + 0.5) / 200_000)
        }
        for columns in [try columns(of: values), try rows(of: values)] {
            // Those at the ends lie on cells that are filled in part.
            let shares = columns.dropFirst(2).dropLast(2).map(\.share)
            let middle = shares.reduce(0, +) / Double(shares.count)

            #expect(shares.allSatisfy { ($0 / middle - 1).magnitude < 0.04 }, "\(shares)")
        }
        #expect(try columns(of: values).count > 20)
    }

    @Test func `an exponential distribution is a smooth picture, without steps at octaves`() throws
    {
        let mean = 200_000.0
        let values = (0..<400_000).map { -mean * log(1 - (Double($0) + 0.5) / 400_000) }
        // A row of heat is as high as a cell, inside of which nothing is known.
        for (columns, tolerance) in [
            (try columns(of: values), 0.02), (try rows(of: values), 0.12),
        ] {
            let tallest = columns.map(\.share).max() ?? 0
            let seen = columns.filter { $0.share > tallest / 20 }
            #expect(seen.count > 20)
            for column in seen {
                let share = exp(-column.from / mean) - exp(-column.to / mean)
                #expect((column.share / share - 1).magnitude < tolerance, "\(column): \(share)")
            }
        }
    }

    private typealias Column = (from: Double, to: Double, share: Double)

    /// What the picture of some latencies shows.
    private func columns(of values: [Double]) throws -> [Column] {
        var run = Sample.measurement()
        run.response = latency(values)
        run.service = run.response
        let chart = PagePictures([PageRun(try Sample.record(run))]).histogram
        let points = chart.series[0].strokes[0].points
        return stride(from: 1, to: points.count - 1, by: 2).map {
            (points[$0].x, points[$0 + 1].x, points[$0].y / 100)
        }
    }

    /// What the heat map of the same shows.
    private func rows(of values: [Double]) throws -> [Column] {
        var timeline = Timeline()
        timeline.add(latency(values).answered, errors: 0, cpu: 0, at: 0)
        let cells = (0..<Timeline.cellCount).filter { timeline.answers(column: 0, cell: $0) > 0 }
        let (first, last) = (try #require(cells.first), try #require(cells.last))
        let (low, high) = (
            Double(max(1, Timeline.lowestValue(ofCell: first))),
            Double(Timeline.lowestValue(ofCell: last + 1))
        )
        let heat = PagePictures.heat(of: timeline, from: low, to: high)
        let factor = pow(high / low, 1 / Double(heat.rows))
        return heat.cells.map { cell in
            let from = low * pow(factor, Double(cell.row))
            return (from, from * factor, cell.count / Double(values.count))
        }
    }

    private func latency(_ values: [Double]) -> Latency {
        var latency = Latency()
        for value in values { latency.answered.record(Int64(value)) }
        return latency
    }

    @Test func `limits of --fail-if and of a search are lines`() throws {
        var run = try open()
        run.record.thresholds = try ["p99>2ms", "errors>0", "connect.p99>1s"].map {
            try Threshold($0).judge(run.run)
        }
        run.record.search = .init(condition: "p99.9<500ms")
        let chart = PagePictures([run]).percentiles

        #expect(chart.rules.map(\.label) == ["p99>2ms", "p99.9<500ms"])
        #expect(chart.rules.map(\.value) == [2e6, 5e8])
        #expect(chart.y.scale.position(5e8).map { $0 < 1 || $0 == 1 } == true)
    }

    @Test func `where the server paused is marked, and not where it has little to do`() throws {
        var run = try open()
        run.record.measurement.timeline = timeline(answers: [500, 500, 0, 0, 0, 500, 0, 500])
        let pauses = run.bands.filter(\.isAlarm)

        #expect(pauses.map(\.label) == ["no answer for 300 ms", "no answer for 100 ms"])
        #expect(pauses.first.map { [($0.from * 10).rounded(), ($0.to * 10).rounded()] } == [2, 5])
        run.record.measurement.timeline = timeline(answers: [3, 0, 5])
        #expect(!run.bands.contains { $0.isAlarm })
    }

    @Test func `the knee is where latency begins to grow faster than the rate`() throws {
        var run = try open()
        for (rate, latency) in [(10.0, 100), (20, 110), (30, 120), (40, 150), (45, 2000)] {
            var (plan, measurement) = (run.plan, Sample.measurement())
            plan.rate = rate
            measurement.response = Latency()
            measurement.response.answered.record(Int64(latency) * 1000, times: 10_000)
            measurement.ledger.answered = Int(rate) * 10
            run.record.probes.append(.init(purpose: .step, plan: plan, measurement: measurement))
        }
        let chart = try #require(PagePictures([run]).throughput)

        #expect(chart.rules.map(\.label) == ["knee 40.0/s"])
        #expect(chart.caption.contains("Knee"))
    }

    @Test func `errors of one run are stacked by kind, and of several a line each`() throws {
        var run = try open()
        var timeline = timeline(answers: [100, 100])
        timeline.add(
            Histogram(), errors: 7, kinds: ErrorKinds([0, 2, 5]), cpu: 0, at: 150_000_000)
        run.record.measurement.timeline = timeline
        let stacked = try #require(PagePictures([run]).errors)
        let lines = try #require(PagePictures([run, run]).errors)

        #expect(stacked.series.map(\.label) == ["broken off", "timed out"])
        #expect(stacked.series.map { $0.strokes[0].points.map(\.y).max() } == [70, 20])
        #expect(lines.series.count == 2)
        #expect(PagePictures([try open()]).errors == nil)
    }

    @Test func `what generator and server took is in percent of a processor`() throws {
        var run = try open()
        var timeline = timeline(answers: [100, 100])
        timeline.add(Histogram(), errors: 0, cpu: 50_000_000, at: 0)
        run.record.measurement.timeline = timeline
        #expect(PagePictures([run]).usage?.series.count == 1)
        timeline.add(serverCPU: 90_000_000, at: 100_000_000)
        run.record.measurement.timeline = timeline
        let chart = try #require(PagePictures([run]).usage)

        #expect(chart.series.map(\.label) == ["server", "generator"])
        #expect(chart.series.map { $0.strokes[0].points.map(\.y).max() } == [90, 50])
    }

    @Test func `heat maps of several runs have the same axes and shades`() throws {
        var (one, two) = (try open(), try open())
        one.record.measurement.timeline = timeline(answers: [500, 400])
        two.record.measurement.timeline = timeline(answers: [7, 9], of: 80_000_000)
        let maps = PagePictures([one, two]).heatMaps

        #expect(maps[0].y.scale.ticks == maps[1].y.scale.ticks)
        #expect(maps[0].heat?.largest == maps[1].heat?.largest)
        #expect(maps[0].heat?.yRange == maps[1].heat?.yRange)
    }

    @Test func `rate is counted per second, and a last column for the time it had`() throws {
        var run = try open()
        run.record.measurement.phases.connect = 0
        run.record.measurement.phases.warmup = 0.1
        run.record.measurement.phases.measured = 0.15
        run.record.measurement.phases.drain = 0
        run.record.measurement.timeline = timeline(answers: [100, 200, 50])
        let chart = PagePictures([run]).rates
        let steps = chart.series[0].strokes[0].points

        #expect(steps.map { ($0.x * 1000).rounded() } == [0, 100, 100, 200, 200, 250])
        #expect(steps.map { $0.y.rounded() } == [1000, 1000, 2000, 2000, 1000, 1000])
        #expect(chart.bands.map(\.label) == ["warm-up"])
        #expect(chart.rules.map(\.label) == ["wanted 3,000/s"])
    }

    @Test func `a heat map has every answer once`() throws {
        var run = try open()
        run.record.measurement.timeline = timeline(answers: [3, 0, 5])
        let heat = try #require(PagePictures([run]).heatMaps[0].heat)

        #expect((heat.cells.reduce(0) { $0 + $1.count } - 8).magnitude < 1e-9)
        #expect(Set(heat.cells.map(\.column)) == [0, 2])
    }

    @Test func `a step that was not valid is hollow`() throws {
        var run = try open()
        #expect(PagePictures([run]).throughput == nil)
        for rate in [1000.0, 2000] {
            var plan = run.plan
            plan.rate = rate
            var probe = RunRecord.Probe(purpose: .step, plan: plan, measurement: run.run)
            if rate > 1500 {
                probe.verdict.findings = [
                    .init(
                        code: "G-CPU", level: .invalid, value: 1, limit: 1, text: "", remedy: "")
                ]
            }
            run.record.probes.append(probe)
        }
        let chart = try #require(PagePictures([run]).throughput)

        #expect(chart.series.map(\.label) == ["p50", "p99"])
        #expect(chart.series[0].dots.map(\.isHollow) == [false, true])
    }

    @Test func `a slow connect is held against the times of SYNs`() throws {
        var run = try open()
        run.record.measurement.connectTimes.record(3_050_000_000)

        #expect(PagePictures([run]).connects.rules.map(\.value) == [1e9, 3e9])
    }

    @Test func `fairness begins with the least served and ends with the most served`() throws {
        var run = try open()
        for answers in [0, 10, 10, 10, 40] { run.record.measurement.served.record(answers) }
        let points = PagePictures([run]).fairness.series[0].strokes[0].points

        #expect(points.first?.y == 0 && points.last?.y == 40)
        #expect(zip(points, points.dropFirst()).allSatisfy { $0.y <= $1.y })
    }

    /// 20,000 requests at 3,000 a second, each sent 100 us late.
    private func open() throws -> PageRun {
        var run = Sample.measurement()
        for step in 0..<20_000 {
            run.service.answered.record(50_000 + Int64(step) * 1000)
            run.sendDelay.answered.record(100_000)
        }
        return PageRun(
            name: "open", record: try Sample.record(run, plan: try Sample.plan { $0.rate = 3000 }))
    }

    /// Columns of 100 ms with so many answers, of 1 ms each if nothing else is said.
    private func timeline(answers: [Int], of nanoseconds: Int64 = 1_000_000) -> Timeline {
        var timeline = Timeline()
        for (index, count) in answers.enumerated() {
            var latencies = Histogram()
            latencies.record(nanoseconds, times: count)
            timeline.add(latencies, errors: 0, cpu: 0, at: Int64(index) * 100_000_000)
        }
        return timeline
    }
}
