import Charts
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

        #expect(pictures.percentiles.series.map(\.label) == ["a service", "b service"])
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

        #expect(heat.cells.reduce(0) { $0 + $1.count } == 8)
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

    /// Columns of 100 ms with so many answers of 1 ms each.
    private func timeline(answers: [Int]) -> Timeline {
        var timeline = Timeline()
        for (index, count) in answers.enumerated() {
            var latencies = Histogram()
            latencies.record(1_000_000, times: count)
            timeline.add(latencies, errors: 0, cpu: 0, at: Int64(index) * 100_000_000)
        }
        return timeline
    }
}
