import Generator
import Statistics
import Testing

@testable import Reports

@Suite struct `The live panel` {
    private func look(
        _ phase: Progress.Phase,
        elapsed: Double = 4.2,
        _ change: (inout Progress) -> Void = { _ in }
    ) -> Progress {
        var progress = Progress(phase: phase, elapsed: elapsed)
        progress.connectionsUp = 1000
        progress.inFlight = 998
        change(&progress)
        return progress
    }

    private func answers(_ count: Int, _ nanoseconds: Int64) -> Histogram {
        var histogram = Histogram()
        histogram.record(nanoseconds, times: count)
        return histogram
    }

    private func panel(
        title: String = "",
        look: LivePanel.Look = .plain,
        _ change: (inout LoadPlan) -> Void = { _ in }
    ) throws -> LivePanel {
        LivePanel(try Sample.plan(change), title: title, interval: .seconds(1), look: look)
    }

    private func line(_ start: String, of panel: LivePanel, width: Int = 97) -> String {
        panel.lines(width: width).first { $0.hasPrefix(start) } ?? "no line \(start)"
    }

    @Test func `says how far the run is and draws it`() throws {
        var panel = try panel()
        panel.add(look(.measuring), seconds: 0.25)

        #expect(
            line("measuring", of: panel)
                == "measuring  4.2 s of 10.0 s, 5.8 s left  "
                + "[#################.......................]"
        )
    }

    @Test(arguments: [
        (Progress.Phase.connecting, "connecting 1,000 of 1,000"),
        (.warmup, "warm-up    4.2 s of 1.00 s, 0.0 s left"), (.draining, "draining   4.2 s"),
    ])
    func `names each phase`(phase: Progress.Phase, words: String) throws {
        var panel = try panel()
        panel.add(look(phase), seconds: 0.25)

        #expect(panel.lines(width: 97)[0].hasPrefix(words))
    }

    @Test func `says that a warm-up goes on until it is steady`() throws {
        var panel = try panel { $0.warmup = .auto }
        panel.add(look(.warmup, elapsed: 0.5), seconds: 0.25)
        #expect(line("warm-up", of: panel).hasPrefix("warm-up    0.5 s of 1.00 s"))
        panel.add(look(.warmup, elapsed: 1.5), seconds: 0.25)
        #expect(line("warm-up", of: panel) == "warm-up    1.5 s, until it is steady")
    }

    @Test func `shows the rate of each interval beside the one that is wanted`() throws {
        var panel = try panel { $0.rate = 4000 }
        for count in [1000, 2000, 4000] {
            for _ in 0..<4 {
                panel.add(
                    look(.measuring) { $0.response = answers(count / 4, 200_000) }, seconds: 0.25)
            }
        }

        #expect(line("rate", of: panel) == "rate       4,000/s of 4,000/s        -+@")
    }

    @Test func `tells the last interval from all of them`() throws {
        var panel = try panel()
        for time in [Int64(100_000), 5_000_000] {
            panel.add(look(.measuring) { $0.response = answers(2000, time) }, seconds: 1)
        }

        #expect(line("last", of: panel).hasPrefix("last       p50 5.00 ms   p99 5.00 ms"))
        #expect(line("so far", of: panel).hasPrefix("so far     p50 100 us    p99 5.00 ms"))
    }

    @Test func `forgets the warm-up when measuring begins`() throws {
        var panel = try panel()
        panel.add(look(.warmup) { $0.response = answers(2000, 900_000_000) }, seconds: 1)
        panel.add(look(.measuring) { $0.response = answers(2000, 100_000) }, seconds: 1)

        #expect(line("so far", of: panel).contains("max 100 us"))
    }

    @Test func `shades what is frequent darker, and shows even one slow answer`() throws {
        var panel = try panel()
        panel.add(
            look(.measuring) {
                $0.response = answers(9000, 400_000)
                $0.response.record(200_000_000)
            }, seconds: 1)
        let rows = panel.lines(width: 97).filter { $0.contains("+  ") }

        // Such an interval is as wide as its share of the line in a run of eleven seconds.
        #expect(rows == ["    30ms+  ......", "     3ms+        ", "   300us+  ######"])
    }

    @Test func `has no row for what no answer took, and says what the shades are`() throws {
        var panel = try panel()
        #expect(panel.lines(width: 77).filter { $0.contains(/^ |share/) } == [])
        for _ in 0..<40 {
            panel.add(look(.measuring) { $0.response = answers(9000, 400_000) }, seconds: 1)
        }
        let lines = panel.lines(width: 77)

        #expect(
            lines.filter { $0.contains(/^ |share/) } == [
                "   300us+  " + String(repeating: "#", count: 40),
                "share      . some  : 0.1 %  - 1 %  = 5 %  + 20 %  * 50 %  # 80 %",
            ])
    }

    @Test func `counts errors by kind, and CPU by thread`() throws {
        var panel = try panel()
        func row(_ errno: String, _ count: Int) -> ErrorRow {
            ErrorRow(phase: .read, errno: errno, count: count, firstSeen: 0, exampleConnection: 0)
        }
        panel.add(look(.measuring) { $0.threadCPU = [1, 2] }, seconds: 0.5)
        panel.add(
            look(.measuring) {
                $0.threadCPU = [1.5, 2.125]
                $0.errors = [row("eof", 2), row("ECONNRESET", 1234)]
            }, seconds: 0.5)

        #expect(line("errors", of: panel) == "errors     read ECONNRESET 1,234   read eof 2")
        #expect(line("cpu", of: panel) == "cpu        [########] 100 %   [##......]  25 %")
        #expect(line("up", of: panel) == "up         1,000 of 1,000   in flight 998")
    }

    @Test func `says how many threads and kinds had no room`() throws {
        var panel = try panel()
        panel.add(look(.measuring) { $0.threadCPU = Array(repeating: 0, count: 64) }, seconds: 1)
        panel.add(look(.measuring) { $0.threadCPU = Array(repeating: 1, count: 64) }, seconds: 1)

        #expect(line("cpu", of: panel, width: 60).hasSuffix("and 63 threads more"))
    }

    @Test(arguments: [LivePanel.Look.plain, .rich])
    func `keeps to its width and to thirteen lines, whatever it is fed`(
        look: LivePanel.Look
    ) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let phases: [Progress.Phase] = [.connecting, .warmup, .measuring, .draining, .done]
        var panel = try panel(title: "step 3 of 10 at 4,000/s", look: look)
        for turn in 0..<300 {
            let phase = phases[turn / 60]
            let progress = self.look(phase, elapsed: Double(turn)) {
                for _ in 0..<Int(random.next() % 4) {
                    $0.response.record(Int64(random.next() >> 22), times: Int(random.next() % 999))
                }
                $0.threadCPU = [Double(turn), Double(turn) / 2]
                $0.answered = Int(random.next() >> 1)
            }
            panel.add(progress, seconds: Double(random.next() % 3))
            let width = Int(random.next() % 120)
            let lines = panel.lines(width: width)

            #expect(lines.count <= 13, "seed \(seed)")
            #expect(
                lines.allSatisfy { $0.visibleCount <= width },
                "seed \(seed), width \(width): \(lines)")
            #expect(!lines.contains { $0.contains("nan") || $0.contains("inf ") })
        }
    }

    @Test func `uses colours and blocks where the terminal has them`() throws {
        var panel = try panel(look: .rich)
        panel.add(look(.measuring) { $0.response = answers(100, 200_000) }, seconds: 1)
        let text = panel.lines(width: 97).joined()

        #expect(text.contains("█"))
        #expect(text.contains("\u{1B}[48;5;226m \u{1B}[0m"))
    }
}
