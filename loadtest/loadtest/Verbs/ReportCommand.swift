import Compare
import Flags
import Reports
import Syscalls

/// `loadtest report`: pages, pictures and tables from the JSON, or the interval logs, of runs that
/// were made before.
enum ReportCommand {
    static let table = FlagTable(
        command: "loadtest report",
        summary: "Shows runs again from their --json files: as text, a page, pictures or tables.",
        usage: [
            "A.json [B.json ...] [options]    (- is standard input)",
            "A.hlog [B.hlog ...] [options]    what --hlog has left of a run",
            "COMPARISON.json [options]        what compare --json wrote",
        ],
        groups: [
            FlagGroup(
                "Output (- is standard output):",
                [
                    Flag("html", nil, "FILE", help: "one page that needs no network and no script"),
                    Flag("svg", nil, "FILE", help: "the pictures; in a directory, a file for each"),
                    Flag("md", nil, "FILE", help: "tables in Markdown, for a pull request"),
                    Percentiles.flag,
                ])
        ],
        positionalsMax: .max,
        footer: [
            "Without an output it prints the text report. Several runs share their pictures.",
            "Exit:  0 done, 64 bad usage, 65 a file is not a report, 73 cannot write.",
        ]
    )

    static func run(_ words: [String]) -> Int32 { Verb.run(table, words, report) }

    private static func report(_ arguments: Arguments) throws -> Int32 {
        guard !arguments.positionals.isEmpty else {
            throw UsageError("report needs a file: loadtest report A.json --html A.html")
        }
        let pictures = arguments.text("svg")
        let folder = pictures.flatMap { $0.hasSuffix("/") || File.isDirectory($0) ? $0 : nil }
        if let folder { try OutputFiles.check(directory: folder, "svg") }
        let files = OutputFiles([
            "html": arguments.text("html"), "svg": folder == nil ? pictures : nil,
            "md": arguments.text("md"),
        ])
        try files.check(inputs: arguments.positionals)
        let inputs = try names(of: arguments.positionals).map { name, path in
            (name: name, path: path, text: try InputFiles.text(of: path))
        }
        if let only = inputs.first, inputs.count == 1, isComparison(only.text) {
            let record = try InputFiles.comparison(only.text, only.path)
            return try show(
                record, files, pictures: pictures, markdown: arguments.text("md"))
        }
        let percentiles = try arguments.value("percentiles", by: Percentiles.quantiles)
        var runs: [PageRun] = []
        var logs: [(name: String, log: HistogramLogFile)] = []
        for (name, path, text) in inputs {
            if HistogramLogFile.isLog(text) {
                logs.append((name, try InputFiles.log(text, path)))
            } else {
                var record = try record(text, path)
                if let percentiles { record.percentiles = percentiles }
                runs.append(PageRun(name: name, record: record))
            }
        }
        if logs.isEmpty { return try show(named(runs), files, folder) }
        guard runs.isEmpty, folder == nil else {
            throw UsageError("an interval log has one picture, and stands beside logs only")
        }
        return try show(LogReport(logs), files)
    }

    private static func show(_ logs: LogReport, _ files: OutputFiles) throws(Stop) -> Int32 {
        if files.isEmpty { return Output.say(logs.markdown) }
        try files.write("html", logs.html)
        try files.write("svg", logs.svg)
        try files.write("md", logs.markdown)
        return ExitCode.success
    }

    /// A comparison again; its pictures are a file each.
    private static func show(
        _ record: CompareRecord, _ files: OutputFiles, pictures: String?, markdown: String?
    ) throws -> Int32 {
        if files.isEmpty, pictures == nil { return Output.say(CompareText.report(of: record)) }
        if let pictures {
            guard File.isDirectory(pictures) else {
                throw UsageError("--svg of a comparison needs a directory, and \(pictures) is none")
            }
            for (name, svg) in ComparePage.pictures(of: record) {
                try OutputFiles.write(svg, to: "\(pictures)/\(name).svg", "svg")
            }
        }
        let contenders = CompareCommand.bundled
        try files.write("html", ComparePage.html(of: record, contenders))
        try files.write(
            "md",
            CompareMarkdown.page(
                of: record, contenders,
                pictures: pictures.map { CompareMarkdown.link(from: markdown ?? "-", to: $0) }))
        return ExitCode.success
    }

    private static func show(
        _ runs: [PageRun], _ files: OutputFiles, _ folder: String?
    ) throws(Stop) -> Int32 {
        if files.isEmpty, folder == nil { return print(runs) }
        try files.write("html", Page(runs).html)
        try files.write("svg", PagePictures(runs).file)
        for (name, text) in folder == nil ? [] : PagePictures(runs).files {
            try OutputFiles.write(text, to: "\(folder ?? "")/\(name).svg", "svg")
        }
        try files.write("md", MarkdownReport(runs).text)
        return ExitCode.success
    }

    // MARK: - Input

    private static func isComparison(_ text: String) -> Bool {
        Document.schema(of: text)?.hasPrefix("swiftlet.compare/") == true
    }

    private static func record(_ text: String, _ path: String) throws(Stop) -> RunRecord {
        var record = try InputFiles.record(text, path)
        // A document from before there were verdicts is judged now; of the others, one without a
        // finding comes out the same.
        if record.verdict.findings.isEmpty { record.verdict = Verdict(judging: record) }
        return record
    }

    /// The last part of each path, without its extension, where that tells them apart.
    private static func names(of paths: [String]) -> [(name: String, path: String)] {
        let short = paths.map { path in
            let last = path.split(separator: "/").last.map(String.init) ?? path
            return [".json", ".hlog"].contains { last.hasSuffix($0) }
                ? String(last.dropLast(5)) : last
        }
        return zip(Set(short).count == short.count ? short : paths, paths).map { ($0, $1) }
    }

    /// The runs by the names that people gave them, where those tell them apart, or else by what
    /// they differ in; the name of the file is the last resort.
    private static func named(_ runs: [PageRun]) -> [PageRun] {
        if runs.count == 1 { return runs.map { PageRun($0.record) } }
        let given = runs.map { $0.record.labels.name ?? $0.name }
        let isGiven =
            Set(given).count == runs.count
            && runs.contains { $0.record.labels.name != nil }
        let names =
            isGiven
            ? given
            : RunRecord.differences(among: runs.map(\.record)) ?? runs.map(\.name)
        return zip(names, runs).map { PageRun(name: $0, record: $1.record) }
    }

    // MARK: - Output

    private static func print(_ runs: [PageRun]) -> Int32 {
        let style = Output.style(on: File.standardOutput)
        let screen = Output.screen(File.standardOutput)
        let texts = runs.map { run in
            let report = TextReport(run.record, style: style, screen: screen)
            let isNamed = runs.count == 1 || run.record.labels.name == run.name
            let name = isNamed ? [] : ["run        \(run.name)"]
            return (name + report.preamble() + report.results).joined(separator: "\n")
        }
        return Output.say(texts.joined(separator: "\n\n"))
    }
}
