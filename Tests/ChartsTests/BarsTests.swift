import MarkupChecks
import Testing

@testable import Charts

@Suite struct BarsTests {
    private static func bars() -> Bars {
        var bar = Bars.Bar(60, interval: 50...70, number: 1)
        bar.dots = [
            Bars.Dot(55, isHollow: false, words: "55"), Bars.Dot(65, isHollow: false, words: "65"),
            Bars.Dot(95, isHollow: true, words: "95 in round 3"),
        ]
        return Bars(
            name: "sample", title: "A title", summary: "What is to be seen",
            axis: Chart.Axis("x", .linear(from: 0, to: 100, of: .plain)),
            rows: [
                Bars.Row("one", words: "60 of them", bar: bar),
                Bars.Row("two", words: "skipped: it is not there"),
            ])
    }

    @Test func `bars are well-formed and say in words what they show`() throws {
        let elements = try elements(of: BarsTests.bars().file)

        #expect(elements.first?.name == "svg")
        #expect(elements.first?.attributes["aria-labelledby"] == "sample-title sample-desc")
        #expect(elements.contains { $0.name == "desc" && $0.text == "What is to be seen" })
        #expect(elements.contains { $0.text == "60 of them" })
        #expect(elements.contains { $0.text == "skipped: it is not there" })
    }

    @Test func `a bar is as long as its value, from the start of the axis`() throws {
        let shapes = try elements(of: BarsTests.bars().svg)
        let bar = try #require(shapes.first { $0.attributes["class"] == "bar c1" })
        let grid = shapes.filter { $0.attributes["class"] == "grid" }.compactMap { line in
            line.attributes["d"]?.dropFirst().split(separator: " ").first.flatMap { Double($0) }
        }
        let (start, end) = (try #require(grid.min()), try #require(grid.max()))
        let (x, width) = (bar.attributes["x"], bar.attributes["width"])

        #expect(x.flatMap(Double.init) == start)
        let length = try #require(width.flatMap(Double.init))
        #expect(abs(length - 0.6 * (end - start)) < 0.2)
    }

    @Test func `rounds are dots, and those that stand apart are hollow and have words`() throws {
        let shapes = try elements(of: BarsTests.bars().svg)

        let dots = try #require(shapes.first { $0.attributes["class"] == "dots c1" })
        #expect(dots.attributes["d"]?.count { $0 == "M" } == 2)
        #expect(shapes.count { $0.attributes["class"] == "hollow c1" } == 1)
        #expect(shapes.contains { $0.name == "title" && $0.text == "95 in round 3" })
    }

    @Test func `what has no place is left out`() throws {
        var bars = BarsTests.bars()
        bars.rule = .nan
        bars.band = 5...5
        bars.rows[0].bar?.value = .infinity
        bars.rows[0].bar?.dots.append(Bars.Dot(.nan, isHollow: false, words: ""))
        bars.rows.append(Bars.Row("", words: ""))
        let svg = bars.svg

        #expect(!svg.contains("nan") && !svg.contains("inf") && !svg.contains("e+"))
        #expect(try !elements(of: svg).contains { $0.attributes["class"] == "band" })
    }

    @Test func `long names and words are cut, and those from outside stay words`() throws {
        var bars = BarsTests.bars()
        let long = String(repeating: "<b>&amp;", count: 60)
        bars.rows[0].label = long
        bars.rows[0].words = long
        bars.rows[1].words = long
        let texts = try elements(of: bars.file).filter { $0.name == "text" }

        #expect(texts.count { $0.text.hasSuffix("…") } == 3)
        for text in texts {
            let x = try #require(Double(text.attributes["x"] ?? ""))
            let width = Drawing.width(of: text.text)
            let isStart = text.attributes["text-anchor"] == nil
            #expect(isStart ? x + width <= 800 : x > 0, "\(text.text)")
        }
    }
}
