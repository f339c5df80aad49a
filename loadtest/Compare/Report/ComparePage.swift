import Charts
import Reports

/// A comparison as one HTML file that needs no network and no script.
///
///     verdict     what was compared, what speaks against it
///     blocking    what looking blocking costs
///     summary     a table for each point
///     pictures    bars for each reading with their table, and growth from point to point
///     stories     why each model behaves so
///     session     machine, method, command
package enum ComparePage {
    /// `contenders` are the servers that took part, with what is known of them.
    package static func html(of record: CompareRecord, _ contenders: [Contender] = []) -> String {
        let page = Contents(analysis: CompareAnalysis(record), contenders: contenders)
        return Page.html(title: page.title, sections: page.sections)
    }

    /// Each picture as a file of its own, in the order of the page; the names are unique and have
    /// no ending.
    package static func pictures(of record: CompareRecord) -> [(name: String, svg: String)] {
        let analysis = CompareAnalysis(record)
        return BarPictures(analysis).all.map { ($0.bars.name, $0.bars.file) }
            + GrowthPictures(analysis).all.map { ($0.name, $0.file) }
    }

    /// The parts of one page.
    struct Contents {
        let analysis: CompareAnalysis
        var contenders: [Contender] = []
        private var record: CompareRecord { analysis.record }
        private var tables: CompareTables { CompareTables(analysis) }

        var title: String {
            let points = record.points.map(Wording.point).uniqued
            return "loadtest compare: \(record.arms.count { !$0.isControl }) servers"
                + Wording.over(record.transport) + ", "
                + (points.count > 3 ? "\(points.count) loads" : points.joined(separator: ", "))
        }

        var sections: [String] {
            [verdict, blocking]
                + record.points.indices.map { tables.summary(at: $0).html }
                + bars + growth + stories + [tables.arms.html, tables.session.html, method]
        }

        /// The strip that comes first, before any figure.
        private var verdict: String {
            let doubts = analysis.doubts
            let isInvalid = record.environment.isDebugBuild || record.samples.isEmpty
            let level = isInvalid ? "invalid" : doubts.isEmpty ? "valid" : "suspect"
            let heading = Markup.element(
                "h2", [:],
                Markup.escape(
                    level.uppercased()
                        + record.points.indices.map { "  " + analysis.course(at: $0) }.joined()))
            let points = (record.notes + doubts).map {
                Markup.element("li", [:], Markup.escape($0))
            }
            let list =
                points.isEmpty
                ? Markup.element("p", [:], "Nothing speaks against these figures.")
                : Markup.element("ul", [:], points.joined(separator: "\n"))
            return Markup.element("section", ["class": "verdict \(level)"], heading + list)
        }

        private var blocking: String {
            let lines = CompareSentences(analysis).blocking
            guard !lines.isEmpty else { return "" }
            return heading("What looking blocking costs") + list(lines)
        }

        private var bars: [String] {
            let pictures = BarPictures(analysis).all
            guard !pictures.isEmpty else { return [] }
            return [heading("Reading by reading")]
                + pictures.map { picture in
                    let table = tables.detail(of: picture.reading, at: picture.point)
                    let details = Markup.element(
                        "details", [:],
                        Markup.element("summary", [:], "the figures") + table.html)
                    return Page.figure(picture.bars.svg, caption: picture.bars.summary) + details
                }
        }

        private var growth: [String] {
            let pictures = GrowthPictures(analysis).all
            guard !pictures.isEmpty else { return [] }
            return [heading("Growth with connections")]
                + pictures.map { Page.figure($0.svg, caption: $0.summary) }
        }

        private var stories: [String] {
            let paragraphs = analysis.stories(of: contenders).map { story in
                Markup.element(
                    "p", [:],
                    Markup.element("b", [:], Markup.escape(story.name)) + " "
                        + Markup.escape(story.text))
            }
            return paragraphs.isEmpty ? [] : [heading("Why each behaves so")] + paragraphs
        }

        private var method: String {
            let sentences = CompareSentences(analysis)
            let lines = sentences.noise + sentences.sees + sentences.apart + [sentences.method]
            let command = RunRecord.shellWords(record.commandLine)
            let repetition =
                command.isEmpty
                ? "" : heading("To repeat") + Markup.element("pre", [:], Markup.escape(command))
            return heading("How far to trust it") + list(lines) + repetition
        }

        private func heading(_ words: String) -> String {
            Markup.element("h2", [:], Markup.escape(words))
        }

        private func list(_ lines: [String]) -> String {
            let items = lines.map { Markup.element("li", [:], Markup.escape($0)) }
            return Markup.element("ul", [:], items.joined(separator: "\n"))
        }
    }
}

extension CompareAnalysis {
    /// A paragraph for each server that was measured and that something is known of, with its
    /// figures at the last point; what is told of a model stands before its arms.
    func stories(of contenders: [Contender]) -> [(name: String, text: String)] {
        var stories: [(name: String, text: String)] = []
        for arm in measured where !record.arms[arm].isControl {
            let (name, kind) = (record.arms[arm].name, record.arms[arm].kind)
            guard let story = contenders.first(where: { $0.name == name })?.story else { continue }
            if case .bundled(let model, _) = kind, let text = story.ofModel,
                !stories.contains(where: { $0.name == model })
            {
                stories.append((model, text))
            }
            stories.append((name, story.text + figures(of: arm)))
        }
        return stories
    }

    /// " Here, with 100 connections of 64 B: CPU/message 4.1 us."
    private func figures(of arm: Int) -> String {
        guard let last = record.points.indices.last else { return "" }
        let readings: [Reading] = [.cpu, .sparseCPU, .connectionMemory, .idleCPU]
        let texts = readings.compactMap { reading in
            figure(reading, of: arm, at: last).map { "\(reading.title) \(reading.text($0))" }
        }
        guard !texts.isEmpty else { return "" }
        let place = Wording.point(record.points[last])
        return " Here, with \(place): \(texts.joined(separator: ", "))."
    }
}
