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
    package static func html(of record: CompareRecord) -> String {
        let page = Contents(standing: Standing(record))
        return Page.html(title: page.title, sections: page.sections)
    }

    /// Each picture as a file of its own, in the order of the page; the names are unique and have
    /// no ending.
    package static func pictures(of record: CompareRecord) -> [(name: String, svg: String)] {
        let standing = Standing(record)
        return BarPictures(standing).all.map { ($0.bars.name, $0.bars.file) }
            + GrowthPictures(standing).all.map { ($0.name, $0.file) }
    }

    /// The parts of one page.
    struct Contents {
        let standing: Standing
        private var record: CompareRecord { standing.record }
        private var tables: CompareTables { CompareTables(standing) }

        init(standing: Standing) { self.standing = standing }

        var title: String {
            let points = record.points.map(Wording.point).uniqued
            return "loadtest compare: \(record.arms.count { !$0.isControl }) servers, "
                + (points.count > 3 ? "\(points.count) loads" : points.joined(separator: ", "))
        }

        var sections: [String] {
            [verdict, blocking]
                + record.points.indices.flatMap {
                    [tables.answers(at: $0).html, tables.costs(at: $0).html]
                }
                + bars + growth + stories + [tables.arms.html, tables.session.html, method]
        }

        /// The strip that comes first: nobody should read a figure before it.
        private var verdict: String {
            let doubts = standing.doubts
            let isInvalid = record.environment.isDebugBuild || standing.rounds == 0
            let level = isInvalid ? "invalid" : doubts.isEmpty ? "valid" : "suspect"
            let heading = Markup.element(
                "h2", [:],
                Markup.escape("\(level.uppercased())  \(Wording.rounds(standing.rounds))"))
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
            let lines = Account(standing).blocking
            guard !lines.isEmpty else { return "" }
            return heading("What looking blocking costs") + list(lines)
        }

        private var bars: [String] {
            let pictures = BarPictures(standing).all
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
            let pictures = GrowthPictures(standing).all
            guard !pictures.isEmpty else { return [] }
            return [heading("Growth with connections")]
                + pictures.map { Page.figure($0.svg, caption: $0.summary) }
        }

        private var stories: [String] {
            let paragraphs = standing.stories.map { story in
                Markup.element(
                    "p", [:],
                    Markup.element("b", [:], Markup.escape(story.name)) + " "
                        + Markup.escape(story.text))
            }
            return paragraphs.isEmpty ? [] : [heading("Why each behaves so")] + paragraphs
        }

        private var method: String {
            let account = Account(standing)
            let lines = account.noise + account.sees + account.apart + [account.method]
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

extension Standing {
    /// A paragraph for each model that was measured, with its figures at the last point; the
    /// coroutine has one before those of its drivers.
    var stories: [(name: String, text: String)] {
        var stories: [(name: String, text: String)] = []
        var isCoroutineTold = false
        for arm in measured where !record.arms[arm].isControl {
            guard let story = ModelStory.paragraph(of: record.arms[arm].kind) else { continue }
            if case .bundled("coroutine", _) = record.arms[arm].kind, !isCoroutineTold {
                stories.append(("coroutine", ModelStory.coroutine))
                isCoroutineTold = true
            }
            stories.append((record.arms[arm].name, story + figures(of: arm)))
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
