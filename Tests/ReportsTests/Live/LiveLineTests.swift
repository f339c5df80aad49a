import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct `The live line` {
    private func progress(
        _ phase: Progress.Phase,
        answered: Int = 600_000,
        samples: Int = 30_000
    ) -> Progress {
        var interval = Histogram()
        for _ in 0..<samples { interval.record(182_000) }
        var progress = Progress(phase: phase, elapsed: 3.2)
        progress.connectionsUp = 1000
        progress.answered = answered
        progress.errors = [
            ErrorRow(
                phase: .read, errno: "ECONNRESET", count: 2, firstSeen: 1, exampleConnection: 7)
        ]
        progress.response = interval
        return progress
    }

    @Test func `it says how far the run is, how fast and how well`() throws {
        var line = LiveLine(try Sample.plan())

        #expect(
            line.text(progress(.measuring), seconds: 0.5, width: 200)
                == "measuring 3.2 s of 10.0 s  60,000/s  p50 182 us  p99 182 us  errors 2  up 1,000"
        )
        #expect(
            line.text(progress(.connecting, samples: 0), seconds: 0.5, width: 200)
                == "connecting  1,000 of 1,000  errors 2"
        )
    }

    @Test func `requests are the measure where they end the run`() throws {
        var line = LiveLine(try Sample.plan { $0.requests = 1_000_000 })

        #expect(
            line.text(progress(.measuring), seconds: 1, width: 60)
                .hasPrefix("measuring 600,000 of 1,000,000")
        )
    }

    @Test func `a narrow terminal sees the most important part`() throws {
        var line = LiveLine(try Sample.plan())

        for width in -2...120 {
            #expect(
                line.text(progress(.measuring), seconds: 1, width: width).count <= max(0, width))
        }
        #expect(
            line.text(progress(.measuring), seconds: 1, width: 37)
                == "3.2 of 10.0 s  30,000/s  p50 182 us"
        )
        #expect(line.text(progress(.warmup), seconds: 1, width: 37).hasPrefix("warm-up 3.2 s  "))
        #expect(line.text(progress(.connecting), seconds: 1, width: 37).hasPrefix("up 1,000  "))
    }

    @Test func `an interval without answers has no percentiles, and no division by zero`() throws {
        var line = LiveLine(try Sample.plan())

        #expect(
            line.text(progress(.measuring, samples: 0), seconds: 0, width: 200)
                == "measuring 3.2 s of 10.0 s  errors 2  up 1,000"
        )
        #expect(
            !line.text(progress(.measuring, samples: 100), seconds: 1, width: 200).contains("p99")
        )
    }

    @Test func `the rate is that of the last second`() throws {
        var line = LiveLine(try Sample.plan())
        for samples in [0, 1000, 500, 500, 500, 500] {
            let text = line.text(
                progress(.measuring, samples: samples), seconds: 0.25, width: 200)
            if samples == 500 { #expect(!text.contains("4,000/s")) }
        }

        #expect(
            line.text(progress(.measuring, samples: 500), seconds: 0.25, width: 200)
                .contains("2,000/s"))
    }
}
