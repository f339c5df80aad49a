import Generator
import MarkupChecks
import Statistics
import Testing

@testable import Reports

@Suite struct PageTests {
    @Test(arguments: 1...12)
    func `a page of any run is whole and has no coordinate that is not a number`(seed: UInt64)
        throws
    {
        let runs = [
            PageRun(name: "one", record: try Sample.record(seed: seed)),
            PageRun(name: "two", record: try Sample.record(seed: seed + 1000)),
        ]
        for page in [Page(runs), Page([runs[0]])] {
            let shapes = try elements(of: page.html).filter { $0.attributes["d"] != nil }

            #expect(shapes.count > 50)
            for shape in shapes {
                for name in ["d", "x", "y", "width", "height", "transform"] {
                    let value = shape.attributes[name] ?? ""
                    #expect(!value.contains(/nan|inf|e[+-]/), "seed \(seed): \(name)=\(value)")
                }
            }
        }
    }

    @Test func `a run that measured nothing says so in each picture`() throws {
        let page = Page([PageRun(name: "refused", record: try Sample.record(Sample.refused()))])
        let texts = try elements(of: page.html).filter { $0.name == "text" }.map(\.text)

        #expect(
            PageRun(try Sample.record(Sample.refused())).sentence
                == "Nothing was answered; 3 errors.")

        for words in [
            "No request was measured.", "No request was answered.",
            "Nothing was answered, so there is no rate.", "No connection came up.",
            "No connection got an answer.",
        ] { #expect(texts.contains(words), "\(words)") }
    }

    @Test func `one sample is a picture too`() throws {
        var run = Measurement()
        run.response.answered.record(123_456)
        run.connectTimes.record(1)
        run.served.record(1)
        run.timeline.add(run.response.answered, errors: 1, cpu: 0, at: 0)
        let page = Page([PageRun(name: "one", record: try Sample.record(run))])

        #expect(try pictures(of: page).count == 7)
    }

    @Test func `words from outside are inert, wherever they stand`() throws {
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{1B}[31m"
        var record = try Sample.record(Sample.disaster())
        record.commandLine = ["loadtest", evil]
        record.startedAt = evil
        record.id = evil
        record.environment.kernel = evil
        record.environment.cpuModel = evil
        record.server?.lastWords = evil
        record.measurement.errors[0].errno = evil
        record.verdict.findings = [
            .init(code: evil, level: .suspect, value: 1, limit: 1, text: evil, remedy: evil)
        ]
        let page = Page([
            PageRun(name: evil, record: record), PageRun(name: evil, record: record),
        ])
        let elements = try elements(of: page.html)

        #expect(!elements.contains { ["script", "img"].contains($0.name) })
        #expect(!elements.contains { $0.attributes.keys.contains { $0.hasPrefix("on") } })
        #expect(elements.contains { $0.text.contains("<script>alert(1)</script>") })
    }

    @Test func `a page loads nothing and forbids itself to`() throws {
        let elements = try elements(of: try page(seed: 7).html)

        let links = ["src", "href", "xlink:href", "action"]
        #expect(!elements.contains { $0.attributes.keys.contains(where: links.contains) })
        #expect(!elements.contains { $0.text.contains("url(") || $0.text.contains("@import") })
        #expect(
            elements.contains { $0.attributes["content"]?.hasPrefix("default-src 'none'") == true })
    }

    @Test func `the verdict stands before every figure`() throws {
        var record = try Sample.record()
        record.verdict.findings = [
            .init(
                code: "G-CPU", level: .invalid, value: 0.99, limit: 0.95, text: "it was the limit",
                remedy: "more threads")
        ]
        let html = Page([PageRun(name: "a", record: record)]).html
        let verdict = try #require(html.range(of: "INVALID"))
        let remedy = try #require(html.range(of: "more threads"))
        let figure = try #require(html.range(of: "<pre"))

        #expect(verdict.lowerBound < remedy.lowerBound && remedy.lowerBound < figure.lowerBound)
    }

    @Test func `a page of a full timeline is smaller than 300 kB`() throws {
        var random = SplitMix(seed: 1)
        var run = Sample.measurement()
        run.timeline = Timeline(width: 100_000_000)
        for column in 0..<Timeline.columnsMax {
            var latencies = Histogram()
            for _ in 0..<150 { latencies.record(.random(in: 50_000...20_000_000, using: &random)) }
            run.timeline.add(latencies, errors: 1, cpu: 0, at: Int64(column) * 100_000_000)
        }
        let page = Page([PageRun(name: "long", record: try Sample.record(run))])

        #expect(page.html.utf8.count < 300_000)
    }

    @Test func `the same runs make the same page`() throws {
        #expect(try page(seed: 3).html == page(seed: 3).html)
    }

    @Test func `tables have headers for their columns and rows`() throws {
        let elements = try elements(of: try page(seed: 5).html)
        let rows = elements.filter { $0.name == "tr" }.count
        let tables = elements.filter { $0.name == "table" }.count

        #expect(tables >= 5)
        #expect(elements.filter { $0.attributes["scope"] == "row" }.count == rows - tables)
        #expect(elements.filter { $0.name == "caption" }.count == tables)
    }

    @Test func `the first screen says what came of it, and no figure of it twice`() throws {
        var record = try Sample.record()
        record.labels.name = "before"
        let page = Page([PageRun(record)])
        let (all, texts) = (try elements(of: page.html), try pictures(of: page))
        func text(_ name: String, _ kind: String) -> String? {
            all.first { $0.name == name && $0.attributes["class"] == kind }?.text
        }

        #expect(all.first { $0.name == "h1" }?.text == "before")
        #expect(
            text("p", "about")
                == "coroutine over poll, 1,000 connections, closed loop, 64 B, measured for 10.0 s")
        #expect(
            text("p", "result")
                == "2,000 answers a second, half of them within 10.2 ms, 1 in 100 above 19.9 ms; "
                + "nothing lost.")
        let tiles = all.filter { $0.name == "dd" }.map(\.text)
        #expect(tiles.count == 4 && Set(all.filter { $0.name == "dt" }.map(\.text)).count == 4)
        #expect(tiles.allSatisfy { text("p", "result")?.contains($0) == false })
        #expect(texts.count == 6)
    }

    @Test func `runs without a name are called by what they differ in, and never by a port`()
        throws
    {
        let plans = try [(100, 1.0), (200, 1.0)].map { connections, _ in
            try Sample.plan { $0.connections = connections }
        }
        let records = try plans.map { try Sample.record(plan: $0) }

        #expect(RunRecord.differences(among: records) == ["100 connections", "200 connections"])
        #expect(RunRecord.differences(among: [records[0], records[0]]) == nil)
        #expect(!records[0].description.contains("7788"))
    }

    @Test func `each run has one colour in the pictures and in the table of the runs`() throws {
        let runs = [
            PageRun(name: "one", record: try Sample.record(seed: 4)),
            PageRun(name: "two", record: try Sample.record(seed: 5)),
        ]
        let swatches = try elements(of: Page(runs).html).filter { $0.name == "i" }
            .compactMap { $0.attributes["class"] }.filter { $0.hasPrefix("swatch") }

        #expect(swatches == ["swatch c0", "swatch c1"])
        for chart in PagePictures(runs).all where chart.heat == nil {
            for series in chart.series {
                #expect(series.number == (series.label.hasPrefix("one") ? 0 : 1), "\(chart.name)")
            }
        }
    }

    @Test func `a caption is said once, and only where it explains something`() throws {
        let record = try Sample.openLoop()
        let open = Page([PageRun(name: "a", record: record), PageRun(name: "b", record: record)])
        let captions = try elements(of: open.html).filter { $0.name == "figcaption" }.map(\.text)

        #expect(captions.contains { $0.contains("arrow") })
        #expect(Set(captions).count == captions.count)
        let sample = Page([PageRun(try Sample.record())])
        #expect(!sample.html.contains("an arrow"))
    }

    /// Each picture once; a page has it for a telephone, too.
    private func pictures(of page: Page) throws -> [Element] {
        try elements(of: page.html).filter { $0.attributes["class"] == "chart wide" }
    }

    private func page(seed: UInt64) throws -> Page {
        Page([PageRun(name: "run", record: try Sample.record(seed: seed))])
    }
}
