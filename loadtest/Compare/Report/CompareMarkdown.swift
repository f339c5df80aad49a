import Reports

/// A comparison as Markdown, for a document or a job's summary; the same tables as the page has.
package enum CompareMarkdown {
    /// `pictures` is the folder of the files that `ComparePage.pictures` gave, as the document
    /// links to them; without one there is no picture.
    package static func page(
        of record: CompareRecord, _ contenders: [Contender] = [], pictures: String? = nil
    ) -> String {
        let analysis = CompareAnalysis(record)
        let tables = CompareTables(analysis)
        let sentences = CompareSentences(analysis)
        var lines = ["## \(plain(ComparePage.Contents(analysis: analysis).title))"]
        lines += list("Doubts", record.notes + analysis.doubts)
        for point in record.points.indices {
            lines += tables.summary(at: point).markdown
        }
        lines += list("What looking blocking costs", sentences.blocking)
        for picture in BarPictures(analysis).all {
            let title = tables.heading(picture.reading, at: picture.point)
            lines += ["", "### \(plain(title))"]
            lines += image(picture.bars.name, title, in: pictures)
            lines += tables.detail(of: picture.reading, at: picture.point).markdown
        }
        if let pictures {
            for chart in GrowthPictures(analysis).all {
                lines += ["", "### \(plain(chart.title))"]
                lines += image(chart.name, chart.title, in: pictures)
            }
        }
        lines +=
            stories(analysis.stories(of: contenders)) + tables.arms.markdown
            + tables.session.markdown
        lines += list(
            "How far to trust it",
            sentences.noise + sentences.sees + sentences.apart + [sentences.method])
        return ((lines + repetition(record)).joined(separator: "\n") + "\n").withoutControls
    }

    private static func list(_ title: String, _ points: [String]) -> [String] {
        points.isEmpty ? [] : ["", "**\(plain(title))**", ""] + points.map { "* \(plain($0))" }
    }

    private static func image(
        _ name: String, _ title: String, in folder: String?
    ) -> [String] {
        folder.map { ["", "![\(plain(title))](\($0)/\(name).svg)"] } ?? []
    }

    private static func stories(_ stories: [(name: String, text: String)]) -> [String] {
        guard !stories.isEmpty else { return [] }
        return ["", "### Why each behaves so"]
            + stories.flatMap { ["", "**\(plain($0.name))**: \(plain($0.text))"] }
    }

    /// The command as a block that is code by its indentation: no fence that it could close.
    private static func repetition(_ record: CompareRecord) -> [String] {
        let words = RunRecord.shellWords(record.commandLine).map { $0.isNewline ? " " : $0 }
        return words.isEmpty ? [] : ["", "To repeat:", "", "    " + String(words)]
    }

    private static func plain(_ text: String) -> String { MarkdownReport.escape(text) }
}
