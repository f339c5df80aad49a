import MarkupChecks
import Testing

@testable import Charts

@Suite struct DotPlotTests {
    private static func plot() -> DotPlot {
        var mark = DotPlot.Mark(60, interval: 50...70, number: 1)
        mark.rounds = [
            DotPlot.Round(55, isHollow: false, words: "55"),
            DotPlot.Round(65, isHollow: false, words: "65"),
            DotPlot.Round(95, isHollow: true, words: "95 in round 3"),
        ]
        return DotPlot(
            name: "sample", title: "A title", summary: "What is to be seen",
            axis: Chart.Axis("x", .linear(from: 0, to: 100, of: .plain)),
            rows: [
                DotPlot.Row("one", words: "60 of them", marks: [mark]),
                DotPlot.Row("two", words: "skipped: it is not there"),
            ])
    }

    /// Where a path begins.
    private static func start(of shape: Element) -> Double? {
        shape.attributes["d"]?.dropFirst().split(separator: " ").first.flatMap { Double($0) }
    }

    @Test func `dots are well-formed and say in words what they show`() throws {
        let elements = try elements(of: DotPlotTests.plot().file)

        #expect(elements.first?.name == "svg")
        #expect(elements.first?.attributes["aria-labelledby"] == "sample-title sample-desc")
        #expect(elements.contains { $0.name == "desc" && $0.text == "What is to be seen" })
        #expect(elements.contains { $0.text == "60 of them" })
        #expect(elements.contains { $0.text == "skipped: it is not there" })
    }

    @Test func `a mark stands at its value, and a line over its interval`() throws {
        let shapes = try elements(of: DotPlotTests.plot().svg)
        let grid = shapes.filter { $0.attributes["class"] == "grid" }
            .compactMap(DotPlotTests.start)
        let (from, to) = (try #require(grid.min()), try #require(grid.max()))
        let mark = try #require(shapes.first { $0.attributes["class"] == "full c1" })
        let whisker = try #require(shapes.first { $0.attributes["class"] == "whisker c1" })

        let place = try #require(DotPlotTests.start(of: mark))
        #expect((place - from - 0.6 * (to - from)).magnitude < 0.2)
        let low = try #require(DotPlotTests.start(of: whisker))
        let high = try #require(
            whisker.attributes["d"]?.split(separator: "H").last.flatMap { Double($0) })
        #expect((low - from - 0.5 * (to - from)).magnitude < 0.2)
        #expect((high - from - 0.7 * (to - from)).magnitude < 0.2)
    }

    @Test func `rounds are dots, and those that stand apart are hollow and have words`() throws {
        let shapes = try elements(of: DotPlotTests.plot().svg)

        let dots = try #require(shapes.first { $0.attributes["class"] == "dots c1" })
        #expect(dots.attributes["d"]?.count { $0 == "h" } == 2)
        #expect(shapes.count { $0.attributes["class"] == "hollow c1" } == 1)
        #expect(shapes.contains { $0.name == "title" && $0.text == "95 in round 3" })
    }

    @Test func `what has no place is left out`() throws {
        var plot = DotPlotTests.plot()
        plot.rule = .nan
        plot.band = 5...5
        plot.rows[0].marks[0].value = .infinity
        plot.rows[0].marks[0].rounds.append(DotPlot.Round(.nan, isHollow: false, words: ""))
        plot.rows.append(DotPlot.Row("", words: ""))

        for svg in [plot.svg, plot.markup] {
            #expect(!svg.contains("nan") && !svg.contains("inf") && !svg.contains("e+"))
        }
        #expect(try !elements(of: plot.svg).contains { $0.attributes["class"] == "band" })
    }

    @Test func `long names and words are cut, and those from outside stay words`() throws {
        var plot = DotPlotTests.plot()
        let long = String(repeating: "<b>&amp;", count: 60)
        plot.rows[0].label = long
        plot.rows[0].words = long
        plot.rows[1].words = long
        plot.axis.title = long
        for layout in Layout.allCases {
            let svg = DotPlotDrawing(plot, layout, hasTitle: false).svg()
            let texts = try elements(of: svg).filter { $0.name == "text" }

            #expect(texts.count { $0.text.hasSuffix("…") } == 4)
            for text in texts {
                let x = try #require(Double(text.attributes["x"] ?? ""))
                let width = Drawing.width(of: text.text)
                let isStart = text.attributes["text-anchor"] == nil
                #expect(isStart ? x + width <= layout.width : x > 0, "\(text.text)")
            }
        }
    }

    @Test func `several marks of a row have a shape each, which the picture names`() throws {
        var plot = DotPlotTests.plot()
        plot.shapes = ["few", "many"]
        var second = DotPlot.Mark(80, interval: nil, number: 2)
        second.shape = 1
        plot.rows[0].marks.append(second)
        let shapes = try elements(of: plot.svg)

        #expect(shapes.contains { $0.text == "few" } && shapes.contains { $0.text == "many" })
        let marks = shapes.filter { $0.attributes["class"]?.hasPrefix("full c") == true }
        let outlines = marks.compactMap { $0.attributes["d"]?.split(separator: "m").last }
        #expect(marks.count == 2 && Set(outlines).count == 2)
    }
}
