import MarkupChecks
import Testing

@testable import Charts

@Suite struct ChartTests {
    @Test func `a picture is well-formed and says in words what it shows`() throws {
        let elements = try elements(of: ChartTests.chart().file)

        #expect(elements.first?.name == "svg")
        #expect(elements.contains { $0.name == "title" && $0.text == "A title" })
        #expect(elements.contains { $0.name == "desc" && $0.text == "What is to be seen" })
        #expect(elements.first?.attributes["aria-labelledby"] == "sample-title sample-desc")
    }

    @Test func `two series differ in colour and in dashes, in the legend as in the plot`() throws {
        let lines = try elements(of: ChartTests.chart().svg).filter {
            $0.attributes["class"]?.hasPrefix("line") == true
        }

        #expect(lines.count == 4)
        #expect(Set(lines.compactMap { $0.attributes["class"] }).count == 2)
        #expect(Set(lines.compactMap { $0.attributes["stroke-dasharray"] }).count == 2)
    }

    @Test func `the first thirty series all look different`() {
        let looks = (0..<30).map { "\(Palette.color(of: $0)) \(Palette.dash(of: $0))" }

        #expect(Set(looks).count == 30)
    }

    @Test func `words from outside stay words`() throws {
        var chart = ChartTests.chart()
        chart.title = "<script>alert('1')</script> & \u{1B}[31m"
        chart.series[0].label = "\"><script>"
        chart.series[0].dots = [
            Series.Dot(Chart.Point(1, 2), isHollow: true, words: "</title><script/>")
        ]
        chart.rules = [Chart.Rule(.atY, 2, label: "<b>")]
        chart.bands = [Chart.Band(from: 0, to: 10, label: "]]><i/>")]

        let elements = try elements(of: chart.file)

        #expect(!elements.contains { ["script", "b", "i"].contains($0.name) })
        #expect(elements.contains { $0.text == "\"><script>" })
    }

    @Test func `what has no place leaves a gap and no coordinate that is not a number`() {
        var chart = ChartTests.chart()
        chart.series[0].strokes = [
            Series.Stroke([
                Chart.Point(0, 1), Chart.Point(1, .nan), Chart.Point(2, .infinity),
                Chart.Point(.nan, 3), Chart.Point(3, -5), Chart.Point(4, 1e300),
            ])
        ]
        let svg = chart.svg

        #expect(!svg.contains("nan") && !svg.contains("inf") && !svg.contains("e+"))
    }

    @Test func `a picture of nothing says so in words`() throws {
        let chart = Chart(name: "none", title: "Errors", emptiness: "No error was met.")
        let elements = try elements(of: chart.file)

        #expect(elements.contains { $0.name == "text" && $0.text == "No error was met." })
        #expect(!elements.contains { $0.attributes["class"] == "grid" })
    }

    @Test func `a lower bound is drawn with an arrow and the sign for it`() throws {
        var chart = ChartTests.chart()
        chart.series[0].strokes.append(
            Series.Stroke([Chart.Point(8, 8), Chart.Point(9, 9)], .lowerBound))
        let elements = try elements(of: chart.svg)

        #expect(elements.contains { $0.text == "≥" })
        #expect(elements.contains { $0.attributes["class"]?.contains("bound") == true })
    }

    @Test func `equal shades of a row of heat are one stroke`() throws {
        var chart = ChartTests.chart()
        let row = (0..<256).map { Heat.Cell(column: $0, row: 0, count: 7) }
        let rest = [Heat.Cell(column: 3, row: 1, count: 1), Heat.Cell(column: 5, row: 1, count: 1)]
        chart.heat = Heat(
            x: 0...10, y: 1...10, columns: 256, rows: 2, cells: row + rest, noun: "answers")
        let paths = try elements(of: chart.svg).filter {
            $0.attributes["class"]?.hasPrefix("heat") == true
        }

        #expect(paths.compactMap { $0.attributes["d"] } == ["M3 1h1M5 1h1", "M0 0h256"])
    }

    @Test func `several pictures in a file stand one below the other`() throws {
        let charts = [
            ChartTests.chart(), Chart(name: "none", title: "None", emptiness: "Nothing."),
        ]
        let frames = try elements(of: Chart.file(of: charts)).filter { $0.name == "svg" }

        #expect(frames.count == 3)
        let tops = frames.dropFirst().compactMap { Double($0.attributes["y"] ?? "") }
        let height = try #require(Double(frames[1].attributes["height"] ?? ""))
        #expect(tops.count == 2 && tops[1] >= tops[0] + height)
    }

    @Test func `labels of an axis do not overlap`() throws {
        var chart = ChartTests.chart()
        chart.x = Chart.Axis("x", .linear(from: 0, to: 9e14, of: .plain, steps: 40))
        let labels = try elements(of: chart.svg).filter {
            $0.name == "text" && $0.attributes["text-anchor"] == "middle"
        }
        let places = labels.compactMap { label in
            Double(label.attributes["x"] ?? "").map { ($0, Drawing.width(of: label.text) / 2) }
        }

        #expect(places.count >= 2)
        for (left, right) in zip(places, places.dropFirst()) {
            #expect(left.0 + left.1 <= right.0 - right.1)
        }
    }

    @Test func `names of lines that end together are pushed apart`() throws {
        var chart = ChartTests.chart()
        chart.series[1].strokes = chart.series[0].strokes
        chart.rules = [Chart.Rule(.atY, 9, label: "a limit")]
        let names = ["series 0", "series 1", "a limit"]
        let places = try elements(of: chart.svg).filter { names.contains($0.text) }
            .compactMap { Double($0.attributes["y"] ?? "") }.sorted()

        #expect(places.count == 3)
        for (upper, lower) in zip(places, places.dropFirst()) { #expect(lower - upper >= 14) }
    }

    @Test func `no name stands in the plot, however many there are`() throws {
        var chart = ChartTests.chart()
        chart.bands = [Chart.Band(from: 0, to: 10, label: "the whole of it")]
        chart.rules = (1...9).map { Chart.Rule(.atX, Double($0), label: "a line at \($0)") }
        chart.rules.append(Chart.Rule(.atY, 5, label: String(repeating: "long ", count: 30)))
        for layout in Layout.allCases {
            let drawing = Drawing(chart, layout)
            let texts = try elements(of: drawing.svg()).filter { $0.name == "text" }

            #expect(texts.contains { $0.text == "the whole of it" })
            for text in texts {
                let x = try #require(Double(text.attributes["x"] ?? ""))
                let y = try #require(Double(text.attributes["y"] ?? ""))
                let isBeside = x < drawing.left || x > drawing.right
                #expect(isBeside || y < drawing.top || y > drawing.bottom, "\(text.text)")
            }
        }
    }

    @Test func `aligned pictures begin and end at the same places`() {
        var other = ChartTests.chart()
        other.y = Chart.Axis("y", .linear(from: 0, to: 1e9, of: .plain))
        other.series[0].label = "a much longer name"
        let drawings = Chart.aligned([ChartTests.chart(), other]).map { Drawing($0) }

        #expect(drawings[0].left == drawings[1].left && drawings[0].right == drawings[1].right)
        #expect(Drawing(ChartTests.chart()).left < Drawing(other).left)
    }

    @Test func `heat for a telephone has fewer cells and the same shades`() {
        let cells = (0..<500).map { Heat.Cell(column: $0, row: 0, count: 9) }
        let heat = Heat(
            x: 0...10, y: 1...10, columns: 500, rows: 1, cells: cells, noun: "answers"
        ).folded(to: 96)

        #expect(heat.cells.count <= 96)
        #expect(heat.cells.dropLast().allSatisfy { $0.count == 9 })
        #expect(heat.largest == 9)
    }

    @Test func `a page has a picture twice, for a window and for a telephone`() throws {
        let pictures = try elements(of: "<p>\(ChartTests.chart().markup)</p>").filter {
            $0.name == "svg"
        }

        #expect(pictures.map { $0.attributes["class"] } == ["chart wide", "chart narrow"])
        #expect(Set(pictures.map { $0.attributes["aria-labelledby"] }).count == 2)
    }

    /// Two lines over ten steps.
    private static func chart() -> Chart {
        var chart = Chart(
            name: "sample", title: "A title", summary: "What is to be seen",
            x: Chart.Axis("x", .linear(from: 0, to: 10, of: .plain)),
            y: Chart.Axis("y", .log(from: 1, to: 10, of: .time)))
        chart.series = (0..<2).map { number in
            let points = (0..<10).map { Chart.Point(Double($0), Double($0 + number + 1)) }
            return Series("series \(number)", number: number, strokes: [Series.Stroke(points)])
        }
        return chart
    }
}
