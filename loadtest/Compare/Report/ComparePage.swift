import Charts
import Reports

/// A comparison as one HTML file that needs no network and no script.
///
///     opening     what was compared, the answer in a sentence, what speaks against it
///     pictures    what a message costs first, then reading by reading, each with its table, and
///                 growth from point to point
///     folded      every figure, why each model behaves so, machine, method, command
package enum ComparePage {
    /// `contenders` are the servers that took part, with what is known of them.
    package static func html(of record: CompareRecord, _ contenders: [Contender] = []) -> String {
        let page = Contents(analysis: CompareAnalysis(record), contenders: contenders)
        return Page.html(
            title: "loadtest compare: \(page.title)", heading: page.title, sections: page.sections)
    }

    /// Each picture as a file of its own, in the order of the page; the names are unique and have
    /// no ending.
    package static func pictures(of record: CompareRecord) -> [(name: String, svg: String)] {
        let analysis = CompareAnalysis(record)
        let dots = DotPictures(analysis)
        return (dots.overview.map { [$0] } ?? []).map { ($0.name, $0.file) }
            + dots.all.map { ($0.plot.name, $0.plot.file) }
            + GrowthPictures(analysis).all.map { ($0.name, $0.file) }
    }

    /// The parts of one page.
    struct Contents {
        let analysis: CompareAnalysis
        var contenders: [Contender] = []
        private var record: CompareRecord { analysis.record }
        private var tables: CompareTables { CompareTables(analysis) }
        private var sentences: CompareSentences { CompareSentences(analysis) }

        var title: String {
            let points = record.points.map(Wording.point).uniqued
            return "\(record.arms.count { !$0.isControl }) servers"
                + Wording.over(record.transport) + ", "
                + (points.count > 3 ? "\(points.count) loads" : points.joined(separator: ", "))
        }

        var sections: [String] {
            let pictures = self.pictures
            let shown = Page.figures(pictures.filter(\.isShown).map(\.figure))
            let others = Page.figures(pictures.filter { !$0.isShown }.map(\.figure))
            return [answers, verdict] + shown.prefix(1) + [blocking] + shown.dropFirst() + [
                Page.fold("More readings", others.joined(separator: "\n")),
                Page.fold("Every figure", summaries), Page.fold("Why each behaves so", stories),
                Page.fold("Machine, method and how to repeat it", session),
            ]
        }

        private var answers: String {
            sentences.answers.map {
                Markup.element("p", ["class": "result"], Markup.escape($0))
            }.joined(separator: "\n")
        }

        private var blocking: String {
            let lines = sentences.blocking
            return lines.isEmpty ? "" : heading("What looking blocking costs") + list(lines)
        }

        /// Comes before any picture and table.
        private var verdict: String {
            let doubts = analysis.doubts
            let isInvalid = record.environment.isDebugBuild || record.samples.isEmpty
            return Page.verdict(
                isInvalid ? .invalid : doubts.isEmpty ? .valid : .suspect,
                findings: (record.notes + doubts).map(Markup.escape))
        }

        /// A picture, and whether it is seen without being asked for.
        private typealias Picture = (figure: Page.Figure, isShown: Bool)

        private var pictures: [Picture] {
            let dots = DotPictures(analysis)
            let overview = dots.overview.map { [Picture(Page.Figure($0), true)] } ?? []
            let readings = dots.all.map { picture in
                var figure = Page.Figure(picture.plot)
                let table = tables.detail(of: picture.reading, at: picture.point)
                figure.below = Page.fold("The figures", table.html)
                return Picture(figure, Reading.headline.contains(picture.reading))
            }
            return overview + readings
                + GrowthPictures(analysis).all.map { Picture(Page.Figure($0), true) }
        }

        private var summaries: String {
            record.points.indices.map { tables.summary(at: $0).html }.joined()
        }

        private var stories: String {
            analysis.stories(of: contenders).map { story in
                Markup.element(
                    "p", [:],
                    Markup.element("b", [:], Markup.escape(story.name)) + " "
                        + Markup.escape(story.text))
            }.joined(separator: "\n")
        }

        private var session: String {
            let lines = sentences.noise + sentences.sees + sentences.apart + [sentences.method]
            let command = RunRecord.shellWords(record.commandLine)
            let repetition =
                command.isEmpty
                ? "" : Markup.element("pre", ["tabindex": "0"], Markup.escape(command))
            return tables.arms.html + tables.session.html + list(lines) + repetition
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
