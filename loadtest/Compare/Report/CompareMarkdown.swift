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
        var lines =
            ["## loadtest compare: \(plain(ComparePage.Contents(analysis: analysis).title))"]
            + sentences.answers.flatMap { ["", plain($0)] }
        lines += list("Doubts", record.notes + analysis.doubts)
        for point in record.points.indices {
            lines += tables.summary(at: point).markdown
        }
        lines += list("What looking blocking costs", sentences.blocking)
        let dots = (overview: DotPictures(analysis).overview, all: DotPictures(analysis).all)
        if let overview = dots.overview {
            lines += image(overview.name, overview.title, in: pictures)
        }
        for (reading, point) in tables.detailed {
            let title = tables.heading(reading, at: point)
            lines += ["", "### \(plain(title))"]
            if let picture = dots.all.first(where: { $0.reading == reading && $0.point == point }) {
                lines += image(picture.plot.name, title, in: pictures)
            }
            lines += tables.detail(of: reading, at: point).markdown
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

    /// A directory of pictures as a Markdown file links to it: relative where it is beside it, and
    /// "." where it is the file's own.
    package static func link(from markdown: String, to pictures: String) -> String {
        let folder = markdown.split(separator: "/", omittingEmptySubsequences: false)
            .dropLast().map { $0 + "/" }.joined()
        var link = pictures[...]
        while link.count > 1, link.hasSuffix("/") { link = link.dropLast() }
        if link + "/" == folder { return "." }
        return String(link.hasPrefix(folder) ? link.dropFirst(folder.count) : link)
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
